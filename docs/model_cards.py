"""Weights of the study's models as safetensors, each with a card that says what it is, and what it is not."""

from pathlib import Path

from statsmodels.stats.proportion import proportion_confint

from cnntention.base import layout
from cnntention.base.layout import Run
from cnntention.data.card import Card
from cnntention.reporting import runs
from cnntention.study.study import Study
from cnntention.training import checkpoint, portable


def write(study: Study, run: Run, folder: Path) -> bool:
    """Write a run's weights and their card, ``MODEL.safetensors`` and ``MODEL.md``; without ``model.pt`` nothing.

    Returns:
        Whether they are there.
    """
    path = study.run_path(layout.MODEL, run)
    if not Path(path).is_file():
        return False
    trained = checkpoint.load(path)
    report = runs.evaluation(study.run_path(layout.EVAL, run))
    folder.mkdir(parents=True, exist_ok=True)
    portable.write(folder / f"{run.model}.safetensors", trained)
    (folder / f"{run.model}.md").write_text(card(study, run, report, trained.image_size is not None), encoding="utf-8")
    return True


def card(study: Study, run: Run, report: dict, says_size: bool) -> str:
    """The text of a card, by the evaluation of the run, and whether its file says how large its images are."""
    size = "" if says_size else " --image-size 32"
    model, dataset = study.config["models"][run.model], study.config["datasets"][run.dataset]
    images = Card.read(study.run_path(layout.CARD, run)).images["train"]
    held_out = report["spec"]["validation_images"]
    rows = {
        "channels of the three stages": ", ".join(map(str, model["widths"])),
        "attention": _attention(model["attention"]),
        "size": f"{report['parameters']:,} parameters, {report['multiply_adds'] / 1e6:.1f} M multiply-adds an image",
        "trained on": f"{images - held_out:,} of {dataset['label']}'s {images:,} training images, mirrored and cropped "
        "at random",
        "recipe": _recipe(study.recipe(run.model, run.dataset)),
        "on": f"{report['training']['device']}, in {report['training']['precision']}",
        "accuracy": _accuracy(report),
    }
    table = "\n".join(f"| {what} | {text} |" for what, text in rows.items())
    return f"""# {model["label"]}, {dataset["label"]}, seed {run.seed}

ResNet-{model["depth"]} for images of {dataset["label"]} (32x32 pixels, {len(report["confusion"])} classes), trained by
this repository alone, as one of the runs of [the study](../README.md).

| what | |
|---|---|
{table}

One network of one seed: other seeds of the same model differ, by as much as [its table](../README.md) says.
It was trained for a comparison under a short schedule, not for the highest accuracy, and for nothing but ten classes of
small photographs: whatever it is shown, it names one of the ten. Answers in any use that matters are not its purpose.

```sh
python -m cnntention predict docs/study/models/{run.model}.safetensors picture.png{size}
```

The weights are under [the repository's license](../../../LICENSE). CIFAR-10 is by Krizhevsky (2009); no image of it is
in this file.
"""


def _attention(attention: dict | None) -> str:
    if not attention:
        return "none"
    options = "".join(f", {name} {value}" for name, value in attention["options"].items())
    return f"{attention['block']} after each stage{options}; residual connection: {attention['residual']}"


def _recipe(recipe: dict) -> str:
    schedule = recipe["schedule"]
    peak = f"one cycle up to {recipe['lr']:g}, warm-up {schedule['warmup']:g}" if schedule else f"{recipe['lr']:g}"
    return (
        f"{recipe['optimizer']}, learning rate {peak}; weight decay {recipe['weight_decay']:g}, batches of "
        f"{recipe['batch_size']}, {recipe['epochs']} epochs"
    )


def _accuracy(report: dict) -> str:
    accuracy, images = report["accuracy"], report["n"]
    low, high = proportion_confint(round(accuracy / 100 * images), images, method="wilson")
    return (
        f"{accuracy:.2f}% of the other {images:,} training images, 95% interval over images {100 * low:.2f} to "
        f"{100 * high:.2f}% (Wilson)"
    )
