"""The page of the published study, and what of it stands in the README: written from the files of docs/study/ alone.

What it says of a comparison is the table's own verdict, never more.
"""

import collections
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from cnntention.base.words import listed
from docs import conclusions_page
from docs.blocks import bullets

MARKS = (
    "Diamonds are the paper's values: test accuracy, by a recipe for each model, after 125 to 182 epochs. They show "
    "where it stands, and are no measure of these runs."
)
ATTENTION = ("selfatt", "mha", "cbam-16")
WHOSE = "the networks of the study under one recipe"
QUESTION = "Can CNNs do better with attention?"


def first_screen(folder: Path) -> str:
    """What the README says: question, answer, all seeds, where the models look."""
    made, config = _json(folder / "provenance.json"), _config(folder)
    parts = [
        f"**{QUESTION}** {answer(folder)}",
        "![Accuracy of every model on CIFAR-10, seed by seed](docs/study/figures/seeds-cifar10.png)",
        f"{MARKS} [docs/study](docs/study/README.md) has every table, curve and grid of these "
        f"{_trainings(made, config)}: **the paper's claims one by one**, the controls, what made the numbers.",
    ]
    if (folder / "gradcam/cifar10.png").is_file():
        parts.append("![Where the four models look, by Grad-CAM](docs/study/gradcam/cifar10.png)")
    return "\n\n".join(parts) + "\n"


def _trainings(made: dict, config: dict) -> str:
    """How many there are of the seeds that are whole, in words."""
    counts: dict[tuple[str, int], int] = {}
    for run, epochs in made["epochs"].items():
        dataset, *_, seed = run.split("/")
        if int(seed.removeprefix("seed")) in made["seeds"]:
            counts[dataset, epochs] = counts.get((dataset, epochs), 0) + 1
    return listed(
        [
            f"{count} trainings of {epochs} epochs on {config['datasets'][dataset]['label']}"
            for (dataset, epochs), count in counts.items()
        ]
    )


def answer(folder: Path) -> str:
    """Whether attention helps, in a word and two sentences: accuracy beside the baseline, and beside the controls."""
    rows = {row["model"]: row for row in _json(folder / "tables/cifar10.json")["rows"]}
    config, seeds = _config(folder), _json(folder / "provenance.json")["seeds"]
    label = {name: model["label"] for name, model in config["models"].items()}
    baseline = rows["baseline"]
    beside = [
        f"{label[name]} {_difference(rows[name], 'to_reference')} ({_verdict(rows[name])})"
        for name in ATTENTION
        if rows[name]["to_reference"] is not None
    ]
    controls = [claim for claim in _json(folder / "claims.json") if claim["table"] == "controls"]
    points = f"; in points beside it: {listed(beside)}" if beside else ""
    return (
        f"{_headline(rows, controls, label)} Over {_count(seeds, 'seed')}, under one recipe, a plain ResNet-20 is "
        f"right on {baseline['accuracy']:.2f}% of {baseline['images']:,} CIFAR-10 images that no training saw"
        f"{points}. {_beside_controls(controls)}{_without_attention(folder, label)}"
    )


def _without_attention(folder: Path, label: dict[str, str]) -> str:
    """What the trained networks are worth without their attention."""
    table = folder / "tables/attention-cifar10.json"
    rows = _json(table)["rows"] if table.is_file() else []
    changes = [
        f"from {row['accuracy']:.1f} to {row['bypassed']:.1f}% ({label[row['model']]})"
        for row in rows
        if row["model"] in ATTENTION and row["bypassed"] is not None
    ]
    if not changes:
        return ""
    return f" With the attention of the trained networks left out, accuracy goes {listed(changes)}."


def _beside_controls(claims: list[dict]) -> str:
    """In how many comparisons with controls for attention the attention model is ahead."""
    run = [claim for claim in claims if claim["seeds"]]
    count = collections.Counter(claim["verdict"] for claim in run)
    ahead, behind = count["verified"], count["contradicted"]
    controls = "controls for attention (placebos, plain networks of equal size)"
    if not run:
        return f"The {controls} have not run yet."
    return (
        f"In {len(run)} comparisons with {controls} an attention model is ahead in {ahead} and behind in {behind}, and "
        f"{len(run) - ahead - behind} are open."
    )


