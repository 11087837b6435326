"""The experiment in numbers, each beside its control."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from gan_probe import Table
from gan_probe.measures.intervals import Estimate, crossed_mean, paired_ratio, proportion, t_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gan_probe.report import Cell
    from gan_probe_plugins.filter_dropout.experiment import Experiment, Outcome

PERCENT = dict.fromkeys(("share", "low", "high"), ".1%")


def tables(done: Experiment) -> list[Table]:
    """All of them; those that need a judge only where there is one."""
    judged = [forgotten(done), against_random(done), kept(done), new(done)] if done.detectors else []
    return [*judged, regression(done), change(done), distance(done), *([detectors(done)] if done.detectors else [])]


def rules(done: Experiment) -> dict[str, int]:
    """How many maps are dropped, by the name of the rule."""
    found = {f"{done.top} strongest": done.top}
    if done.model.positive:
        found[f"all {done.model.positive} positive"] = done.model.positive
    return found


def forgotten(done: Experiment) -> Table:
    """How many of the new samples show the object, with and without the maps."""
    assert done.detectors is not None  # noqa: S101  # asked only with detectors
    before = seen(done, done.unchanged)
    n, draws = len(before), done.options.draws
    drawn = proportion(int(before.sum()), n)
    rows: list[dict[str, Cell]] = [_row("none", 0, drawn) | _fewer(None) | _doubt(done, [done.unchanged])]
    for name, count in rules(done).items():
        chosen, random = done.outcomes[count]
        after = seen(done, chosen)
        rows.append(
            _row(name, count, proportion(int(after.sum()), n))
            | _fewer(fewer(before, after[None]))
            | _doubt(done, [chosen])
        )
        many = np.stack([seen(done, outcome) for outcome in random])
        rows.append(_row(f"{count} random", count, share_of(many)) | _fewer(fewer(before, many)) | _doubt(done, random))
    return Table(
        "forgotten",
        rows,
        title=f"Samples that show a {done.thing}",
        caption=f"By a judge that had no part in choosing the maps, on the same {n:,} new samples in every row. "
        f"Random: {draws} draws of as many. Intervals, 95 %: shares by Wilson, for random maps by two-way random "
        f"effects; 'fewer', the relative fall, by Bonett and Price's for a paired ratio, for random maps by the same "
        f"random effects, linearised. "
        f"Doubtful: the share of samples on which the judge's {len(done.detectors.judge.nets)} networks disagree.",
        formats=PERCENT | dict.fromkeys(("fewer", "at least", "at most"), "+.0%") | {"doubtful": ".1%"},
    )


def against_random(done: Experiment) -> Table:
    """The difference from random maps, on the same samples."""
    rows: list[dict[str, Cell]] = []
    for name, count in rules(done).items():
        chosen, random = done.outcomes[count]
        difference = np.stack([seen(done, outcome) for outcome in random]) - seen(done, chosen).astype(float)
        mean, low, high = crossed_mean(difference)
        rows.append({"dropped": name, "random minus chosen": mean, "low": low, "high": high, "n": difference.shape[1]})
    return Table(
        "against-random",
        rows,
        title="Against as many random maps",
        caption=f"Share of samples with a {done.thing} once random maps are dropped, less that once the chosen ones "
        f"are. Intervals: 95 %, two-way random effects over samples and {done.options.draws} draws.",
        formats=dict.fromkeys(("random minus chosen", "low", "high"), "+.1%") | {"n": ","},
    )


def kept(done: Experiment) -> Table:
    """Which of the other objects stay."""
    return Table(
        "kept",
        _of_others(done, "kept"),
        title="The rest of the scene",
        caption="By the same judge: of the new samples that show an object as drawn, the share that still does. "
        f"Intervals: 95 %, Wilson; for random maps two-way random effects over samples and {done.options.draws} draws.",
        formats=dict.fromkeys(("kept", "low", "high"), ".1%"),
    )


def new(done: Experiment) -> Table:
    """Which other objects appear."""
    return Table(
        "new",
        _of_others(done, "new"),
        title="What appears instead",
        caption="Of the new samples without an object, the share that shows it once the maps are dropped: one may turn "
        "into another, as the paper saw doors and mirrors. Intervals: 95 %, Wilson; for random maps two-way random "
        f"effects over samples and {done.options.draws} draws.",
        formats=dict.fromkeys(("new", "low", "high"), ".1%"),
    )


def _of_others(done: Experiment, what: Literal["kept", "new"]) -> list[dict[str, Cell]]:
    rows: list[dict[str, Cell]] = []
    for thing, k in others(done):
        for name, outcomes in conditions(done):
            share, n = share_with(done, outcomes, k, before=what == "kept")
            value, low, high = (None, None, None) if share is None else (share.value, share.low, share.high)
            rows.append({"object": thing, "dropped": name, what: value, "low": low, "high": high, "n": n})
    return rows


def share_with(done: Experiment, outcomes: list[Outcome], k: int, *, before: bool) -> tuple[Estimate | None, int]:
    """The share that shows object k of the n new samples that did, or did not, before; None of no samples at all."""
    assert done.unchanged.present is not None  # noqa: S101  # asked only with a judge
    chosen = done.unchanged.present[:, k] == before
    after = np.stack([outcome.present[chosen, k] for outcome in outcomes if outcome.present is not None])
    n = int(chosen.sum())
    return (share_of(after) if n else None), n


def share_of(after: np.ndarray) -> Estimate:
    """The share of hits over draws and samples (R, N) bool, with an interval over both; draws that agree are as one."""
    n = after.shape[1]
    if agree(after):
        return proportion(int(after[0].sum()), n)
    if n == 1:  # on which draws differ: of other samples it says nothing
        return Estimate(float(after.mean()), 0.0, 1.0, "none")
    mean, low, high = crossed_mean(after)
    return Estimate(mean, max(0.0, low), min(1.0, high), "random effects")


def agree(after: np.ndarray) -> bool:
    """Whether all draws (R, N) say the same of each sample: of all hits, or of none, they would have no spread."""
    return bool((after == after[0]).all())


def regression(done: Experiment) -> Table:
    """What the model that chose the maps sees in held-out boxes."""
    before = done.unchanged.probability
    mean, low, high = t_mean(before)
    nothing: dict[str, Cell] = dict.fromkeys(("fall", "at least", "at most"))
    first: dict[str, Cell] = {"dropped": "none", "probability": mean, "low": low, "high": high}
    rows = [first | nothing | {"n": len(before)}]
    for name, outcomes in conditions(done):
        after = np.stack([outcome.probability for outcome in outcomes])
        interval = crossed_mean if len(after) > 1 else lambda values: t_mean(values[0])
        row: dict[str, Cell] = {"dropped": name}
        row |= dict(zip(("probability", "low", "high"), interval(after), strict=True))
        row |= dict(zip(("fall", "at least", "at most"), interval(before - after), strict=True))
        rows.append(row | {"n": len(before)})
    return Table(
        "regression",
        rows,
        title="The regression on held-out boxes",
        caption=f"Mean probability that positions inside held-out boxes lie on a {done.thing}, and its fall, paired by "
        f"sample. Intervals: 95 %, Student's over {len(before)} samples; for random maps two-way random effects over "
        f"{done.options.draws} draws too. It must fall, as this model chose the maps: an independent judge says more.",
        formats=dict.fromkeys(("probability", "low", "high"), ".1%")
        | dict.fromkeys(("fall", "at least", "at most"), "+.1%"),
    )


def change(done: Experiment) -> Table:
    """What changes inside and outside the held-out boxes."""
    rows: list[dict[str, Cell]] = []
    for name, outcomes in [("none", [done.unchanged]), *conditions(done)]:
        interval = crossed_mean if len(outcomes) > 1 else lambda values: t_mean(values[0])
        row: dict[str, Cell] = {"dropped": name}
        for names, values in (
            (("inside", "low", "high"), [outcome.within for outcome in outcomes]),
            (("outside", "out low", "out high"), [outcome.elsewhere for outcome in outcomes]),
        ):
            row |= dict(zip(names, interval(np.stack(values)), strict=True))
        rows.append(row | {"n": len(done.held_out)})
    return Table(
        "change",
        rows,
        title="Damage elsewhere",
        caption="Mean absolute change of pixels, in grey levels of 255, inside and outside held-out boxes. Intervals: "
        f"95 %, Student's over {len(done.held_out)} samples; for random maps two-way random effects over "
        f"{done.options.draws} draws too.",
        formats=dict.fromkeys(("inside", "low", "high", "outside", "out low", "out high"), ".1f"),
    )


def distance(done: Experiment) -> Table:
    """How far the samples' distribution moves."""
    rows: list[dict[str, Cell]] = []
    for name, outcomes in [("none", [done.unchanged]), *conditions(done)]:
        kids = [outcome.kid for outcome in outcomes if outcome.kid is not None]
        value, low, high = kids[0].value, kids[0].low, kids[0].high
        if len(kids) > 1:
            value, low, high = t_mean(np.array([kid.value for kid in kids]))
        rows.append({"dropped": name, "KID": value, "low": low, "high": high})
    half = done.options.samples // 2
    return Table(
        "distance",
        rows,
        title="How far the samples move",
        caption=f"KID of {done.options.samples - half:,} new samples from {half:,} others as G draws them, in "
        f"{done.space.name}; 'none' is its noise. Intervals: 95 %, jackknife over samples; for random maps Student's "
        f"over {done.options.draws} draws.",
        formats=dict.fromkeys(("KID", "low", "high"), ".4f"),
    )


