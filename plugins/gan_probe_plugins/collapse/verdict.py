"""Whether a generator has collapsed, and by what evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gan_probe import Table

if TYPE_CHECKING:
    from gan_probe.measures.birthday import Support
    from gan_probe.measures.intervals import Estimate
    from gan_probe.report import Cell
    from gan_probe_plugins.collapse.classes import Classes
    from gan_probe_plugins.collapse.measured import Measured

# Lines between planted collapses and the healthy models of the zoo. The latter had 0.2 of the support of real images or
# more, rooms in pixels the least, and 6 % of real images in lost kinds at most; 3 of 10 digits lose two thirds.
FEW = 0.1  # of the support that real images surely have: a collapse has surely less, what is none surely as much
LOST = 0.2  # of real images in kinds that samples hardly show
STRANGE = 0.5  # of the precision of real images: below it, samples' kinds are not those of real images
NOT_JUDGED, UNDECIDED = "not judged", "undecided"
NO_SIGN = "no sign of collapse"
OPEN = "its support does not exclude a collapse"
UNLIKE = "its samples are too unlike real images for their kinds to be told"


@dataclass(frozen=True)
class Verdict:
    """The verdict in `words`, whether it is a collapse, and the signs it rests on."""

    collapsed: bool
    words: str
    evidence: tuple[dict[str, Cell], ...]

    def table(self, caption: str) -> Table:
        """The evidence as table `verdict`, the words its title."""
        return Table("verdict", self.evidence, title=f"Verdict: {self.words}", caption=caption)


def judged(found: Measured, classes: Classes | None) -> Verdict:
    """Collapsed where samples repeat themselves, or where kinds or classes of real images are missing.

    Kinds and classes count only where samples are near enough to real images to be told by them.
    """
    mine, real = found.samples, found.held
    few = too_few(mine.support, real.support)
    least = STRANGE * real.measures.precision.value
    strange = mine.measures.precision.value < least
    number = _round(mine.support.value)
    signs = [f"it has about {number} different image{'' if number == '1' else 's'}"] if few else []
    lost = mine.bins.lost
    kinds = not strange and lost.value > LOST
    if kinds:
        signs.append(f"{lost.value:.0%} of real images are of kinds that it hardly draws")
    evidence: list[dict[str, Cell]] = [
        _row(
            "support",
            _in_words(mine.support),
            _in_words(real.support),
            f"surely below {FEW * real.support.low:,.0f}",
            UNDECIDED if few is None else few,
        ),
        _row(
            "real images in lost kinds",
            _percent(lost),
            _percent(real.bins.lost),
            f"above {LOST:.0%}",
            None if strange else kinds,
        ),
    ]
    if classes is not None:
        rare = classes.samples.lost
        missing = not strange and rare.value > 0
        names = [name for name, out in zip(classes.judge.classes, classes.samples.lost_bins, strict=True) if out]
        if missing:
            signs.append(f"of {len(classes.judge.classes)} classes it hardly draws {_listed(names)}")
        evidence.append(
            _row(
                "real images in lost classes",
                _percent(rare),
                _percent(classes.held.lost),
                "above 0%",
                None if strange else missing,
            )
        )
    evidence.append(
        _row("precision", _percent(mine.measures.precision), _percent(real.measures.precision), "", None)
        | {"wrong if": f"below {least:.0%}, kinds are not judged", "wrong": None}
    )
    if signs:
        return Verdict(True, f"collapsed: {'; '.join(signs)}", tuple(evidence))
    return Verdict(False, _unsigned(few, strange), tuple(evidence))


def too_few(mine: Support, real: Support) -> bool | None:
    """Whether samples have the support of a collapse; None where the line lies within their interval."""
    line = FEW * real.low
    if mine.low >= line:
        return False
    return True if mine.high is not None and mine.high < line else None


def _unsigned(few: bool | None, strange: bool) -> str:
    """The words where there is no sign of a collapse, which excludes one only as far as its support does."""
    if few is None:
        return f"undecided: {OPEN}; {UNLIKE if strange else 'no other sign of one'}"
    return f"its support shows no collapse; {UNLIKE}" if strange else NO_SIGN


def _in_words(found: Support) -> str:
    """A support with its interval, in three digits."""
    if found.value is None:
        return f"above {_round(found.low)}"
    return f"{_round(found.value)} ({_round(found.low)} to {_round(found.high)})"


def _row(sign: str, samples: str, real: str, line: str, wrong: bool | str | None) -> dict[str, Cell]:
    shown = NOT_JUDGED if wrong is None else wrong if isinstance(wrong, str) else "yes" if wrong else "no"
    return {"sign": sign, "samples": samples, "real images": real, "wrong if": line, "wrong": shown}


def _percent(found: Estimate) -> str:
    return f"{found.value:.1%} ({found.low:.1%} to {found.high:.1%})"


def _round(value: float | None) -> str:
    """Three digits and no exponent: 1,048,320 is 1,050,000."""
    return "–" if value is None else f"{float(f'{value:.3g}'):,.0f}"  # noqa: RUF001  # an en dash


def _listed(names: list[str]) -> str:
    shown = ", ".join(name[:20] for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
