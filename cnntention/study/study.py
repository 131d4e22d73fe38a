"""From a config to the study: its runs, and the spec of each run, table, figure and grid.

A spec holds everything that its step depends on and nothing else. Its canonical JSON is the one
parameter that Snakemake compares, so that a change of the config rebuilds what depends on it and nothing more.
"""

import dataclasses
import math
from collections.abc import Iterable

from cnntention.attention.registry import catalogue
from cnntention.base import layout, specs
from cnntention.base.errors import ConfigError
from cnntention.base.layout import Run
from cnntention.data import source
from cnntention.data.specs import DataSpec
from cnntention.data.split import validation_images
from cnntention.study.checks import run_problems
from cnntention.study.config import complete
from cnntention.training.specs import RunSpec


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
        """What of the machine's settings a step that computes takes, see :class:`cnntention.base.device.Machine`."""

    def path(self, pattern: str, **names: object) -> str:
        """A pattern of :mod:`cnntention.base.layout` with the names filled in."""
        return pattern.format(results=self.results, **names)

    def run_path(self, pattern: str, run: Run) -> str:
        """A file of a run."""
        return run.path(pattern, self.results)

    # ---- runs

    def runs(self) -> list[Run]:
        """Every run that a table, figure or grid asks for, each once."""
        runs: dict[Run, None] = {}
        for section, of in (("tables", self.table_runs), ("figures", self.figure_runs), ("gradcam", self.grid_runs)):
            for name in self.config[section]:
                runs.update(dict.fromkeys(of(name)))
        return list(runs)

    def _runs(self, entry: dict, datasets: Iterable[str], seeds: Iterable[int]) -> list[Run]:
        return [
            Run(dataset, model, entry["split"], seed)
            for dataset in datasets
            for model in entry["models"]
            for seed in seeds
        ]

    def table_runs(self, name: str) -> list[Run]:
        """The runs that a table rests on; none for a table of recipes."""
        table = self.config["tables"][name]
        if table["kind"] == "recipes":
            return []
        if table["kind"] == "claims":
            runs: dict[Run, None] = {}
            for claim in table["claims"].values():
                entry = {"models": [claim["model"], claim["than"]], "split": claim["split"]}
                runs.update(dict.fromkeys(self._runs(entry, [claim["dataset"]], self.config["seeds"])))
            return list(runs)
        return self._runs(table, table["datasets"], self.config["seeds"])

    def table_files(self, name: str) -> list[str]:
        """The files that a table is made of."""
        patterns = [layout.EVAL]
        if self.config["tables"][name]["kind"] == "claims":
            patterns += [layout.PREDICTIONS, layout.HISTORY]
        return [self.run_path(pattern, run) for run in self.table_runs(name) for pattern in patterns]

    def figure_runs(self, name: str) -> list[Run]:
        """The runs that a figure rests on."""
        figure = self.config["figures"][name]
        return self._runs(figure, figure["datasets"], self.config["seeds"])

    def grid_runs(self, dataset: str) -> list[Run]:
        """The runs that a Grad-CAM grid rests on: one of each model, of the first seed."""
        return self._runs(self.config["gradcam"][dataset], [dataset], self.config["seeds"][:1])

    def overview_runs(self) -> list[Run]:
        """The runs that the overview rests on: those of all tables of accuracy."""
        return list(dict.fromkeys(run for name in self._accuracy_tables() for run in self.table_runs(name)))

    def _accuracy_tables(self) -> list[str]:
        return [name for name, table in self.config["tables"].items() if table["kind"] == "accuracy"]

    def published(self, split: str) -> dict[str, dict[str, dict]]:
        """What the paper says of the models of a split, by dataset and model, from all tables."""
        published: dict[str, dict[str, dict]] = {}
        for name in self._accuracy_tables():
            table = self.config["tables"][name]
            if table["split"] == split:
                for dataset, models in table["published"].items():
                    published.setdefault(dataset, {}).update(models)
        return published

    def attention_file(self, model: str) -> str | None:
        """The source file of a model's attention block, relative to the repository's root; None without attention."""
        attention = self.config["models"][model]["attention"]
        return catalogue()[attention["block"]].file if attention else None

    def source_file(self, dataset: str) -> str:
        """The source file of a dataset's source, relative to the repository's root."""
        return source.file(self.config["datasets"][dataset]["source"])

    def own_files(self, dataset: str) -> tuple[str, ...]:
        """Files of the user's that a dataset is made of."""
        return source.of(self.config["datasets"][dataset]).files

    def mirrors(self, dataset: str) -> list[str]:
        """Addresses to try before torchvision's own for a dataset."""
        return self.machine["mirrors"].get(self.config["datasets"][dataset]["source"], [])

    # ---- specs

    def data_spec(self, dataset: str) -> DataSpec:
        """What the prepared data depend on."""
        entry = self.config["datasets"][dataset]
        return DataSpec(entry["source"], entry["image_size"], source.options(entry))

    def run_spec(self, run: Run) -> RunSpec:
        """What a training depends on.

        Raises:
            ConfigError: the run cannot be trained as it says, whether or not the config lists it.
        """
        problems = list(run_problems("run", {"models": [run.model], "split": run.split}, [run.dataset], self.config))
        if problems:
            raise ConfigError("\n".join(problems))
        dataset = self.config["datasets"][run.dataset]
        model = self.config["models"][run.model]
        content = dataclasses.asdict(run) | {
            "validation_images": validation_images(run.split, dataset["validation_images"]),
            "normalization": dataset["normalization"],
            "augmentation": dataset["augmentation"],
            "depth": model["depth"],
            "attention": model["attention"],
            "precision": self.config["precision"],
            "recipe": self.recipe(run.model, run.dataset),
        }
        return specs.read(RunSpec, content)

    def recipe(self, model: str, dataset: str | None = None) -> dict:
        """A model's recipe, scaled to the ``epochs`` of the dataset, else to those of the config, where one is set.

        Milestones are rounded up, so that the last of them rather fall out of a very short schedule than pile up.
        """
        recipe = self.config["recipes"][self.config["models"][model]["recipe"]]
        epochs = (self.config["datasets"][dataset]["epochs"] if dataset else None) or self.config["epochs"]
        if epochs is None:
            return recipe
        milestones = [math.ceil(milestone * epochs / recipe["epochs"]) for milestone in recipe["milestones"]]
        return recipe | {"epochs": epochs, "milestones": milestones}

    def table_spec(self, name: str) -> dict:
        """What a table depends on besides its runs."""
        table = self.config["tables"][name]
        spec = {"name": name, "kind": table["kind"], "caption": table["caption"]}
        if table["kind"] == "recipes":
            models = [
                self._labelled("models", name, "label") | {"recipe": self.recipe(name)} for name in table["models"]
            ]
            return spec | {"models": models, "datasets": [], "published": table["published"]}
        # Results of another config in the same folder, left by steps on the command line, are told by their digests.
        spec["digests"] = {str(run): specs.digest(self.run_spec(run)) for run in self.table_runs(name)}
        if table["kind"] == "claims":
            claims = [self._claim_spec(key, claim) for key, claim in sorted(table["claims"].items())]
            return spec | {"claims": claims, "seeds": self.config["seeds"]}
        published = {dataset: values for dataset, values in table["published"].items() if dataset in table["datasets"]}
        spec |= {"reference": table.get("reference"), "published": published}
        return spec | self._selection(table, "label")

    def _claim_spec(self, name: str, claim: dict) -> dict:
        """A claim with labels; ``trained`` and ``schedule``: the epochs of the shorter run, and those of its recipe."""
        recipes = [self.recipe(claim[side], claim["dataset"]) for side in ("model", "than")]
        whole = [self.config["recipes"][self.config["models"][claim[side]]["recipe"]] for side in ("model", "than")]
        trained, schedule = min((short["epochs"], full["epochs"]) for short, full in zip(recipes, whole, strict=True))
        return {
            "name": name,
            "claim": claim["claim"],
            "source": claim["source"],
            "measure": claim["measure"],
            "dataset": self._labelled("datasets", claim["dataset"], "label"),
            "split": claim["split"],
            "model": self._labelled("models", claim["model"], "label"),
            "than": self._labelled("models", claim["than"], "label"),
            "epochs": claim.get("epochs"),
            "within": claim.get("within"),
            "published": claim.get("published"),
            "trained": trained,
            "schedule": schedule,
        }

    def figure_spec(self, name: str) -> dict:
        """What a figure depends on besides its runs."""
        figure = self.config["figures"][name]
        keys = ("title", "curves", "panels", "style")
        return {"name": name} | {key: figure[key] for key in keys} | self._selection(figure, "label", "color")

    def grid_spec(self, dataset: str) -> dict:
        """What a Grad-CAM grid depends on besides its models."""
        grid = self.config["gradcam"][dataset]
        return {
            "dataset": self._labelled("datasets", dataset, "label"),
            "split": grid["split"],
            "models": [self._labelled("models", model, "label") for model in grid["models"]],
            "seed": self.config["seeds"][0],
            "images": grid["images"],
            "style": grid["style"],
        }

    def export_spec(self) -> dict:
        """What the export to MLflow looks for: the folder, the digest of each run's spec, and all products."""
        runs = {str(run): specs.digest(self.run_spec(run)) for run in self.runs()}
        products = [path for section in ("tables", "figures", "gradcam") for path in self.products(section)]
        return {"results": self.results, "runs": runs, "products": products}

    def overview_spec(self) -> dict:
        """What the overview depends on besides the evaluations of all tables."""
        runs = self.runs()
        return {
            "trainings": len(runs),
            "datasets": sorted({self.config["datasets"][run.dataset]["label"] for run in runs}),
            "models": sorted({self.config["models"][run.model]["label"] for run in runs}),
            "seeds": self.config["seeds"],
            "tables": [self.table_spec(name) for name in sorted(self._accuracy_tables())],
        }

    def _selection(self, entry: dict, *keys: str) -> dict:
        """Datasets, split, models and seeds of an entry, with labels and what else is asked for of the models."""
        return {
            "datasets": [self._labelled("datasets", name, "label") for name in entry["datasets"]],
            "split": entry["split"],
            "models": [self._labelled("models", name, *keys) for name in entry["models"]],
            "seeds": self.config["seeds"],
        }

    def _labelled(self, section: str, name: str, *keys: str) -> dict:
        return {"name": name} | {key: self.config[section][name][key] for key in keys}

    # ---- products

    def products(self, section: str) -> list[str]:
        """All files of a section: ``tables``, ``figures`` or ``gradcam``."""
        pattern, key, suffixes = {
            "tables": (layout.TABLE, "table", (".md", ".csv", ".tex", ".html")),
            "figures": (layout.FIGURE, "figure", (".png", ".svg")),
            "gradcam": (layout.GRID, "dataset", (".png", ".json")),
        }[section]
        return [self.path(pattern, **{key: name}) + suffix for name in self.config[section] for suffix in suffixes]
