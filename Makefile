# make demo    the whole study in small, on a laptop without GPU or network (minutes)
# make report  the demo's results in one HTML page, results/demo/report.html
# make test    all tests
# make lint    ruff, snakefmt, snakemake --lint
# make docs    the demo's table and pictures into docs/demo/ and the README
# make clean   removes .venv and the demo
# Each sets up .venv first where it is missing.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: demo report test lint docs clean

demo: $(INSTALLED)
	$(BIN)/snakemake --configfile configs/demo.yaml

report: demo
	$(BIN)/snakemake --configfile configs/demo.yaml --report results/demo/report.html

test: $(INSTALLED)
	$(BIN)/python -m pytest

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

docs: demo
	$(BIN)/python docs/publish_demo.py

$(INSTALLED): requirements.txt requirements-dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: no python3 found; install Python 3.11 or set PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "make: $(PYTHON) is older than Python 3.11; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

clean:
	rm -rf .venv results/demo
