"""The items as tasks of a run, their parts of the report, and the table that sums them up."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gan_probe import Report, Table
from gan_probe.plugins import host
from gan_probe.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gan_probe_plugins.paper.item import Item, Outcome, World

SUMMARY = "paper"
NO_CLAIM = ("held", "did not hold", "undecided")
CAPTION = (
    "Held: the 95 % interval says so, by the measure named in the item's section. Did not hold: the interval says the "
    "contrary. Undecided: it says neither, or means nothing, as the samples have collapsed or are like no real image. "
    "Not comparable: the paper's number was measured on something else. Shown: a picture, for the eye. Every item has "
    "its deviations from the paper's protocol in its section."
)


def tasks(items: Sequence[Item], world: World) -> list[Task]:
    """What is to be run, in the paper's order."""
    found = []
    for item in items:
        plan = item.plan(world)
        found.append(
            Task(
                host().find(item.analysis),
                plan.options,
                plan.data,
                world.no_data,
                name=item.name,
                title=heading(item),
                gan=plan.gan,
                missing=plan.missing,
                complete=_completed(item, world),
            )
        )
    return found


def heading(item: Item) -> str:
    """The heading of an item's part, which has tables and figures of its own numbers."""
    return f"The paper's {item.place}. {item.title}"


def label(item: Item) -> str:
    """The item's place in the paper, and what it is about."""
    return f"{item.place[0].upper()}{item.place[1:]}. {item.title}"


def summary(items: Sequence[Item], world: World) -> Callable[[Mapping[str, Report]], Report]:
    """What makes the first part of the report, of the parts that have ended."""

    def made(parts: Mapping[str, Report]) -> Report:
        doubt = _doubt(items, parts)
        rows = [
            {"item": label(item), "the paper": item.claim, **_judged(item, world, parts.get(item.name), doubt)}
            for item in items
        ]
        table = Table(
            "summary",
            rows,
            title=f"What the paper reports, and what {world.gan.card.name} does",
            caption=CAPTION + (" Made with --quick: small samples, wide intervals." if world.quick else ""),
            links={label(item): item.name for item in items},
        )
        return Report(findings=_counted(rows), tables=[table], name=SUMMARY, title="The paper, and this checkpoint")

    return made


def told(report: Report) -> str:
    """The first part of the report for a terminal: each item with its outcome, and how many there are of each."""
    rows = report.table("summary").rows
    width = max(len(str(row["outcome"])) for row in rows)
    return "\n".join([*(f"{row['outcome']:{width}}  {row['item']}" for row in rows), *report.findings])


def _doubt(items: Sequence[Item], parts: Mapping[str, Report]) -> str | None:
    """Why claims about samples say nothing, as the parts have it; None where none of them asked."""
    ended = [(item, parts[item.name]) for item in items if item.name in parts and parts[item.name].status == "ok"]
    answers = [answer for item, part in ended if (answer := item.undermines(part)) is not None]
    return "; ".join(filter(None, answers)) if answers else None


def _judged(item: Item, world: World, part: Report | None, doubt: str | None) -> dict[str, str]:
    if part is None:
        return {"here": "", "outcome": "not yet", "why": "the run has not come to it"}
    if part.status != "ok":
        return {"here": "", "outcome": "not run", "why": part.error}
    outcome = item.outcome(world, part)
    word, why = outcome.word, outcome.why
    if item.of_samples and word == "held" and doubt:
        word, why = "undecided", f"says nothing: {doubt}"
    elif item.of_samples and word == "held" and doubt is None:
        why += "; whether the samples have collapsed is not known"
    return {"here": outcome.here, "outcome": word, "why": why}


def _counted(rows: Sequence[Mapping[str, str]]) -> list[str]:
    words = [row["outcome"] for row in rows]
    counts = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
    items = f"{len(rows)} item{'' if len(rows) == 1 else 's'}"
    return [f"Of {items}: {counts}. Intervals are each item's own: none is corrected for their number."]


def _completed(item: Item, world: World) -> Callable[[Report], Report]:
    """Adds the claim, what became of it (to the findings too) and the deviations, and puts the paper's tables next."""

    def complete(report: Report) -> Report:
        if report.status != "ok":
            return report
        published = [table for table in report.tables if table.name.startswith("paper-table")]
        rest = [table for table in report.tables if table not in published]
        outcome = item.outcome(world, report)
        own = [_beside(item, outcome), _deviations(item, world, report)]
        word = _worded(item, outcome)
        first = f"{word[0].upper()}{word[1:]}. {' '.join(report.findings[:1])}".strip()
        return dataclasses.replace(report, findings=[first, *report.findings[1:]], tables=[*own, *published, *rest])

    return complete


def _worded(item: Item, outcome: Outcome) -> str:
    if item.of_samples and outcome.word == "held":  # other parts tell, which may end later: "held" may not stand first
        doubt = "it means nothing if the samples have collapsed or are like no real image, see the first table"
        return f"not decided here; by itself it would hold ({outcome.why}); {doubt}"
    return f"{outcome.word} ({outcome.why})"


def _beside(item: Item, outcome: Outcome) -> Table:
    rows = {"the paper": item.claim, "here": outcome.here, "outcome": _worded(item, outcome)}
    return Table(
        "beside-the-paper",
        [{"source": source, "what it says": words} for source, words in rows.items()],
        title=f"The paper's {item.place}, and this checkpoint",
        caption="Intervals: 95 %; their methods and controls are in the tables below.",
    )


def _deviations(item: Item, world: World, report: Report) -> Table:
    found = [dataclasses.asdict(deviation) for deviation in item.deviations(world, report)]
    return Table(
        "deviations",
        [{"of": d["of"], "the paper": d["paper"], "here": d["here"]} for d in found if d["paper"] != d["here"]],
        title="Deviations from the paper's protocol",
        caption="As far as the checkpoint's card, the data and the options tell.",
    )
