"""Broken configs: the mistakes of users, some through a real ``snakemake -n``, and arbitrary junk."""

import copy
import os
import re
import string
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from conftest import ROOT
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tiny_study import clone

from cnntention.__main__ import main
from cnntention.attention.registry import catalogue
from cnntention.base.errors import ConfigError
from cnntention.base.specs import canonical
from cnntention.study.config import load, schema
from cnntention.study.study import Study

# id, an overlay as a user writes it, and how the line of the message begins that names the key
BAD = [
    # ---- unknown keys, a level each
    ("mistyped section", "model: {resnet: {label: ResNet}}", "top level: unknown key 'model'; did you mean 'models'?"),
    ("capital letter", "Seeds: [1, 2]", "top level: unknown key 'Seeds'; did you mean 'seeds'?"),
    ("key at the wrong level", "device: cpu", "top level: unknown key 'device'"),
    ("number as a key", "1: 2", "top level: unknown key '1'"),
    ("yes as a key", "yes: no", "top level: unknown key 'True'"),
    ("mistyped key of the machine", "machine: {download: data}", "machine: unknown key 'download'"),
    (
        "mirror of an unknown source",
        "machine: {mirrors: {digits: ['http://x/']}}",
        "machine.mirrors: unknown key 'digits'",
    ),
    ("mistyped key of a dataset", "datasets: {mnist: {imagesize: 32}}", "datasets.mnist: unknown key 'imagesize'"),
    (
        "mistyped statistics",
        "datasets: {cifar10: {normalization: {stdev: [1, 1, 1]}}}",
        "datasets.cifar10.normalization: unknown key 'stdev'",
    ),
    (
        "unknown augmentation",
        "datasets: {mnist: {augmentation: {rotation: 10}}}",
        "datasets.mnist.augmentation: unknown key 'rotation'",
    ),
    (
        "other word in a recipe",
        "recipes: {he2015: {learning_rate: 0.1}}",
        "recipes.he2015: unknown key 'learning_rate'",
    ),
    (
        "mistyped key that is to go",
        "recipes: {he2015: {early_stoping: null}}",
        "recipes.he2015: unknown key 'early_stoping'; did you mean 'early_stopping'?",
    ),
    (
        "unknown key of early stopping",
        "recipes: {adam-cbam: {early_stopping: {patience: 5, metric: loss}}}",
        "recipes.adam-cbam.early_stopping: unknown key 'metric'",
    ),
    ("British colour", "models: {mha: {colour: '#000000'}}", "models.mha: unknown key 'colour'; did you mean 'color'?"),
    (
        "options outside of options",
        "models: {mha: {attention: {heads: 4}}}",
        "models.mha.attention: unknown key 'heads'",
    ),
    ("unknown key of a table", "tables: {table3: {title: Accuracy}}", "tables.table3: unknown key 'title'"),
    (
        "unknown key of a published run",
        "tables: {table3: {published: {mnist: {mha: {accuracy: 99, error: 1}}}}}",
        "tables.table3.published.mnist.mha: unknown key 'error'",
    ),
    (
        "unknown key of a published recipe",
        "tables: {table1: {published: {mha: {lrate: 0.1}}}}",
        "tables.table1.published.mha: unknown key 'lrate'",
    ),
    ("seeds of a figure", "figures: {figure1: {seeds: [1]}}", "figures.figure1: unknown key 'seeds'"),
    ("mistyped style", "figures: {figure1: {style: {ymax: 20}}}", "figures.figure1.style: unknown key 'ymax'"),
    ("style of a grid", "gradcam: {mnist: {style: {width: 4}}}", "gradcam.mnist.style: unknown key 'width'"),
    # ---- other kinds of values than are meant
    (
        "number without its point",
        "recipes: {he2015: {lr: 1e-4}}",
        "recipes.he2015.lr: a finite number is expected, not",
    ),
    ("number with a comma", "recipes: {he2015: {lr: '0,1'}}", "recipes.he2015.lr: a finite number"),
    ("quoted number", "recipes: {he2015: {batch_size: '128'}}", "recipes.he2015.batch_size: a whole number"),
    ("power of two in words", "recipes: {he2015: {batch_size: 2**7}}", "recipes.he2015.batch_size: a whole number"),
    ("epochs with a point", "epochs: 3.0", "epochs: a whole number or null"),
    ("a half epoch", "recipes: {he2015: {milestones: [90.5]}}", "recipes.he2015.milestones[0]: a whole number"),
    ("not a number", "recipes: {he2015: {lr: .nan}}", "recipes.he2015.lr: a finite number"),
    ("nan as text", "recipes: {he2015: {gamma: nan}}", "recipes.he2015.gamma: a finite number is expected, not 'nan'"),
    ("infinite decay", "recipes: {he2015: {weight_decay: .inf}}", "recipes.he2015.weight_decay: a finite number"),
    (
        "more than any float",
        f"recipes: {{he2015: {{lr: {'9' * 400}}}}}",
        "recipes.he2015.lr: a finite number",
    ),
    ("more epochs than any float", f"epochs: {'9' * 400}", "epochs: a whole number"),
    ("true as a number", "recipes: {he2015: {momentum: true}}", "recipes.he2015.momentum: a finite number"),
    ("true as a seed", "seeds: [true]", "seeds[0]: a whole number"),
    ("number as a switch", "datasets: {mnist: {augmentation: {flip: 0}}}", "datasets.mnist.augmentation.flip: true or"),
    ("one seed without brackets", "seeds: 10", "seeds: a list"),
    ("seeds as a map", "seeds: {10: null}", "seeds: a list"),
    ("seed that is null", "seeds:\n  - 10\n  -", "seeds[1]: a whole number"),
    ("one model without brackets", "tables: {table3: {models: mha}}", "tables.table3.models: a list"),
    ("datasets as a list", "datasets: [cifar10]", "datasets: a map"),
    ("machine as a text", "machine: cuda", "machine: a map"),
    ("recipe by name", "recipes: {he2015: adam}", "recipes.he2015: a map"),
    ("block without its map", "models: {mha: {attention: cbam}}", "models.mha.attention: a map or null"),
    ("attention: false", "models: {mha: {attention: false}}", "models.mha.attention: a map or null"),
    ("options as a list", "models: {mha: {attention: {options: [heads]}}}", "models.mha.attention.options: a map"),
    ("label that YAML takes for a number", "models: {mha: {label: 8}}", "models.mha.label: a text"),
    ("label that YAML takes for a date", "models: {mha: {label: 2024-01-31}}", "models.mha.label: a text"),
    (
        "label on two lines",
        'models: {mha: {label: "Multi\\nHead"}}',
        "models.mha.label: 'Multi\\nHead' is not possible",
    ),
    ("label of half a character", 'models: {mha: {label: "\\ud83d"}}', "models.mha.label: '\\ud83d' is not possible"),
    ("blank title", "figures: {figure1: {title: '  '}}", "figures.figure1.title: '  ' is not possible"),
    ("empty caption", "tables: {table3: {caption: ''}}", "tables.table3.caption: at least 1 characters"),
    ("colour without quotes", "models:\n  mha:\n    color: #d55e00", "models.mha: 'color' missing"),
    ("colour by name", "models: {mha: {color: orange}}", "models.mha.color: 'orange' is not possible; a colour is #"),
    ("name that YAML takes for false", "models: {no: {label: x, color: '#000000', recipe: he2015}}", "models: a text"),
    # ---- out of bounds
    ("no epochs", "epochs: 0", "epochs: at least 1"),
    ("epochs without end", "epochs: 1000000000", "epochs: at most 1000000"),
    ("negative seed", "seeds: [-1]", "seeds[0]: at least 0"),
    ("seed of 33 bits", "seeds: [4294967296]", "seeds[0]: at most 4294967295"),
    ("learning rate of zero", "recipes: {he2015: {lr: 0}}", "recipes.he2015.lr: more than 0"),
    ("negative decay", "recipes: {he2015: {weight_decay: -0.1}}", "recipes.he2015.weight_decay: at least 0"),
    ("momentum above one", "recipes: {he2015: {momentum: 9}}", "recipes.he2015.momentum: less than 1"),
    ("gamma that raises", "recipes: {he2015: {gamma: 10}}", "recipes.he2015.gamma: at most 1"),
    ("batches of one", "recipes: {he2015: {batch_size: 1}}", "recipes.he2015.batch_size: at least 2"),
    (
        "patience of zero",
        "recipes: {he2015: {early_stopping: {patience: 0}}}",
        "recipes.he2015.early_stopping.patience: at least 1",
    ),
    ("images too small", "datasets: {mnist: {image_size: 4}}", "datasets.mnist.image_size: at least 8"),
    (
        "padding of 100",
        "datasets: {mnist: {augmentation: {crop_padding: 100}}}",
        "datasets.mnist.augmentation.crop_padd",
    ),
    (
        "deviation of zero",
        "datasets: {mnist: {normalization: {mean: [0.1], std: [0]}}}",
        "datasets.mnist.normalization.std[0]: more than 0",
    ),
    (
        "accuracy above 100",
        "tables: {table3: {published: {mnist: {mha: {accuracy: 998}}}}}",
        "tables.table3.published.mn",
    ),
    ("figure of no height", "figures: {figure8: {style: {height: 0}}}", "figures.figure8.style.height: at least 1.5"),
    ("grid of coarse dots", "gradcam: {mnist: {style: {dpi: 5}}}", "gradcam.mnist.style.dpi: at least 50"),
    # ---- lists
    ("no seeds", "seeds: []", "seeds: at least 1"),
    ("seed twice", "seeds: [10, 10]", "seeds: an entry is here twice"),
    ("no models in a figure", "figures: {figure1: {models: []}}", "figures.figure1.models: at least 1"),
    ("no images in a grid", "gradcam: {cifar10: {images: []}}", "gradcam.cifar10.images: at least 1"),
    (
        "model twice in a table",
        "tables: {table1: {models: [mha, mha]}}",
        "tables.table1.models: an entry is here twice",
    ),
    ("label of another model", "models: {mha: {label: ' Baseline'}}", "models.mha.label: ' Baseline' is the label of"),
    (
        "label of another dataset",
        "datasets: {mnist: {label: CIFAR-10}}",
        "datasets.mnist.label: 'CIFAR-10' is the label",
    ),
    # ---- kinds
    ("table without a kind", "tables: {mine: {models: [mha]}}", "tables.mine: 'kind' missing"),
    ("unknown kind of table", "tables: {table3: {kind: acuracy}}", "tables.table3.kind: 'acuracy' is not possible"),
    ("unknown kind of figure", "figures: {figure1: {kind: bars}}", "figures.figure1.kind: 'bars' is not possible"),
    (
        "claim of the same model",
        "tables: {claims: {claims: {17-residual: {model: mha, than: mha}}}}",
        "tables.claims.cla",
    ),
    (
        "claim without validation images",
        "datasets: {cifar10: {validation_images: 0}}",
        "tables.claims.claims.18-weighted-residual.split: 'tune' needs datasets.cifar10.validation_images",
    ),
    (
        "claim of runs that stop early",
        "recipes: {adam-residual: {early_stopping: {patience: 9}}}",
        "tables.claims.claims.17-residual.split: models.selfatt-no-residual stops early",
    ),
    (
        "claim of an unknown model",
        "tables: {claims: {claims: {17-residual: {than: resnet}}}}",
        "tables.claims.claims.17-",
    ),
    # ---- null for what is needed
    ("null seeds", "seeds: null", "top level: 'seeds' missing"),
    ("null models", "models:", "top level: 'models' missing"),
    ("null learning rate", "recipes: {he2015: {lr: null}}", "recipes.he2015: 'lr' missing"),
    ("null recipe of a model", "models: {mha: {recipe: ~}}", "models.mha: 'recipe' missing"),
    ("null block", "models: {mha: {attention: {block: null}}}", "models.mha.attention: 'block' missing"),
    ("all datasets taken away", "datasets: {cifar10: null, mnist: null}", "datasets: at least 1 needed"),
    ("dataset taken away that is used", "datasets: {mnist: null}", "tables.table3.datasets: unknown name 'mnist'"),
    ("model taken away that is used", "models: {cbam-16: null}", "gradcam.mnist.models: unknown name 'cbam-16'"),
    # ---- names that nothing has
    ("unknown model in a table", "tables: {table3: {models: [resnet]}}", "tables.table3.models: unknown name 'resnet'"),
    (
        "unknown dataset in a figure",
        "figures: {figure8: {datasets: [CIFAR10]}}",
        "figures.figure8.datasets: unknown name",
    ),
    ("unknown recipe", "models: {mha: {recipe: adam}}", "models.mha.recipe: unknown name 'adam'"),
    ("unknown block", "models: {mha: {attention: {block: mah}}}", "models.mha.attention.block: no block registers the"),
    (
        "start that is not there",
        "models: {mha: {start: {model: base}}}",
        "models.mha.start.model: unknown name 'base'; did you mean 'baseline'?",
    ),
    (
        "start with attention",
        "models: {mha: {start: {model: selfatt}}}",
        "models.mha.start.model: 'selfatt' has attention",
    ),
    (
        "start of another depth",
        "models: {mha: {depth: 32, start: {model: baseline}}}",
        "models.mha.start.model: depth of 'baseline' is 20, and here 32",
    ),
    (
        "start with a start",
        "models: {mha: {start: {model: baseline}}, baseline: {start: {model: baseline}}}",
        "models.mha.start.model: 'baseline' has a start itself",
    ),
    (
        "nothing to train",
        "models: {baseline: {start: {model: baseline, train: attention}}}",
        "models.baseline.start.train: the model has no attention to train; use all",
    ),
    ("stages in disorder", "models: {mha: {attention: {stages: [3, 1]}}}", "models.mha.attention.stages: must ascend"),
    ("a stage with a point", "models: {mha: {attention: {stages: [1.0, 2]}}}", "models.mha.attention.stages[0]: "),
    ("fourth stage", "models: {mha: {attention: {stages: [4]}}}", "models.mha.attention.stages[0]: 4 is not possible"),
    (
        "unknown block in parallel",
        "models: {mha: {attention: {block: parallel, options: {heads: null, paths: [{block: mah}]}}}}",
        "models.mha.attention.options.paths[0].block: no block registers the name 'mah'",
    ),
    (
        "option of a block in parallel",
        "models: {mha: {attention: {block: parallel, "
        "options: {heads: null, paths: [{block: mha, options: {heads: 3}}]}}}}",
        "models.mha.attention.options.paths[0].options.heads: 3 does not divide",
    ),
    (
        "unknown option",
        "models: {mha: {attention: {options: {num_heads: 8}}}}",
        "models.mha.attention.options: unknown key",
    ),
    (
        "option of another block",
        "models: {cbam-8: {attention: {block: mha}}}",
        "models.cbam-8.attention.options: unknown",
    ),
    (
        "reference outside of the table",
        "tables: {table3: {reference: selfatt-unweighted}}",
        "tables.table3.reference: 'se",
    ),
    (
        "unknown dataset published",
        "tables: {table3: {published: {mnits: {}}}}",
        "tables.table3.published: unknown name 'mn",
    ),
    (
        "unknown model published",
        "tables: {table2: {published: {cifar10: {cbam8: {accuracy: 90}}}}}",
        "tables.table2.publi",
    ),
    (
        "unknown model of a recipe",
        "tables: {table1: {published: {basline: {lr: 0.1}}}}",
        "tables.table1.published: unkno",
    ),
    (
        "grid of an unknown dataset",
        "gradcam: {svhn: {split: full, models: [mha], images: [1]}}",
        "gradcam.svhn: unknown",
    ),
    ("unknown optimizer", "recipes: {he2015: {optimizer: adamw}}", "recipes.he2015.optimizer: 'adamw' is not possible"),
    (
        "unknown source",
        "datasets: {mnist: {source: torchvision}}",
        "datasets.mnist.source: 'torchvision' is not possible",
    ),
    ("unknown device", "machine: {device: gpu}", "machine.device: 'gpu' is not possible"),
    ("unknown residual", "models: {mha: {attention: {residual: true}}}", "models.mha.attention.residual: True is not"),
    ("unknown split", "tables: {table3: {split: test}}", "tables.table3.split: 'test' is not possible"),
    ("unknown curve", "figures: {figure1: {curves: [accuracy]}}", "figures.figure1.curves[0]: 'accuracy' is not"),
    # ---- keys that do not go together
    (
        "heads that do not divide",
        "models: {mha: {attention: {options: {heads: 6}}}}",
        "models.mha.attention.options.heads: 6",
    ),
    ("no heads", "models: {mha: {attention: {options: {heads: 0}}}}", "models.mha.attention.options.heads: at least 1"),
    (
        "reduction of text",
        "models: {cbam-8: {attention: {options: {reduction: r8}}}}",
        "models.cbam-8.attention.options.red",
    ),
    ("ResNet-18", "models: {baseline: {depth: 18}}", "models.baseline.depth: 18 is not 6n+2"),
    (
        "milestones out of order",
        "recipes: {adam-cbam: {milestones: [91, 45]}}",
        "recipes.adam-cbam.milestones: must ascend",
    ),
    ("milestone twice", "recipes: {adam-cbam: {milestones: [45, 45]}}", "recipes.adam-cbam.milestones: must ascend"),
    (
        "milestone after the end",
        "recipes: {he2015: {epochs: 100}}",
        "recipes.he2015.milestones: 136 lies past the last",
    ),
    (
        "Nesterov with Adam",
        "recipes: {adam-cbam: {nesterov: true}}",
        "recipes.adam-cbam.nesterov: only for optimizer: sgd",
    ),
    (
        "milestones with one cycle",
        "recipes: {he2015: {schedule: {kind: onecycle}}}",
        "recipes.he2015.milestones: not possible with schedule: onecycle",
    ),
    (
        "a warm-up that never ends",
        "recipes: {he2015: {schedule: {kind: onecycle, warmup: 1}}}",
        "recipes.he2015.schedule.warmup: less than 1",
    ),
    (
        "a warm-up of no step",
        "recipes: {he2015: {milestones: [], batch_size: 60000, epochs: 3, schedule: {kind: onecycle}}}",
        "recipes.he2015.schedule.warmup: 0.3 of the 3 steps on CIFAR-10 is not more than one",
    ),
    (
        "heads and widths",
        "models: {mha: {widths: [14, 34, 67]}}",
        "models.mha.attention.options.heads: 8 does not divide the 14 channels",
    ),
    (
        "a control without the model it stands for",
        "models: {cbam-8: {stands_for: [selfat]}}",
        "models.cbam-8.stands_for: unknown name 'selfat'; did you mean 'selfatt'?",
    ),
    (
        "a control of itself",
        "models: {cbam-8: {stands_for: [cbam-8]}}",
        "models.cbam-8.stands_for: 'cbam-8' is the control itself",
    ),
    (
        "widths that descend",
        "models: {baseline: {widths: [64, 32, 16]}}",
        "models.baseline.widths: must not descend; a shortcut without weights can add channels and not leave any out",
    ),
    ("two widths", "models: {baseline: {widths: [16, 32]}}", "models.baseline.widths: at least 3 needed"),
    ("momentum with Adam", "recipes: {he2015: {optimizer: adam}}", "recipes.he2015.momentum: only for optimizer: sgd"),
    (
        "early stopping without validation",
        "recipes: {adam-attention: {early_stopping: {patience: 9}}}",
        "tables.table3.sp",
    ),
    (
        "nothing left to train on",
        "datasets: {mnist: {validation_images: 60000}}",
        "datasets.mnist.validation_images: 60000",
    ),
    (
        "grey statistics for colour",
        "datasets: {cifar10: {normalization: {mean: [0.5]}}}",
        "datasets.cifar10.normalization.m",
    ),
    ("images that are none", "gradcam: {mnist: {images: [10000]}}", "gradcam.mnist.images: 10000 lies beyond"),
    (
        "an instrument for attention on a network without",
        "instruments: {ablation: {models: [baseline]}}",
        "instruments.ablation.models: ablation cannot look at 'baseline', which has no attention",
    ),
    (
        "weights of a block that has none",
        "instruments: {attention-weights: {models: [cbam-8]}}",
        "instruments.attention-weights.models: attention_statistics cannot look at 'cbam-8', which has an attention b",
    ),
    (
        "more images than there are for an instrument",
        "instruments: {ablation: {images: 10001}}",
        "instruments.ablation.images: 10001 are more than the 10000 test images of 'cifar10'",
    ),
    (
        "an image that is not there for an instrument",
        "instruments: {ablation: {images: [3, 10000]}}",
        "instruments.ablation.images: index 10000 lies beyond the 10000 test images of 'cifar10'",
    ),
    (
        "a folder that is not there for an instrument",
        "instruments: {corruptions: {path: data/CIFAR-10-C}}",
        "instruments.corruptions.path: there is no folder 'data/CIFAR-10-C'",
    ),
    (
        "corrupted test images for runs that others judge",
        "instruments: {corruptions: {path: tests, split: tune, datasets: [cifar10]}}",
        "instruments.corruptions.path: made of test images, and split 'tune' is judged by others; use split full",
    ),
    (
        "corrupted images of one dataset for two",
        "instruments: {corruptions: {path: tests, datasets: [cifar10, mnist]}}",
        "instruments.corruptions.path: made of the images of one dataset; take a stanza for each of cifar10 and mnist",
    ),
    (
        "a stage without attention for an instrument",
        "{models: {selfatt: {attention: {stages: [1, 3]}}}, instruments: {attention-maps: {stage: 2}}}",
        "instruments.attention-maps.stage: 'selfatt' has no attention in stage 2",
    ),
    (
        "weights of positions where channels attend",
        "models: {selfatt: {attention: {options: {axis: channel}}}}",
        "instruments.attention-weights.models: attention_statistics cannot look at 'selfatt', which has attention over",
    ),
    (
        "one image for two halves",
        "instruments: {calibration: {images: 1}}",
        "instruments.calibration.images: calibration needs at least 2",
    ),
    (
        "no seed for an instrument",
        "instruments: {corruptions: {seeds: 0}}",
        "instruments.corruptions.seeds: at least 1 is needed, not 0",
    ),
    (
        "a folder in two lines for an instrument",
        'instruments: {corruptions: {path: "data\\nCIFAR"}}',
        "instruments.corruptions.path: ",
    ),
    (
        "a folder with a name that is too long for an instrument",
        f"instruments: {{corruptions: {{path: {'x' * 300}}}}}",
        "instruments.corruptions.path: there is no folder",
    ),
    (
        "option of another instrument",
        "instruments: {attention-weights: {heads: true}}",
        "instruments.attention-weights.heads: not possible",
    ),
    (
        "an instrument that is none",
        "instruments: {ablation: {kind: thermometer}}",
        "instruments.ablation.kind: 'thermometer'",
    ),
    (
        "validation error of a full run",
        "figures: {figure8: {curves: [validation_error]}}",
        "figures.figure8.curves: split",
    ),
    (
        "errors and losses on one axis",
        "figures: {figure5: {curves: [train_loss, test_error]}}",
        "figures.figure5.panels: er",
    ),
    (
        "datasets of a table of recipes",
        "tables: {table1: {datasets: [mnist]}}",
        "tables.table1.datasets: not possible with",
    ),
    (
        "file of a known dataset",
        "datasets: {mnist: {path: data/mnist.npz}}",
        "datasets.mnist.path: not possible with source",
    ),
    # ---- names and paths for the shell
    (
        "name with a space",
        "tables: {my table: {kind: recipes, caption: x, models: [mha]}}",
        "tables: 'my table' is not possible",
    ),
    ("name with a quote", 'recipes: {"kaiming\'s": {}}', 'recipes: "kaiming\'s" is not possible'),
    ("name of a parent folder", "figures: {..: {}}", "figures: '..' is not possible"),
    ("name with a slash", "datasets: {mine/leaves: {}}", "datasets: 'mine/leaves' is not possible"),
    ("name that ends a command", "models: {'a;reboot': {}}", "models: 'a;reboot' is not possible"),
    ("name that runs a command", "gradcam: {$(reboot): {}}", "gradcam: '$(reboot)' is not possible"),
    ("name with a newline", 'models: {"a\\nb": {labl: x}}', "models.'a\\nb': unknown key 'labl'"),
    ("name with a wildcard", "tables: {'{table}': {}}", "tables: '{table}' is not possible"),
    ("name that looks like an option", "tables: {--unlock: {}}", "tables: '--unlock' is not possible"),
    ("name of 65 letters", f"recipes: {{{'a' * 65}: {{}}}}", "recipes: at most 64 characters"),
    ("empty name", "models: {'': {}}", "models: '' is not possible"),
    (
        "reference with a command",
        "tables: {table3: {reference: '`reboot`'}}",
        "tables.table3.reference: '`reboot`' is not possible",
    ),
    ("results with a space before it", "results: ' results'", "results: ' results' is not possible"),
    ("results with a command", "results: $(pwd)/results", "results: '$(pwd)/results' is not possible"),
    ("results with a variable", "results: ${SCRATCH}", "results: '${SCRATCH}' is not possible"),
    ("results at home", "results: ~/results", "results: '~/results' is not possible"),
    ("results with a newline", 'results: "results\\nrm"', "results: 'results\\nrm' is not possible"),
    ("results with a wildcard", "results: results/{dataset}", "results: 'results/{dataset}' is not possible"),
    ("results that are empty", "results: ''", "results: '' is not possible"),
    ("results with a long name", f"results: {'a' * 300}", "results: File name too long"),
    ("results where a file is", "results: config.yaml", "results: config.yaml is a file"),
    ("downloads below a file", "machine: {downloads: config.yaml/data}", "machine.downloads: config.yaml is a file"),
    (
        "downloads that run a command",
        "machine: {downloads: 'data`rm -r data`'}",
        "machine.downloads: 'data`rm -r data`' is not possible",
    ),
    ("downloads as an option", "machine: {downloads: -rf}", "machine.downloads: '-rf' is not possible"),
    ("mirror without brackets", "machine: {mirrors: {mnist: 'http://localhost/'}}", "machine.mirrors.mnist: a list"),
    (
        "mirror without http",
        "machine: {mirrors: {mnist: [localhost/mnist]}}",
        "machine.mirrors.mnist[0]: 'localhost/mnist'",
    ),
    (
        "mirror without a host",
        "machine: {mirrors: {mnist: ['http:///mnist']}}",
        "machine.mirrors.mnist: 'http:///mnist'",
    ),
    (
        "mirror with a space",
        "machine: {mirrors: {mnist: ['http://my host/']}}",
        "machine.mirrors.mnist[0]: 'http://my ho",
    ),
    # ---- datasets of one's own
    ("own dataset of nothing", "datasets: {own: {}}", "datasets.own: 'label', 'source' missing"),
    ("own dataset without a path", "datasets: {own: {label: Own, source: npz}}", "datasets.own.path: missing"),
    (
        "own dataset that is not there",
        "datasets: {own: {label: Own, source: npz, path: no.npz}}",
        "datasets.own.path: no.",
    ),
    (
        "own dataset that is a folder",
        "datasets: {own: {label: Own, source: npz, path: rules}}",
        "datasets.own.path: rules",
    ),
    (
        "own dataset that is text",
        "datasets: {own: {label: Own, source: npz, path: Snakefile}}",
        "datasets.own.path: Snake",
    ),
    (
        "own dataset of floats",
        "datasets: {own: {label: Own, source: npz, path: float.npz}}",
        "datasets.own.path: float.n",
    ),
    (
        "own dataset of images only",
        "datasets: {own: {label: Own, source: npz, path: bare.npz}}",
        "datasets.own.path: bare",
    ),
    (
        "wrong extension as source",
        "datasets: {own: {label: Own, source: npy, path: own.npy}}",
        "datasets.own.source: 'np",
    ),
    (
        "checksum cut short",
        "datasets: {own: {label: Own, source: npz, sha256: 9f86d0...}}",
        "datasets.own.sha256: '9f86",
    ),
    (
        "class twice",
        "datasets: {own: {label: Own, source: npz, class_names: [a, a]}}",
        "datasets.own.class_names: an ent",
    ),
]

