"""From a config to the study: its runs, the spec of each, and the sections that make products of them.

A spec holds everything that its step depends on and nothing else. Its canonical JSON is the one
parameter that Snakemake compares, so that a change of the config rebuilds what depends on it and nothing more.
"""

import dataclasses
from collections.abc import Iterable

from cnntention.attention import registry
from cnntention.base import specs
from cnntention.base.errors import ConfigError
from cnntention.base.layout import Run
from cnntention.data import source
from cnntention.data.specs import DataSpec
from cnntention.data.split import validation_images
from cnntention.reporting.overview import OverviewSpec
from cnntention.reporting.selection import impossible
from cnntention.study import plausible
from cnntention.study.config import complete
from cnntention.study.export import ExportSpec
from cnntention.study.schedule import scaled
from cnntention.study.sections.figures import Figures
from cnntention.study.sections.gradcam import Gradcam
from cnntention.study.sections.instruments import Instruments
from cnntention.study.sections.section import Section
from cnntention.study.sections.tables import Tables
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
        self.tables = Tables(self)
        self.figures = Figures(self)
        self.gradcam = Gradcam(self)
        self.instruments = Instruments(self)
        self.sections: tuple[Section, ...] = (self.tables, self.figures, self.gradcam, self.instruments)

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
        for section in self.sections:
            for name in section.stanzas:
                runs.update(dict.fromkeys(section.runs(name)))
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

    def overview_files(self) -> list[str]:
        """The files that the overview is made from."""
        return list(dict.fromkeys(file for name in self._accuracy_tables() for file in self.tables.files(name)))

    def _accuracy_tables(self) -> list[str]:
        return [name for name, table in self.tables.stanzas.items() if table["kind"] == "accuracy"]

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
        """A model's recipe, scaled to the ``epochs`` of the dataset, else to those of the config, where one is set, and
        with the learning rate of the dataset."""
        recipe = self.config["recipes"][self.config["models"][model]["recipe"]]
        on = self.config["datasets"][dataset] if dataset else {}
        epochs = on.get("epochs") or self.config["epochs"]
        recipe = scaled(recipe, epochs) if epochs else recipe
        return recipe | {"lr": recipe["lr"] * on.get("lr_factor", 1)}

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
                "tables": [specs.plain(self.tables.spec(name)) for name in sorted(self._accuracy_tables())],
                "instruments": sorted(stanza["caption"] for stanza in self.config["instruments"].values()),
            },
        )

    def export_spec(self) -> ExportSpec:
        """What the export to MLflow looks for: all runs and products."""
        products = tuple(path for section in self.sections for path in section.products())
        return ExportSpec(self.results, self.digests(self.runs()), products)
