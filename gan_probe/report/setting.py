"""What is true of all analyses of a run, as a methods section says it: software, seed, checkpoint, images."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gan_probe.report.text import shorten

# by the letters and digits of a data set's name
DATA_SETS = {
    "celeba": "liu2015",
    "cifar10": "krizhevsky2009",
    "cifar100": "krizhevsky2009",
    "digits": "alpaydin1998",
    "fashionmnist": "xiao2017",
    "lsun": "yu2015",
    "mnist": "lecun1998",
    "svhn": "netzer2011",
    "tinyimagenet32": "le2015",
    "utkface64": "zhang2017",
}

DEVICES = {"cpu": "the CPU", "cuda": "a GPU", "cuda:0": "a GPU"}


def setting(checkpoint: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    """Two to four sentences, citing as `[@key]`; nothing of a run that records no versions."""
    versions = run.get("versions")
    if not isinstance(versions, Mapping) or "gan-probe" not in versions:
        return ""
    software = f"gan-probe {_said(versions['gan-probe'])} [@gan-probe]"
    if "torch" in versions:
        software += f" and PyTorch {_said(versions['torch']).partition('+')[0]} [@paszke2019]"
    threads = run.get("threads")
    where = f" on {DEVICES.get(run['device']) or _said(run['device'])}" if isinstance(run.get("device"), str) else ""
    where += f" with {threads} thread{'s' if threads != 1 else ''}" if isinstance(threads, int) else ""
    seed = f"; every random draw follows from seed {_said(run['seed'])}" if run.get("seed") is not None else ""
    return " ".join([f"Results were computed with {software}{where}{seed}.", *_model(checkpoint), *_images(run)])


def _model(card: Mapping[str, Any]) -> list[str]:
    if not card.get("name"):
        return []
    print_ = f" (SHA-256 {_said(card['sha256'])[:12]})" if card.get("sha256") else ""
    sentence = f"The checkpoint is {_said(card['name'])}{print_}"
    built = networks(card)
    sentences = [f"{sentence}: {built}." if built else f"{sentence}."]
    if data := card.get("training_data"):
        sentences.append(f"It was trained on {_said(data)}{_cite(data)}, by its card.")
    return sentences


def networks(card: Mapping[str, Any]) -> str:
    """A checkpoint's networks in words, as far as its card knows them."""
    size = f"{_said(card.get('image_size'))}x{_said(card.get('image_size'))}"
    images = f"{size} {'grey' if card.get('channels') == 1 else 'colour'} images"
    does = []
    if chain := channels(card.get("generator")):
        latent = f"{_said(card.get('z_size'))}-dimensional {_said(card.get('z_distribution'))} latents"
        given = f" and one of {len(card['classes'])} labels" if card.get("classes") else ""
        does.append(f"a generator from {latent}{given} to {images} (channels {chain})")
    if chain := channels(card.get("discriminator")):
        does.append(f"a discriminator of {images} (channels {chain})")
    return " and ".join(does)


def _images(run: Mapping[str, Any]) -> list[str]:
    lines = run.get("images")
    sets: dict[str, int] = {}
    for line in lines if isinstance(lines, Sequence) and not isinstance(lines, str) else []:
        if isinstance(line, Mapping) and isinstance(line.get("n"), int):
            split = _said(line.get("split"))
            sets[split] = max(line["n"], sets.get(split, 0))  # some analyses look at fewer
    data = run.get("data")
    if not sets or not isinstance(data, str):
        return []
    own = f"{_said(data)} "  # the set's own name need not be said again
    counted = ", ".join(
        f"{n:,} of its {split.removeprefix(own)} split" if split.startswith(own) else f"{n:,} of {split}"
        for split, n in sets.items()
    )
    return [f"The images are those of {_said(data)}{_cite(data)}: {counted}."]


def channels(stages: object) -> str:
    """A network's channels from layer to layer, `100-256-128-3`; nothing where they are not known."""
    if not isinstance(stages, list | tuple) or not stages or not all(isinstance(stage, Mapping) for stage in stages):
        return ""
    found = [stages[0].get("inputs")]
    for stage in stages:
        shape = stage.get("shape")
        found.append(shape[0] if isinstance(shape, list | tuple) and shape else stage.get("outputs"))
    return "-".join(map(_said, found))


def _cite(data: object) -> str:
    key = DATA_SETS.get(re.sub(r"[^a-z0-9]", "", str(data).lower()))
    return f" [@{key}]" if key else ""


def _said(value: object) -> str:
    """A name out of a file: short, and no citation."""
    return shorten(value, 80).replace("[@", "[ @")