# id, what the file holds (None: there is no file), and whether snakemake itself ends with a message. Where it does not,
# its own reader of --configfile fails before the Snakefile is read, and only the project's command can be held to it.
NO_CONFIG = [
    ("missing", None, False),
    ("empty", b"", True),
    ("only a comment", b"# seeds: [10]\n", True),
    ("a list", b"- seeds: [10]\n", True),
    ("a text", b"seeds [10]\n", True),
    ("null", b"null\n", True),
    ("open bracket", b"seeds: [10, 11\n", True),
    ("gap in a list", b"seeds: [10, , 12]\n", True),
    ("open quote", b"results: 'here\n", True),
    ("tab", b"machine:\n\tdevice: cpu\n", True),
    ("bad indentation", b"machine:\n    device: cpu\n  downloads: data\n", True),
    ("two colons", b"machine: device: cpu\n", True),
    ("unknown alias", b"seeds: *seeds\n", True),
    ("two documents", b"seeds: [1]\n---\nseeds: [2]\n", True),
    ("list as a key", b"? [1, 2]\n: 3\n", True),
    ("python object", b"seeds: !!python/object/apply:os.getcwd []\n", True),
    ("python code", b"results: !!python/object/apply:os.mkdir [made]\n", True),
    ("no such day", b"models: {mha: {label: 2024-02-31}}\n", False),
    ("whole number that is none", b"epochs: !!int three\n", False),
    ("itself", b"machine: &m {mirrors: *m}\n", False),
    ("binary", bytes(range(256)), False),
    ("another encoding", "models: {mha: {label: Größe}}\n".encode("latin-1"), False),
    ("zip", b"PK\x03\x04\x14\x00\x00\x00\x08\x00", False),
]