def detectors(done: Experiment) -> Table:
    """How far the two detectors can be believed."""
    assert done.detectors is not None  # noqa: S101  # asked only with detectors
    rows: list[dict[str, Cell]] = [
        {
            "detector": error.name,
            "object": error.object,
            "missed": error.missed.value,
            "low": error.missed.low,
            "high": error.missed.high,
            "imagined": error.imagined.value,
            "im. low": error.imagined.low,
            "im. high": error.imagined.high,
            "n": error.n,
        }
        for error in done.detectors.errors
    ]
    return Table(
        "detectors",
        rows,
        title="The detectors' own errors",
        caption="On held-out images of the data: objects that are there and missed, objects that are not and seen. "
        "Intervals: 95 %, Wilson. The finder only draws boxes; it and the judge differ in architecture, training "
        "images and random numbers. Errors on samples, which are no drawings, may be larger.",
        formats=dict.fromkeys(("missed", "low", "high", "imagined", "im. low", "im. high"), ".2%") | {"n": ","},
    )


def conditions(done: Experiment) -> Iterator[tuple[str, list[Outcome]]]:
    """Each rule's outcome, and those of as many random maps."""
    for name, count in rules(done).items():
        chosen, random = done.outcomes[count]
        yield name, [chosen]
        yield f"{count} random", random


