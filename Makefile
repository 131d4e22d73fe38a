# make demo       the whole study in small, on a laptop without GPU or network (minutes)
# make report     the demo's results in one HTML page, results/demo/report.html
# make test       all tests
# make lint       ruff, mypy, snakefmt, snakemake --lint
# make benchmark  training speed and memory beside a plain PyTorch pipeline, into benchmarks/results/ (ten minutes)
# make docs       the demo's table and pictures into docs/demo/, and what is generated in the README and docs/
# make study-docs  the study under one recipe on real data (days on two cores) into docs/study/, its answer into the README
# make published-docs  the paper's own networks, which you have to fetch first, into docs/published/ and the README
# make fashion-docs  the four models on Fashion-MNIST (an hour on one core) into docs/fashion-mnist/
# make future-docs   the paper's three open experiments (an hour on two cores) into docs/future-work/
# make clean      removes .venv and the demo
# Each sets up .venv first where it is missing, with what it needs.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALLED := .venv/.installed
TOOLS := .venv/.tools

.PHONY: demo report test lint benchmark docs study-docs published-docs fashion-docs future-docs clean

demo: $(INSTALLED)
	$(BIN)/snakemake --configfile configs/demo.yaml

report: demo
	$(BIN)/snakemake --configfile configs/demo.yaml --report results/demo/report.html

test: $(TOOLS)
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

lint: $(TOOLS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

benchmark: $(INSTALLED)
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.launches
	$(BIN)/python -m docs.publish_benchmarks

docs: demo
	$(BIN)/python -m docs.publish_demo
	$(BIN)/python -m docs.publish_benchmarks
	$(BIN)/python -m docs.configuration_reference

study-docs: $(INSTALLED)
	$(BIN)/snakemake --configfile configs/controlled.yaml
	$(BIN)/python -m docs.publish_study

published-docs: $(INSTALLED)
	$(BIN)/snakemake --configfile configs/published.yaml
	$(BIN)/python -m docs.publish_published

fashion-docs: $(INSTALLED)
	$(BIN)/snakemake --cores 1 --configfile configs/fashion-mnist.yaml
	$(BIN)/python -m docs.publish_short_study fashion-mnist

future-docs: $(INSTALLED)
	$(BIN)/snakemake --configfile configs/future-work.yaml
	$(BIN)/python -m docs.publish_short_study future-work

$(TOOLS): $(INSTALLED) requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(INSTALLED): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: no python3 found; install Python 3.11 or set PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "make: $(PYTHON) is older than Python 3.11; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

clean:
	rm -rf .venv results/demo