def _headline(rows: dict[str, dict], controls: list[dict], label: dict[str, str]) -> str:
    """The answer in a word, by the verdicts of the tables."""
    better, worse = ([name for name in ATTENTION if rows[name]["verdict"] == word] for word in ("better", "worse"))
    if not any(rows[name]["p"] is not None for name in ATTENTION):
        return "**Not testable yet.**"
    if not better:
        return "**None is shown to do better" + (f"; {_names(worse, label)} worse" if worse else "") + ".**"
    shown = [name for name in better if _all_verified(name, controls)]
    doubted = [name for name in better if name not in shown]
    parts = []
    if shown:
        parts.append(f"with {_names(shown, label)} they do, also beside every control")
    if doubted:
        parts.append(f"with {_names(doubted, label)} they do, but not beside every control")
    if worse:
        parts.append(f"with {_names(worse, label)} they do worse")
    text = "; ".join(parts)
    return f"**{text[0].upper()}{text[1:]}.**"


def _all_verified(model: str, controls: list[dict]) -> bool:
    """Whether a model beats each of its controls; without any, nothing is shown."""
    verdicts = [claim["verdict"] for claim in controls if claim["model"] == model]
    return bool(verdicts) and set(verdicts) == {"verified"}


def page(folder: Path) -> str:
    """The README of the folder."""
    made, config = _json(folder / "provenance.json"), _config(folder)
    parts = [
        f"# The study under one recipe: {QUESTION.lower().replace('cnns', 'CNNs')}",
        "Generated by `make study-docs` from the files in this folder; comparisons have the verdicts of their tables.",
        f"**{QUESTION}** {answer(folder)}",
        _picture(folder, "figures/seeds-cifar10", "Accuracy of every model on CIFAR-10, seed by seed"),
        MARKS,
        "## What was run",
        _made(made),
        "Each table stands in `tables/` (as shown, and as `.csv` and `.json`), each run in `runs/` (`eval.json`, "
        "`history.csv`, and `predictions.npz` with labels, predictions and probabilities to three digits, also of runs "
        "of seeds that are not whole yet), every verdict in [claims.json](claims.json).",
        "## What we found, claim by claim",
        _table(folder, "claims"),
        _table(folder, "controls"),
        _table(folder, "alike"),
        *_section("What instruments find in the networks", _instruments(folder, config)),
        "## CIFAR-10",
        _table(folder, "cifar10"),
        _table(folder, "test-images"),
        _picture(folder, "figures/curves-cifar10", "Error by epoch on CIFAR-10"),
        _table(folder, "attention-cifar10"),
        _picture(folder, "gradcam/cifar10", "Where the four models look on test images of CIFAR-10"),
        _table(folder, "robustness"),
        _table(folder, "cost"),
        _picture(folder, "figures/cost", "Accuracy against cost"),
        *_section(
            "MNIST",
            _table(folder, "mnist"),
            _picture(folder, "figures/seeds-mnist", "Accuracy of every model on MNIST, seed by seed"),
            _picture(folder, "figures/curves-mnist", "Error by epoch on MNIST"),
            _table(folder, "attention-mnist"),
            _picture(folder, "gradcam/mnist", "Where the four models look on test images of MNIST"),
        ),
        "## The recipe",
        _table(folder, "recipe"),
        _table(folder, "search/search"),
        _table(folder, "epochs/epochs"),
        _picture(folder, "epochs/figures/epochs", "The baseline by number of epochs"),
        _table(folder, "recipes/baseline"),
        _table(folder, "recipes/factorial"),
        *_section("The paper's own schedule", _table(folder, "schedule182/schedule182")),
        *_weights(folder, config),
        "## What these runs cannot show",
        _limits(folder, made, config),
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def waiting(folder: Path) -> str:
    """The README of the folder before there is a seed with all its runs."""
    made, config = _json(folder / "provenance.json"), _config(folder)
    runs = [f"`{run}`, {epochs} epochs: {_accuracy(folder, run)}" for run, epochs in made["epochs"].items()]
    parts = [
        f"# The study under one recipe: {QUESTION.lower().replace('cnns', 'CNNs')}",
        "**Not whole yet.** Generated by `python -m docs.publish_study`. Tables, figures and grids are made when a "
        "seed has all its runs; the finished ones are kept here until then, those of the four models with their "
        "weights. One network each: nothing follows from their differences.",
        bullets(runs),
        *_weights(folder, config),
        "## What was run",
        _made(made),
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _accuracy(folder: Path, run: str) -> str:
    report = _json(folder / f"runs/{run}/eval.json")
    return f"{report['accuracy']:.2f}% of {report['n']:,} images"


def _section(title: str, *parts: str) -> list[str]:
    """A heading over its parts; nothing over nothing."""
    return [f"## {title}", *parts] if any(parts) else []


def _made(made: dict) -> str:
    epochs: dict[str, set[int]] = {}
    for run, count in made["epochs"].items():
        epochs.setdefault(run.partition("/")[0], set()).add(count)
    versions = (", ".join(f"{name} {version}" for name, version in each.items()) for each in made["versions"])
    lines = [
        f"config: [{made['config']}](../../{made['config']}), with all defaults in [config.yaml](config.yaml)",
        f"commits: {', '.join(made['commits'])}",
        f"seeds: {', '.join(map(str, made['seeds'])) or 'none is whole'}",
        f"trainings: {made['trainings']}, {made['hours']} hours in all",
        *(f"epochs on {dataset}: {', '.join(map(str, sorted(counts)))}" for dataset, counts in epochs.items()),
        f"device: {', '.join(made['device'])}, in {', '.join(made['precision'])}",
        f"versions: {'; '.join(versions)}",
        *(f"data of {dataset}, prepared, SHA-256: {digest}" for dataset, digest in made["data_sha256"].items()),
    ]
    return bullets(lines)


def _instruments(folder: Path, config: dict) -> str:
    """Where conclusions and tables of instruments are; nothing without any."""
    tables = conclusions_page.tables(folder, config)
    return (
        f"[The page of conclusions](conclusions.md) has what they say in words.\n\n{bullets(tables)}" if tables else ""
    )


def _weights(folder: Path, config: dict) -> list[str]:
    found = sorted(folder.glob("models/*.md"), key=lambda path: list(config["models"]).index(path.stem))
    if not found:
        return []
    listed = [f"[{config['models'][path.stem]['label']}](models/{path.name})" for path in found]
    return ["## Weights", f"Of the first seed, with a card each: {', '.join(listed)}."]


def _limits(folder: Path, made: dict, config: dict) -> str:
    baseline = next(row for row in _json(folder / "tables/cifar10.json")["rows"] if row["model"] == "baseline")
    accuracy, images = baseline["accuracy"], baseline["images"]
    half = 1.96 * math.sqrt(accuracy * (100 - accuracy) / images)
    recipe = config["recipes"]["onecycle"]
    lines = [
        f"One recipe of {recipe['epochs']} epochs, where the paper has up to 182 and a recipe for each model. Its peak "
        "rate and warm-up were chosen on the baseline alone, so that it suits an attention model by chance only.",
        *_slower(config),
        f"{_count(made['seeds'], 'seed')}: an inconclusive verdict names how many it takes.",
        f"{images:,} images judge a run on CIFAR-10, training images that it has not seen rather than the official "
        f"test images; of one network at {accuracy:.0f}% they leave ±{half:.1f} points (95%).",
        "ResNet-20 on small pictures with attention after each stage, as in the paper, and no other networks.",
        "MHA has no placebo of its own here, only plain networks of its size and its compute.",
        "[docs/deviations.md](../deviations.md#what-the-published-study-cannot-show-and-why) says what the published "
        "study cannot show, and why.",
    ]
    return bullets(lines)


def _slower(config: dict) -> list[str]:
    """What there is to say of datasets with learning rates of their own."""
    return [
        f"On {dataset['label']} all models train with {dataset['lr_factor']:g} of that rate: with the whole, MHA's "
        "loss grew beyond all bounds in its first epoch (seed 10), with torch's own attention in fp32 as with ours."
        for dataset in config["datasets"].values()
        if dataset.get("lr_factor", 1) != 1
    ]


# ---- files and words


def _json(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def _config(folder: Path) -> dict:
    return yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))


def _table(folder: Path, name: str) -> str:
    """A table as it was made; nothing where it is not there."""
    of, _, table = name.rpartition("/")
    path = folder / of / f"tables/{table}.md"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _picture(folder: Path, name: str, text: str) -> str:
    return f"![{text}]({name}.png)" if (folder / f"{name}.png").is_file() else ""


def _difference(row: dict, key: str) -> str:
    low, high = row[f"{key}_low"], row[f"{key}_high"]
    text = f"{row[key]:+.2f}"
    return text if low is None else f"{text} [{low:+.2f}, {high:+.2f}]"


def _verdict(row: dict) -> str:
    """A verdict that may stand in brackets."""
    return row["verdict"].replace(" (", ", ").rstrip(")")


def _count(of: Sequence, what: str) -> str:
    return f"{len(of)} {what}" + ("" if len(of) == 1 else "s")


def _names(names: Iterable[str], label: dict[str, str]) -> str:
    return listed([label[name] for name in names])
