"""What a paper would say of a comparison: what was compared, by which intervals and tests, and whom it cites."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from gan_probe.comparison.rows import LEVEL, in_time
from gan_probe.report.setting import networks
from gan_probe.report.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gan_probe.comparison.contenders import Contender
    from gan_probe.comparison.rows import Compared

NAMED = 12  # checkpoints that are listed with their digests
# by the names that `difference` gives them
INTERVALS = {
    "Wilson": "Wilson's [@wilson1927]",
    "Bonett-Price": "Bonett and Price's [@bonett2012]",
    "Newcombe": "Newcombe's [@newcombe1998]",
    "bootstrap-t": "by the bootstrap-t [@diciccio1996]",
    "Student's t": "Student's",
    "Welch": "Welch's [@welch1947]",
    "normal, by replicates": "normal ones, by replicates",
}
TESTS = {
    "McNemar, exact": "McNemar's exact test [@mcnemar1947]",
    "Fisher, exact": "Fisher's exact test",
    "sign flip": "random flips of the differences' signs",
    "Welch": "Welch's test [@welch1947]",
    "normal": "the normal distribution, by replicates",
}


def paragraph(contenders: Sequence[Contender], found: Sequence[Compared], count: int) -> str:
    """What was compared, and how; it cites `references()`."""
    rows = [row for one in found for row in one.rows]
    estimates = _said(INTERVALS, (row.estimate.method for row in rows if row.estimate))
    differences = [row.difference for row in rows if row.difference]
    against = "the one before it" if in_time(contenders) else "the first"
    sentences = [
        _compared(contenders),
        "The same analyses ran on each, with the same seed, images and options.",
    ]
    if estimates:
        sentences.append(f"Intervals are of 95 %: {estimates}.")
    if differences:
        how = {True: "paired", False: "unpaired", None: "paired where the units were the same, unpaired elsewhere"}
        kinds = {d.paired for d in differences}
        sentences.append(
            f"Each checkpoint was held against {against}, {how[kinds.pop() if len(kinds) == 1 else None]}: "
            f"intervals of differences are {_said(INTERVALS, (d.interval for d in differences))}, and p values are by "
            f"{_said(TESTS, (d.test for d in differences))}. They were corrected by Holm's method [@holm1979] over "
            f"{'the single difference' if count == 1 else f'all {count} differences'}, of which those with p of at "
            f"most {LEVEL:g} count as significant."
        )
    return " ".join(sentences)


def references() -> list[str]:
    """The BibTeX entries of what a comparison may cite."""
    return re.split(r"\n(?=@)", Path(__file__).with_name("references.bib").read_text("ascii"))


def of_analysis(contenders: Sequence[Contender], analysis: str) -> tuple[str, Sequence[str]]:
    """What an analysis said of itself, and whom it cites; of the first checkpoint, where that differs."""
    known = [(c, r) for c in contenders if (r := c.reports.get(analysis)) is not None and r.methods]
    if not known:
        return "", ()
    first, report = known[0]
    alike = len({r.methods for _, r in known}) == 1
    whose = "" if alike else f" This is said of {quoted(first.name)}; the reports of the others hold theirs."
    return report.methods + whose, report.references


def _compared(contenders: Sequence[Contender]) -> str:
    """The checkpoints by name and digest, and what their networks are."""
    opened = [contender for contender in contenders if contender.card]
    told = [
        quoted(c.name) + (f" (SHA-256 {str(c.card['sha256'])[:12]})" if c.card.get("sha256") else "")
        for c in opened[:NAMED]
    ]
    if len(opened) > NAMED:
        told.append(f"{len(opened) - NAMED} more")
    training = f" of the training {quoted(contenders[0].training)}" if contenders[0].training else ""
    kinds: dict[str, list[str]] = {}
    for contender in opened:
        if built := networks(contender.card):
            kinds.setdefault(built, []).append(quoted(contender.name))
    sentences = [f"Compared are checkpoints{training}: {listed(told) or 'none could be opened'}."]
    if len(kinds) == 1:
        sentences.append(f"Each has {next(iter(kinds))}.")
    else:
        sentences += [f"{listed(names)} {'have' if len(names) > 1 else 'has'} {k}." for k, names in kinds.items()]
    return " ".join(sentences)


def _said(phrases: dict[str, str], methods: Iterable[str]) -> str:
    """The phrases of these methods, each once; of what has none, nothing is said."""
    return listed([phrases[method] for method in dict.fromkeys(methods) if method in phrases])


def listed(parts: Sequence[str]) -> str:
    """The parts as a sentence names them: a, b and c."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
