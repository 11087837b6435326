"""Whether a training was steady, and by what evidence.

`benchmarks/monitors.py` counts how often it is right. On digits, 20 seeds each, it called 20 of 20 trainings collapsed
whose generator came to hear one dimension of z, and draws from 3 of 10 digits; 19 from 4, 3 from 5 (where the line is
drawn), and none from 7 or 10. All that in pixels: in `d:digits-dcgan` it called 5 of 5 healthy trainings unformed, so
that variety is judged in pixels, whatever space the measures are taken in. A collapse within kinds, real digits shrunk
to a third of what they differ from their digit's mean by, it called 20 of 20 times, and none of 20 healthy trainings of
528 steps.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gan_probe.report.model import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.report.model import Cell
    from gan_probe.training.history import Row
    from gan_probe.training.monitor import Look
    from gan_probe.training.signals import Reference

Kind = Literal["steady", "unformed", "oscillating", "D has won", "collapsed", "diverged"]

WON = 0.99  # of the images told rightly, by a D that has won
SURE = 0.05  # its mean probability of real for generated images, at most
WON_FOR = 0.1  # of the training, at its end, and three rows at least
AHEAD, BEHIND = 0.95, 0.6  # D's accuracy where it has the upper hand, and where G has
SWINGS = 4  # changes of the upper hand that make an oscillation
PATIENCE = 1000  # steps that samples may take to come to vary
# Of the training: what passed by then was its beginning. A healthy one of 8,000 steps faltered twice before step 260.
BEGINNING = 0.1
# Samples that vary from kind to kind and hardly within: more than so many have a twin, and recall is below so much of
# that of real images. Six healthy trainings of the zoo ended with 10 % at most, and the one that was not with 64 %.
TWINS, REACHED = 0.3, 0.5


@dataclass(frozen=True)
class Verdict:
    """`kind` of training, the `step` at which it went wrong (None for a steady one), the whole in `words`, evidence."""

    kind: Kind
    step: int | None
    words: str
    evidence: tuple[dict[str, Cell], ...] = ()

    def to_dict(self) -> dict[str, Cell]:
        """For a card: all but the evidence."""
        return {"kind": self.kind, "step": self.step, "words": self.words}

    def table(self) -> Table:
        """The evidence as table `verdict`, the words its title."""
        variety = (
            "Diversity, kinds, duplicates and recall are taken in the space of the figure on variety. Real images: the "
            "range over random halves of them. The line to collapse in kinds is what real images of a half of the "
            "kinds show."
        )
        judged = any(row["real images"] for row in self.evidence)
        return Table("verdict", self.evidence, title=f"Verdict: {self.words}", caption=variety if judged else "")


def judge(
    rows: Sequence[Row], looks: Sequence[Look], reference: Reference | None, diverged: int | None = None
) -> Verdict:
    """The verdict on the rows of a history and the looks of a monitor; `diverged` is the step that ended it, if any.

    The gravest finding gives the kind: divergence, collapse, D's victory, oscillation; the words name all. Variety is
    judged by `Reference.collapsed`, once samples have come to vary, at two looks in a row, and by the twins among
    samples that do not reach real images (`TWINS`, `REACHED`); without a reference it is not judged, and a training of
    few steps is unformed.
    """
    steps = rows[-1].step if rows else looks[-1].step if looks else 0
    found: list[tuple[Kind, int | None, str]] = []
    if diverged is not None:
        found.append(("diverged", diverged, f"diverged at step {diverged:,}"))
    evidence = [_finite(diverged)]
    if reference is not None and looks:
        spells, formed = narrow_spells(looks, reference)
        found += _variety(spells, formed, looks, steps) or _twins(looks, reference, steps, formed)
        evidence += _signals(looks[-1], reference) + _recall(looks, reference)
    won, changes = _won(rows), swings(rows)
    if won is not None:
        found.append(("D has won", won, f"D has won since step {won:,}"))
    if changes >= SWINGS:
        found.append(("oscillating", None, f"oscillating: the upper hand changed {changes} times"))
    evidence += _balance(rows, changes)
    order: list[Kind] = ["diverged", "collapsed", "D has won", "oscillating", "unformed"]
    found.sort(key=lambda finding: order.index(finding[0]))
    if found:
        kind, step, _ = found[0]
        return Verdict(kind, step, "; ".join(words for *_, words in found), tuple(evidence))
    if reference is not None:
        return Verdict("steady", None, "steady", tuple(evidence))
    if steps < PATIENCE:
        few = f"too early to tell after {steps:,} steps, and too few images to judge variety"
        return Verdict("unformed", None, few, tuple(evidence))
    return Verdict("steady", None, "steady by its losses; too few images to judge variety", tuple(evidence))


def narrow_spells(looks: Sequence[Look], reference: Reference) -> tuple[list[list[int]], int | None]:
    """Steps of each run of looks at collapsed samples after they first varied, and the step at which they first did.

    Between the two lines, that of collapse less and plus its noise in real images, samples count as what they were.
    """
    low, high = reference.band["kinds"]
    line, noise = reference.collapsed["kinds"], (high - low) / 2
    spells: list[list[int]] = []
    formed, narrow = None, True
    for look in looks:
        twins = look.signals["duplicates"] > reference.collapsed["duplicates"]
        if twins or look.signals["kinds"] < line - noise:
            if formed is not None and not narrow:
                spells.append([])
            narrow = True
        elif look.signals["kinds"] > line + noise:
            narrow = False
            formed = look.step if formed is None else formed
        if formed is not None and narrow:
            spells[-1].append(look.step)
    return spells, formed


def _variety(
    spells: Sequence[Sequence[int]], formed: int | None, looks: Sequence[Look], steps: int
) -> list[tuple[Kind, int | None, str]]:
    if formed is None:
        kinds = [look.signals["kinds"] for look in looks]
        rising = kinds[-1] > 0.9 * max(kinds) and kinds[-1] > 1.5 * max(kinds[: len(kinds) // 2], default=0.0)
        if steps < PATIENCE or rising:
            return [("unformed", None, f"too early to tell: samples have not come to vary after {steps:,} steps")]
        return [("collapsed", 0, "collapsed from the start: samples never came to vary")]
    lasting = [spell for spell in spells if len(spell) > 1]
    if lasting and lasting[-1][-1] == looks[-1].step:
        return [("collapsed", lasting[-1][0], f"collapsed at step {lasting[-1][0]:,}")]
    later = [spell for spell in lasting if spell[0] > BEGINNING * steps]
    if len(later) > 1:
        times = f"{len(later)} times, first at step {later[0][0]:,}"
        return [("oscillating", later[0][0], f"oscillating: samples collapsed and recovered {times}")]
    return []


def _twins(
    looks: Sequence[Look], reference: Reference, steps: int, formed: int | None
) -> list[tuple[Kind, int | None, str]]:
    """A collapse within kinds: the last two looks and more full of twins, and real images out of the samples' reach.

    Either sign alone is not enough: smooth samples are near to each other though they reach far, and recall is low
    where samples are poor. Conditional training forces the kinds, and a young one's samples are alike in any case.
    """
    tail = list(itertools.takewhile(lambda look: look.signals["duplicates"] > TWINS, reversed(looks)))
    measured = [look.recall for look in looks if look.recall is not None]
    lost = not measured or measured[-1] <= REACHED * reference.held_out.recall.value
    if len(tail) < 2 or not lost:
        return []
    share = f"{tail[0].signals['duplicates']:.0%} of samples have a near twin"
    share += f", recall {measured[-1]:.2f}" if measured else ""
    # halved since half of the looks: still coming to vary
    falling = tail[0].signals["duplicates"] < max(look.signals["duplicates"] for look in looks[len(looks) // 2 :]) / 2
    if steps < PATIENCE or falling:
        return [("unformed", None, f"too early to tell after {steps:,} steps: {share}")]
    since = max(tail[-1].step, formed or 0)
    return [("collapsed", since, f"collapsed within its kinds since step {since:,}: {share}")]


def _won(rows: Sequence[Row]) -> int | None:
    tail = list(itertools.takewhile(lambda row: row.d_accuracy >= WON and row.d_fake <= SURE, reversed(rows)))
    since = rows[-len(tail) - 1].step + 1 if len(tail) < len(rows) else 1
    return since if len(tail) >= 3 and rows[-1].step - since + 1 >= WON_FOR * rows[-1].step else None


def swings(rows: Sequence[Row]) -> int:
    """How often the upper hand changed between D and G."""
    hands = [row.d_accuracy >= AHEAD for row in rows if row.d_accuracy >= AHEAD or row.d_accuracy <= BEHIND]
    return sum(a != b for a, b in itertools.pairwise(hands))


def _signals(look: Look, reference: Reference) -> list[dict[str, Cell]]:
    rows = []
    for name, value in look.signals.items():
        low, high = reference.band[name]
        line = reference.collapsed.get(name)
        side = "above" if name == "duplicates" else "below"
        rows.append(_evidence(name, f"{value:.3f}", f"{low:.3f} to {high:.3f}", f"{side} {line:.2f}" if line else ""))
    return rows


def _recall(looks: Sequence[Look], reference: Reference) -> list[dict[str, Cell]]:
    measured = [look.recall for look in looks if look.recall is not None]
    real = reference.held_out.recall.value
    line = f"{REACHED * real:.2f} or less, and duplicates above {TWINS} at two looks in a row"
    return [_evidence("recall", f"{measured[-1]:.3f}", f"{real:.3f}", line)] if measured else []


def _balance(rows: Sequence[Row], changes: int) -> list[dict[str, Cell]]:
    if not rows:
        return []
    right, sure, lasting = f"{WON:.0%} or more", f"{SURE} or less", ", over the last tenth"
    certain, told = f"D's probability for samples is {sure}", f"{right} are told rightly"
    return [
        _evidence("told rightly by D", f"{rows[-1].d_accuracy:.1%}", "", f"{right} while {certain}{lasting}"),
        _evidence("D's probability for samples", f"{rows[-1].d_fake:.3f}", "", f"{sure} while {told}{lasting}"),
        _evidence("changes of the upper hand", str(changes), "", f"{SWINGS} or more"),
    ]


def _finite(diverged: int | None) -> dict[str, Cell]:
    return _evidence("losses and weights", "finite" if diverged is None else f"not finite at step {diverged:,}", "", "")


def _evidence(sign: str, end: str, real: str, line: str) -> dict[str, Cell]:
    return {"sign": sign, "at the end": end, "real images": real or None, "wrong if": line or None}
