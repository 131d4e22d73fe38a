"""From a config to the study: its runs, and the spec of each run, table, figure and grid.

A spec holds everything that its step depends on and nothing else. Its canonical JSON is the one
parameter that Snakemake compares, so that a change of the config rebuilds what depends on it and nothing more.
"""

import dataclasses
from collections.abc import Iterable

from cnntention.attention import registry
from cnntention.base import layout, specs
from cnntention.base.errors import ConfigError
from cnntention.base.layout import Run
from cnntention.data import source
from cnntention.data.specs import DataSpec
from cnntention.data.split import validation_images
from cnntention.instruments.specs import InstrumentSpec
from cnntention.reporting import figures, grid, selection, tables
from cnntention.reporting.figures import FigureSpec
from cnntention.reporting.grid import GridSpec
from cnntention.reporting.instruments import comparisons, findings, pictures
from cnntention.reporting.instruments import spec as instruments
from cnntention.reporting.instruments.spec import StanzaSpec
from cnntention.reporting.kinds import Kinds
from cnntention.reporting.overview import OverviewSpec
from cnntention.reporting.selection import impossible
from cnntention.reporting.table import SUFFIXES
from cnntention.reporting.tables import TableSpec
from cnntention.study import plausible
from cnntention.study.config import complete
from cnntention.study.export import ExportSpec
from cnntention.study.schedule import scaled
from cnntention.training.specs import ImportSpec, RunSpec

NO_PART_OF_A_NETWORK = ("label", "color", "recipe", "stands_for", "weights", "start")
"""Keys of a model: what it is called, where its weights come from, and what it is compared with."""