IN_A_PROCESS = 60  # every so many of BAD go through a real dry run too, since one costs two seconds
# id, and a file that Snakemake itself takes for another config than it looks like
TRAPS = [
    ("key twice", "seeds: [10]\nepochs: 1\nseeds: [11]\n", "line 3: 'seeds' stands here twice, before in line 1"),
    ("octal seed", "seeds: [010]\n", "line 1: YAML reads 010 as 8; write 8"),
    ("left out", "tables: {only: [table2], table3: {split: tune}}", "tables.table3 is not on the list tables.only"),
]
SECONDS = 3  # of CPU time: that of the clock would tell how busy the machine is
PATIENCE = 120  # seconds until a process counts as stuck
TOLD = [number for number, (_, _, told) in enumerate(NO_CONFIG) if told]
IN_A_PROCESS_OF_TOLD = 9  # as above; it is Snakemake's own reader that refuses these
KEY = r"(?:top level|[a-z]+(?:\.(?:[\w.-]+|'.*'|\".*\")|\[\w+\])*)"


def run(folder: Path, *arguments: str) -> SimpleNamespace:
    """Run a Python module in a copy of the project; its exit code, all it printed and the CPU seconds it took."""
    environment = os.environ | {"PYTHONPATH": ""}
    command = [sys.executable, "-m", *arguments]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT)
        timer = threading.Timer(PATIENCE, process.kill)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        return SimpleNamespace(
            returncode=process.returncode, output=output.read(), seconds=usage.ru_utime + usage.ru_stime
        )


