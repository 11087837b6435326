"""Where concepts come from: attribute judges that look at the run's samples, or a file that a person made."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gan_probe import BadInputError, Table
from gan_probe.arithmetic import parse_concept
from gan_probe.judge import judge_classes, open_judge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gan_probe import Card, Context
    from gan_probe.annotations import Concepts
    from gan_probe.judge import Judge
    from gan_probe.sampling import Samples


def open_judges(specs: Sequence[str], card: Card, ctx: Context) -> dict[str, Judge]:
    """The judges by name, each of `DATA`, `DATA:LABELS` or `NAME=` before either; BadInputError for a name twice.

    Without a name a judge is called as its labels are, or as its data where those are a pattern or a file.
    """
    return {name: open_judge(source, card, ctx) for name, source in _sources(specs).items()}


def known_classes(specs: Sequence[str], ctx: Context) -> dict[str, tuple[str, ...]]:
    """The classes by judge, before any is trained, so that a misspelt one is refused at once; errors as above."""
    return {name: judge_classes(source, ctx) for name, source in _sources(specs).items()}


def _sources(specs: Sequence[str]) -> dict[str, str]:
    sources: dict[str, str] = {}
    for spec in specs:
        name, source = judge_name(spec)
        if name in sources:
            raise BadInputError(f"two judges are named {name[:40]!r}: write NAME=DATA:LABELS to tell them apart")
        sources[name] = source
    return sources


def judge_name(spec: str) -> tuple[str, str]:
    """A judge's name, and the data and labels that it learns from."""
    if named := re.match(r"([A-Za-z][\w -]*)=(.+)", spec):
        return named[1].strip(), named[2].strip()
    data, _, labels = spec.partition(":")
    return (labels if re.fullmatch(r"\w+", labels) else Path(data).stem), spec


LOPSIDED = 0.5  # by how much more of the samples than of labelled images a judge may name one class, unremarked


@dataclass(frozen=True, eq=False)
class Gallery:
    """The run's first samples with each judge's probabilities (N, K), or with the numbers that a person marked."""

    samples: Samples
    judges: Mapping[str, Judge] = field(default_factory=dict)
    probabilities: Mapping[str, np.ndarray] = field(default_factory=dict)
    marked: Concepts | None = None

    @classmethod
    def judged(cls, samples: Samples, judges: Mapping[str, Judge]) -> Gallery:
        """Let every judge look at every sample."""
        return cls(samples, judges, {name: judge(samples.pixels) for name, judge in judges.items()})

    def classes(self, concept: str) -> dict[str, str]:
        """The class by judge that a concept names."""
        return parse_concept(concept, {name: judge.classes for name, judge in self.judges.items()})

    def pool(self, concept: str, confidence: float) -> np.ndarray:
        """The numbers of the samples that show a concept: to each judge at least so surely, or to the person."""
        if self.marked is not None:
            return np.array(self.marked.of(concept), dtype=np.int64)
        shows = np.ones(len(self.samples.pixels), dtype=np.bool_)
        for judge, value in self.classes(concept).items():
            column = list(self.judges[judge].classes).index(value)
            shows &= self.probabilities[judge][:, column] >= confidence
        return np.flatnonzero(shows)


def says(judge: Judge, images: np.ndarray, value: str) -> np.ndarray:
    """Whether a judge names this class of each image (N, H, W, C), (N,) bool."""
    return np.asarray(judge(images).argmax(1) == list(judge.classes).index(value))


def judges_table(judges: Mapping[str, Judge], seen: Mapping[str, np.ndarray] | None = None) -> Table:
    """How well each judge knows its classes on held-out images; `seen` are its probabilities (N, K) on samples."""
    on_samples = {
        name: {
            "on samples": ", ".join(f"{v} {p:.0%}" for v, p in zip(judges[name].classes, _named(given), strict=True))
        }
        for name, given in (seen or {}).items()
    }
    return Table(
        "judges",
        [
            {
                "judge": name,
                "classes": ", ".join(judge.classes),
                "accuracy": judge.accuracy.value,
                "low": judge.accuracy.low,
                "high": judge.accuracy.high,
                "n": judge.n_held_out,
                **on_samples.get(name, {}),
            }
            for name, judge in judges.items()
        ],
        title="The judges",
        caption="Accuracy on held-out labelled images; 95 % intervals, Wilson, over those images."
        + (" On samples: the share of the run's samples that it names each." if seen else ""),
        formats=dict.fromkeys(("accuracy", "low", "high"), ".1%") | {"n": ","},
    )


def _named(probabilities: np.ndarray) -> np.ndarray:
    """The share of images that each class is named for, (K,), from probabilities (N, K)."""
    return np.bincount(probabilities.argmax(1), minlength=probabilities.shape[1]) / len(probabilities)


def doubts(judges: Mapping[str, Judge], seen: Mapping[str, np.ndarray]) -> list[str]:
    """What speaks against a judge: it knows no more than chance, or sees in samples what it was not taught to.

    `seen` are its probabilities (N, K) on samples. Samples need not have the classes' shares of the labelled images;
    where one class takes over half of the rest's share, though, either the generator or the judge has a blind side.
    """
    found = []
    for name, judge in judges.items():
        known, chance = judge.balanced, judge.chance  # of each class: training weighs a rare one like the others
        if known.low <= chance:
            found.append(
                f"The judge {name} is not to be trusted: on held-out images it names the classes rightly in "
                f"{known.value:.1%} of each, on average ({max(0, known.low):.1%} to "
                f"{min(1, known.high):.1%}), and chance would be {chance:.1%}. Give it more images, or labels "
                "that they show."
            )
    for name, probabilities in seen.items():
        shares, taught = _named(probabilities), judges[name].named
        most = int((shares - taught).argmax())
        if shares[most] - taught[most] > LOPSIDED:
            found.append(
                f"The judge {name} names {shares[most]:.0%} of the samples {judges[name].classes[most]!r}, and "
                f"{taught[most]:.0%} of held-out images: the generator draws little else, or the judge does not see in "
                "samples what it learned. Look at the exemplars before trusting it."
            )
    return found


def domain_note(judges: Mapping[str, Judge], what: str) -> str:
    """What a reader must know of judges that look at what they did not learn from."""
    return (
        f"Judges ({', '.join(judges)}) learned from other images; here they look at {what}, where held-out accuracy "
        "need not hold: look at the exemplars. A judge that scores a result also chose its exemplars."
    )