class Study:
    """A checked config and what follows from it.

    Args:
        config: as read from YAML.

    Raises:
        ConfigError: the config is not valid.
    """

    def __init__(self, config: dict):
        self.config = complete(config)
        self.results: str = self.config["results"].rstrip("/")
        self.machine: dict = self.config["machine"]
        keys = ("device", "runs_per_gpu", "compile", "deterministic")
        self.computing: dict = {
            key: self.machine[key] or "off" if key == "compile" else self.machine[key] for key in keys
        }
        """The machine's settings for a step that computes, see :class:`cnntention.base.device.Machine`."""

    def path(self, pattern: str, **names: object) -> str:
        """A pattern of :mod:`cnntention.base.layout` with the names filled in."""
        return pattern.format(results=self.results, **names)

    def run_path(self, pattern: str, run: Run) -> str:
        """A file of a run."""
        return run.path(pattern, self.results)

    def remarks(self) -> list[str]:
        """What in the config may not be meant as it stands, a line each."""
        return list(plausible.remarks(self.config, self.trainings()))

    # ---- runs

    def runs(self) -> list[Run]:
        """Every run that a table, figure, grid or instrument asks for, each once."""
        runs: dict[Run, None] = {}
        for section, of in (
            ("tables", self.table_runs),
            ("figures", self.figure_runs),
            ("gradcam", self.grid_runs),
            ("instruments", self.instrument_runs),
        ):
            for name in self.config[section]:
                runs.update(dict.fromkeys(of(name)))
        return list(runs)

    def trainings(self) -> list[Run]:
        """The runs, and those that they start from, in an order in which they can be trained."""
        found: dict[Run, None] = {}
        for run in self.runs():
            found.update(dict.fromkeys(each for each in (self.start(run), run) if each))
        return list(found)

    def start(self, run: Run) -> Run | None:
        """The run whose weights a run starts from; None: it starts from random ones."""
        start = self.config["models"][run.model]["start"]
        return dataclasses.replace(run, model=start["model"]) if start else None

    def table_runs(self, name: str) -> list[Run]:
        """The runs that a table is made from."""
        table = self.config["tables"][name]
        return tables.KINDS[table["kind"]].runs(table, self.config["seeds"])

    def table_files(self, name: str) -> list[str]:
        """The files that a table is made from."""
        return self._files(tables.KINDS, self.config["tables"][name])

    def figure_runs(self, name: str) -> list[Run]:
        """The runs that a figure is made from."""
        figure = self.config["figures"][name]
        return figures.KINDS[figure["kind"]].runs(figure, self.config["seeds"])

    def figure_files(self, name: str) -> list[str]:
        """The files that a figure is made from."""
        return self._files(figures.KINDS, self.config["figures"][name])

    def _files(self, kinds: Kinds, stanza: dict) -> list[str]:
        kind = kinds[stanza["kind"]]
        patterns = [*kind.files, *(f"{_measurement(name)}.json" for name in kind.instruments(stanza))]
        files = [
            self.run_path(pattern, run)
            for run in kind.runs(stanza, self.config["seeds"])
            for pattern in patterns
            if pattern != layout.HISTORY or run.model in self.trained_models()
        ]
        return list(dict.fromkeys(files))

    def grid_runs(self, dataset: str) -> list[Run]:
        """The runs that a Grad-CAM grid is made from."""
        return grid.runs(dataset, self.config["gradcam"][dataset], self.config["seeds"])

    def instrument_runs(self, name: str) -> list[Run]:
        """The runs that an instrument looks at."""
        return selection.runs(self.config["instruments"][name], self.config["seeds"])

    def measurements(self, name: str) -> list[str]:
        """The files that an instrument's table and picture are made from."""
        runs = self.instrument_runs(name)
        return [self.run_path(_measurement(name) + suffix, run) for run in runs for suffix in (".json", ".npz")]

    def overview_files(self) -> list[str]:
        """The files that the overview is made from."""
        return list(dict.fromkeys(file for name in self._accuracy_tables() for file in self.table_files(name)))

    def _accuracy_tables(self) -> list[str]:
        return [name for name, table in self.config["tables"].items() if table["kind"] == "accuracy"]

    def trained_models(self) -> list[str]:
        """The models that are trained here."""
        return [name for name, model in self.config["models"].items() if "recipe" in model]

    def imported_models(self) -> list[str]:
        """The models that were trained elsewhere."""
        return [name for name, model in self.config["models"].items() if "weights" in model]

    def weights_file(self, run: Run) -> str:
        """The user's file that a run of an imported model is made from."""
        return self.config["models"][run.model]["weights"][run.dataset]["path"]

    def digests(self, runs: Iterable[Run]) -> dict[str, str]:
        """The digest of the spec of each run, by the run's name: it tells results of another config."""
        return {str(run): specs.digest(self.run_spec(run)) for run in runs}

    # ---- code

    def table_code(self, name: str) -> str:
        """The source file of a table's kind, relative to the repository's root."""
        return tables.KINDS.file(self.config["tables"][name]["kind"])

    def figure_code(self, name: str) -> str:
        """The source file of a figure's kind, relative to the repository's root."""
        return figures.KINDS.file(self.config["figures"][name]["kind"])

    def figure_models(self, name: str) -> list[str]:
        """The models that a figure builds."""
        figure = self.config["figures"][name]
        return figures.KINDS[figure["kind"]].builds(figure)

    def instrument_code(self, name: str) -> str:
        """The source file of an instrument, relative to the repository's root."""
        return instruments.code(self.config["instruments"][name])

    def instrument_files(self, name: str) -> list[str]:
        """The user's files that an instrument reads besides network and images."""
        return instruments.own_files(self.config["instruments"][name])

    def instrument_table_code(self, name: str) -> list[str]:
        """The source files of an instrument's comparison of runs and of its findings, as far as it has them."""
        kind = self.config["instruments"][name]["kind"]
        return [file for file in (comparisons.file(kind), findings.file(kind)) if file]

    def picture_code(self, name: str) -> str | None:
        """The source file of an instrument's picture, relative to the repository's root; None: it has none."""
        return pictures.file(self.config["instruments"][name]["kind"])

    def attention_files(self, model: str) -> tuple[str, ...]:
        """The sources that a model's attention rests on, relative to the repository's root."""
        attention = self.config["models"][model]["attention"]
        return registry.files(attention["block"], attention["options"]) if attention else ()

    def source_file(self, dataset: str) -> str:
        """The source file of a dataset's source, relative to the repository's root."""
        return source.file(self.config["datasets"][dataset]["source"])

    def own_files(self, dataset: str) -> tuple[str, ...]:
        """The user's files that a dataset is made from."""
        return source.of(self.config["datasets"][dataset]).files

    def mirrors(self, dataset: str) -> list[str]:
        """Addresses to try before torchvision's own for a dataset."""
        return self.machine["mirrors"].get(self.config["datasets"][dataset]["source"], [])

    # ---- specs

    def data_spec(self, dataset: str) -> DataSpec:
        """What the prepared data depend on."""
        entry = self.config["datasets"][dataset]
        return DataSpec(entry["source"], entry["image_size"], source.options(entry))

    def run_spec(self, run: Run) -> RunSpec | ImportSpec:
        """What a training, or an import, depends on.

        Raises:
            ConfigError: there can be no such run, whether or not the config lists it.
        """
        problems = list(impossible("run", [run.model], run.split, [run.dataset], self.config))
        if problems:
            raise ConfigError("\n".join(problems))
        dataset = self.config["datasets"][run.dataset]
        model = self.config["models"][run.model]
        start = self.start(run)
        content = dataclasses.asdict(run) | {
            "validation_images": validation_images(run.split, dataset["validation_images"]),
            "normalization": dataset["normalization"],
            **{key: value for key, value in model.items() if key not in NO_PART_OF_A_NETWORK},
        }
        if "weights" in model:
            return specs.read(ImportSpec, content | {"weights": model["weights"][run.dataset]})
        training = {
            "augmentation": dataset["augmentation"],
            "precision": self.config["precision"],
            "recipe": self.recipe(run.model, run.dataset),
            "start": model["start"] | {"digest": specs.digest(self.run_spec(start))} if start else None,
        }
        return specs.read(RunSpec, content | training)

    def training_spec(self, run: Run) -> RunSpec:
        """What a training depends on.

        Raises:
            ConfigError: there can be no such run, or the model is trained elsewhere.
        """
        spec = self.run_spec(run)
        if not isinstance(spec, RunSpec):
            raise ConfigError(f"models.{run.model} has weights from elsewhere, which are imported and not trained here")
        return spec

    def import_spec(self, run: Run) -> ImportSpec:
        """What an import depends on.

        Raises:
            ConfigError: there can be no such run, or the model is trained here.
        """
        spec = self.run_spec(run)
        if not isinstance(spec, ImportSpec):
            raise ConfigError(f"models.{run.model} has a recipe, by which it is trained, and no weights to import")
        return spec

    def recipe(self, model: str, dataset: str | None = None) -> dict:
        """A model's recipe, scaled to the ``epochs`` of the dataset, else to those of the config, where one is set."""
        recipe = self.config["recipes"][self.config["models"][model]["recipe"]]
        epochs = (self.config["datasets"][dataset]["epochs"] if dataset else None) or self.config["epochs"]
        return scaled(recipe, epochs) if epochs else recipe

    def table_spec(self, name: str) -> TableSpec:
        """What a table depends on besides its runs."""
        table = self.config["tables"][name]
        return tables.KINDS[table["kind"]].spec(name, table, self)

    def figure_spec(self, name: str) -> FigureSpec:
        """What a figure depends on besides its runs."""
        figure = self.config["figures"][name]
        return figures.KINDS[figure["kind"]].spec(name, figure, self)

    def grid_spec(self, dataset: str) -> GridSpec:
        """What a Grad-CAM grid depends on besides its models."""
        own = grid.details(dataset, self.config["gradcam"][dataset], self.config)
        return specs.read(GridSpec, own | {"runs": self.digests(self.grid_runs(dataset))})

    def instrument_spec(self, name: str) -> InstrumentSpec:
        """What a measurement depends on besides its run."""
        return instruments.instrument_spec(self.config["instruments"][name])

    def stanza_spec(self, name: str) -> StanzaSpec:
        """What an instrument's table and picture depend on besides their measurements."""
        return instruments.stanza_spec(name, self.config["instruments"][name], self)

    def overview_spec(self) -> OverviewSpec:
        """What the overview depends on besides the evaluations of its tables."""
        runs = self.runs()
        return specs.read(
            OverviewSpec,
            {
                "trainings": sum(run.model in self.trained_models() for run in runs),
                "imported": sum(run.model in self.imported_models() for run in runs),
                "datasets": sorted({self.config["datasets"][run.dataset]["label"] for run in runs}),
                "models": sorted({self.config["models"][run.model]["label"] for run in runs}),
                "seeds": self.config["seeds"],
                "tables": [specs.plain(self.table_spec(name)) for name in sorted(self._accuracy_tables())],
                "instruments": sorted(stanza["caption"] for stanza in self.config["instruments"].values()),
            },
        )

    def export_spec(self) -> ExportSpec:
        """What the export to MLflow looks for: all runs and products."""
        sections = ("tables", "figures", "gradcam", "instruments")
        products = tuple(path for section in sections for path in self.products(section))
        return ExportSpec(self.results, self.digests(self.runs()), products)

    # ---- captions

    def table_caption(self, name: str) -> str:
        """What the report says about a table."""
        spec = self.table_spec(name)
        return tables.KINDS[spec.kind].caption(spec)

    def figure_caption(self, name: str) -> str:
        """What the report says about a figure."""
        spec = self.figure_spec(name)
        return figures.KINDS[spec.kind].caption(spec, self.config["tables"])

    def grid_caption(self, dataset: str) -> str:
        """What the report says about a Grad-CAM grid."""
        return grid.caption(self.grid_spec(dataset))

    def instrument_caption(self, name: str) -> str:
        """What the report says about an instrument's table and picture."""
        return instruments.caption(self.stanza_spec(name))

    # ---- products

    def products(self, section: str) -> list[str]:
        """All files of a section: ``tables``, ``figures``, ``gradcam`` or ``instruments``."""
        if section == "instruments":
            return [
                self.path(layout.INSTRUMENT, instrument=name) + suffix
                for name in self.config[section]
                for suffix in (*SUFFIXES, *(pictures.SUFFIXES if self.picture_code(name) else ()))
            ]
        pattern, key, suffixes = {
            "tables": (layout.TABLE, "table", SUFFIXES),
            "figures": (layout.FIGURE, "figure", figures.SUFFIXES),
            "gradcam": (layout.GRID, "dataset", (".png", ".json")),
        }[section]
        return [self.path(pattern, **{key: name}) + suffix for name in self.config[section] for suffix in suffixes]


def _measurement(instrument: str) -> str:
    """The pattern of the measurements of a stanza of ``instruments``, without their suffix."""
    return layout.MEASUREMENT.replace("{instrument}", instrument)