@pytest.fixture(scope="session")
def copied(tmp_path_factory) -> Path:
    """A copy of the project with the files that the tables name."""
    folder = clone(tmp_path_factory.mktemp("bad") / "study")
    images, labels = np.zeros((2, 8, 8)), np.zeros(2, int)
    np.savez(folder / "float.npz", x_train=images, x_test=images, y_train=labels, y_test=labels)
    np.savez(folder / "bare.npz", x_train=images.astype(np.uint8), x_test=images.astype(np.uint8))
    for number, (_, overlay, _) in enumerate(BAD):
        (folder / f"bad{number}.yaml").write_text(overlay, encoding="utf-8")
    for number, (_, content, _) in enumerate(TRAPS):
        (folder / f"trap{number}.yaml").write_text(content, encoding="utf-8")
    for number, (_, content, _) in enumerate(NO_CONFIG):
        if content is not None:
            (folder / f"no{number}.yaml").write_bytes(content)
    return folder


@pytest.fixture(scope="session")
def processes(copied, request):
    """The processes of the selected tests, queued with the first of them; as many at a time as there are cores."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        chosen = [item for item in request.session.items if "processes" in getattr(item, "fixturenames", ())]
        queue = [item.callspec.params["process"] for item in chosen]
        yield {arguments: pool.submit(run, copied, *arguments) for arguments in queue}


def dry_run(file: str) -> tuple[str, ...]:
    return ("snakemake", "-n", "--configfile", file)


def ended_well(ended: SimpleNamespace) -> bool:
    """With exit code 1, no traceback and in time."""
    return ended.returncode == 1 and "Traceback" not in ended.output and ended.seconds < SECONDS


# ---- as users write them


def names_the_key(lines: list[str], expected: str) -> bool:
    """Whether each line names a key, and one of them begins as expected."""
    return all(re.match(f"  {KEY}: .", line) for line in lines) and any(
        line.startswith(f"  {expected}") for line in lines
    )


@pytest.mark.parametrize(
    ("file", "expected"), [pytest.param(f"bad{number}.yaml", row[2], id=row[0]) for number, row in enumerate(BAD)]
)
def test_a_bad_config_is_refused_by_key(file, expected, copied, monkeypatch):
    monkeypatch.chdir(copied)  # where the files are that some name
    began = time.process_time()
    with pytest.raises(ConfigError) as raised:
        Study(load("config.yaml", file))
    assert time.process_time() - began < SECONDS
    heading, *lines = str(raised.value).splitlines()
    assert heading == "the config is not valid:"
    assert names_the_key(lines, expected), lines


@pytest.mark.parametrize(
    ("process", "expected"),
    [
        pytest.param(dry_run(f"bad{number}.yaml"), row[2], id=row[0])
        for number, row in list(enumerate(BAD))[::IN_A_PROCESS]
    ],
)
def test_a_dry_run_with_a_bad_config_ends_with_one_message_that_names_the_key(processes, process, expected):
    ended = processes[process].result()
    assert ended_well(ended), ended
    assert ended.output.count("Error") == ended.output.count("WorkflowError") == 1
    report = re.search(r"^the config is not valid:\n((?:  .+\n)+)  File ", ended.output, flags=re.MULTILINE)
    assert report, ended.output
    assert names_the_key(report[1].splitlines(), expected), ended.output


@pytest.mark.parametrize(
    "process",
    [pytest.param(dry_run(f"no{number}.yaml"), id=NO_CONFIG[number][0]) for number in TOLD[::IN_A_PROCESS_OF_TOLD]],
)
def test_a_file_that_is_no_config_ends_with_one_message(processes, process):
    ended = processes[process].result()
    assert ended_well(ended), ended
    assert ended.output.count("Error") == ended.output.count("WorkflowError:\nConfig file ") == 1


@pytest.mark.parametrize(
    ("process", "expected"),
    [pytest.param(dry_run(f"trap{number}.yaml"), row[2], id=row[0]) for number, row in enumerate(TRAPS)],
)
def test_a_dry_run_reads_the_config_strictly(processes, process, expected, copied):
    ended = processes[process].result()
    assert ended_well(ended), ended
    assert ended.output.count("Error") == 1
    assert re.search(rf"^{re.escape(str(copied / process[-1]))}.*{re.escape(expected)}", ended.output, re.MULTILINE)


@pytest.mark.parametrize("file", [pytest.param(f"no{number}.yaml", id=row[0]) for number, row in enumerate(NO_CONFIG)])
def test_a_file_that_is_no_config_is_named_by_the_command_line(file, copied, monkeypatch):
    monkeypatch.chdir(copied)
    with pytest.raises(SystemExit) as ended:
        main(["--configfile", file, "runs"])
    assert re.match(rf"error: ({file}: |the config is not valid:\n  {KEY}: )", ended.value.code), ended.value.code
    assert not (copied / "made").exists()


def test_there_are_enough_bad_configs_and_no_two_are_the_same():
    overlays = {repr(overlay) for _, overlay, _ in BAD}
    assert len({name for name, _, _ in BAD}) == len(overlays) == len(BAD) >= 100
    assert len({name for name, _, _ in NO_CONFIG}) == len(NO_CONFIG)


# ---- junk

SHIPPED = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
NAMED = ("datasets", "recipes", "models", "tables", "figures", "gradcam", "instruments")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def name(value):
    return type(value) is str and NAME.fullmatch(value) is not None


def address(value):
    return type(value) is str and value.startswith(("http://", "https://")) and value.isascii() and value.isprintable()


def schema_keys(node) -> set:
    """Every key that the schema gives a place to."""
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    own = set(node.get("properties", ())) if isinstance(node, dict) else set()
    return own.union(*map(schema_keys, children))


OPTIONS = {option for block in catalogue().values() for option in block.options}
KNOWN_KEYS = schema_keys(schema()) | OPTIONS


def entries(node, path=()):
    """Every map, list and value below a node with its path."""
    yield path, node
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from entries(child, (*path, key))


def derive(study: Study) -> None:
    """All that the rules and the command line ask of a study, as the text that Snakemake compares.

    A config that passed its check fails in none of it.
    """
    for each in study.runs():
        canonical(study.run_spec(each)).encode()
    for section in study.sections:
        assert len(set(section.products())) == len(section.products())
        for name in section.stanzas:
            canonical(section.spec(name)).encode()
    for dataset in study.config["datasets"]:
        canonical(study.data_spec(dataset)).encode()
        assert all(map(address, study.mirrors(dataset)))
    for model in study.config["models"]:
        study.recipe(model)
        study.attention_files(model)


def refusal(config: dict) -> str:
    """The message of a config, every line of which names a key; empty if the config is valid."""
    before = copy.deepcopy(config)
    try:
        study = Study(config)
    except ConfigError as error:
        message = str(error)
        title, *lines = message.split("\n")
        assert title == "the config is not valid:"
        assert lines
        for line in lines:
            assert line.isprintable()
            assert re.fullmatch(f"  {KEY}: .+", line), line
    else:
        message = ""
        derive(study)
    assert repr(config) == repr(before)  # nan is not equal to itself
    return message


def put(path: tuple, value) -> dict:
    """The shipped config with another value at a path."""
    config = copy.deepcopy(SHIPPED)
    node = config
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return config


PATHS = [path for path, _ in entries(SHIPPED) if path]
# Not a list of each value once, so that a kind that is common in the config is common here
VALUES = [value for path, value in entries(SHIPPED) if path]
NASTY = (
    "", " ", ".", "..", "../..", "/", "~", "-", "--help", "a b", "a'b", 'a"b', "a;b", "$(id)", "`id`", "a|b", "a&b",
    "a\n", "\0", "\x1b[31m", "\x7f", "\x85", "\u2028", "\ud800", "é", "{a}", "{{", "%s", "null", "nan", "1e-4", "yes",
    "a: b", "a\nb", "a" * 64, "a" * 65, "a" * 5000, "http://", "https://[", "http://x:99999/", "http://x/\udcff",
    "config.yaml/x",
)  # fmt: skip
TEXT = st.one_of(st.sampled_from(NASTY), st.text(max_size=20), st.text(string.ascii_letters + "0._-/", max_size=20))
NUMBER = st.one_of(
    st.integers(-2, 300), st.integers(), st.floats(0, 10), st.floats(), st.sampled_from([2**32, 10**400, -(10**400)])
)
SCALAR = st.one_of(st.none(), st.booleans(), NUMBER, TEXT)
ODD_KEY = st.one_of(TEXT, st.integers(-1, 10), st.booleans(), st.none(), st.floats(0, 1))
JUNK = st.recursive(
    SCALAR,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(ODD_KEY, st.sampled_from(sorted(KNOWN_KEYS))), inner, max_size=4),
    ),
    max_leaves=8,
)
OF_THE_CONFIG = st.sampled_from(VALUES).map(copy.deepcopy)


def examples(count: int):
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),  # a loaded machine is no fault of the config
    )


@examples(400)
@given(st.sampled_from(PATHS), st.one_of(JUNK, SCALAR, OF_THE_CONFIG))
def test_junk_anywhere_is_refused_by_key_or_valid(path, junk):
    refusal(put(path, junk))


@examples(100)
@given(JUNK)
def test_junk_in_place_of_the_config_is_refused_by_key(junk):
    assert refusal(junk if isinstance(junk, dict) else {"seeds": junk})


@pytest.mark.parametrize("depth", [50, 400, 5000])
@pytest.mark.parametrize("wrap", [lambda nest: [nest], lambda nest: {"a": nest}], ids=["lists", "maps"])
def test_a_deep_nest_is_refused_by_key(wrap, depth):
    nest = 1
    for _ in range(depth):
        nest = wrap(nest)
    with pytest.raises(
        ConfigError, match=r"is not valid:\n  (top level: nested|models\.mha\.attention\.options: ).*\Z"
    ):
        Study(put(("models", "mha", "attention", "options"), nest))


def test_a_config_that_holds_itself_is_refused():
    config = copy.deepcopy(SHIPPED)
    config["machine"]["mirrors"] = config
    with pytest.raises(ConfigError, match=r"is not valid:\n  top level: nested"):
        Study(config)


def is_closed(path: tuple) -> bool:
    """Whether a map has keys of the format, rather than names that users choose."""
    if path[:1] == ("tables",) and path[2:3] == ("published",):
        return len(path) == 5 or (len(path) == 4 and SHIPPED["tables"][path[1]]["kind"] == "recipes")
    if path[:1] == ("tables",) and path[2:] == ("claims",):
        return False
    return len(path) != 1 or path[0] not in NAMED


CLOSED = [path for path, value in entries(SHIPPED) if isinstance(value, dict) and is_closed(path)]


@examples(150)
@given(st.sampled_from(CLOSED), ODD_KEY, st.one_of(SCALAR, OF_THE_CONFIG))
def test_an_unknown_key_is_always_refused_by_name(path, key, value):
    assume(key not in KNOWN_KEYS)
    message = refusal(put((*path, key), value))
    place = ".".join(path) or "top level"
    shown = repr(str(key))
    assert f"  {place}: unknown key {shown[:100]}" in message


@examples(200)
@given(
    st.sampled_from(NAMED),
    st.one_of(TEXT, st.text(string.ascii_letters + string.digits + "._-", max_size=70)),
    st.data(),
)
def test_a_name_is_refused_unless_it_fits_a_path_and_a_shell(section, chosen, data):
    assume(chosen not in SHIPPED[section])
    entry = SHIPPED[section][data.draw(st.sampled_from(sorted(SHIPPED[section])))]
    config = put((section, chosen), copy.deepcopy(entry))
    if section in ("datasets", "models"):
        config[section][chosen]["label"] = "Another one"
    if section == "gradcam" and name(chosen):
        assert f"  gradcam.{chosen}: unknown name" in refusal(config)
        config["datasets"][chosen] = SHIPPED["datasets"]["mnist"] | {"label": "Another one"}
    message = refusal(config)
    assert bool(message) != name(chosen)
    if message:
        assert f"  {section}: " in message
    else:
        assert set(chosen) <= set(string.ascii_letters + string.digits + "._-")


@pytest.fixture(scope="session")
def file(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("bytes") / "junk.yaml"


@examples(200)
@given(content=st.one_of(st.binary(max_size=60), st.text("{}[]&*!?|>:,-# \n\t'\"%@`a1.~", max_size=30).map(str.encode)))
def test_a_file_of_junk_is_a_map_or_named(file, content):
    file.write_bytes(content)
    try:
        loaded = load(file)
    except ConfigError as error:
        named = str(error).startswith(f"{file}: ")
    else:
        named = isinstance(loaded, dict)
    assert named