def others(done: Experiment) -> list[tuple[str, int]]:
    """The objects that are not to be forgotten, with their columns."""
    assert done.detectors is not None  # noqa: S101  # asked only with detectors
    return [(name, k) for k, name in enumerate(done.detectors.judge.objects) if name != done.thing]


def seen(done: Experiment, outcome: Outcome) -> np.ndarray:
    """In which new samples (N,) bool the judge sees the object."""
    assert done.detectors is not None  # noqa: S101  # asked only with detectors
    assert outcome.present is not None  # noqa: S101
    return outcome.present[:, done.detectors.judge.objects.index(done.thing)]


def fewer(before: np.ndarray, after: np.ndarray) -> tuple[float, float, float] | None:
    """The relative fall from before (N,) to after (R, N) bool, R draws, as (fall, low, high); None from nothing.

    Of one draw, or of draws that agree, it is one less a paired ratio; of several the ratio is linearised in the two
    shares, so that each draw's sample has a fall of its own, and their mean an interval over draws and samples.
    """
    if not before.any():
        return None
    if agree(after):
        ratio, low, high = paired_ratio(after[0], before)
        return 1 - ratio, 1 - high, 1 - low
    share = before.mean()
    ratio = after.mean() / share
    fall, low, high = crossed_mean((1 - ratio) - (after - ratio * before) / share)
    return fall, low, min(1.0, high)


def _row(name: str, count: int, share: Estimate) -> dict[str, Cell]:
    return {"dropped": name, "maps": count, "share": share.value, "low": share.low, "high": share.high}


def _fewer(values: tuple[float, float, float] | None) -> dict[str, Cell]:
    return dict(zip(("fewer", "at least", "at most"), values or (None, None, None), strict=True))


def _doubt(done: Experiment, outcomes: list[Outcome]) -> dict[str, Cell]:
    assert done.detectors is not None  # noqa: S101  # asked only with detectors
    k = done.detectors.judge.objects.index(done.thing)
    return {"doubtful": float(np.mean([o.doubtful[:, k].mean() for o in outcomes if o.doubtful is not None]))}
