"""The tables, pictures and files of a search for duplicates."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gan_probe import Artifact, BadInputError, Report, Table
from gan_probe.duplicates.judged import read_judged
from gan_probe.duplicates.keeplist import keep_list
from gan_probe.measures.intervals import wilson
from gan_probe_plugins.dedup.methods import HASH, OVERLAY
from gan_probe_plugins.dedup.paragraph import paragraph
from gan_probe_plugins.dedup.planted import recall_chart
from gan_probe_plugins.dedup.sheets import agreement_chart, groups_sheet, pairs_sheet, test_sheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gan_probe import Context, Figure
    from gan_probe.report import Cell
    from gan_probe_plugins.dedup import DedupOptions
    from gan_probe_plugins.dedup.methods import Method, Methods
    from gan_probe_plugins.dedup.world import Seen, World

LISTED = 50  # groups in the table; groups.csv has them all
NAMED = 3  # images left out that a row names


def report(
    world: World, methods: Methods, recall: Table, alarms: tuple[Table, np.ndarray], options: DedupOptions, ctx: Context
) -> Report:
    """Everything, for the method that the keep-list goes by."""
    seen, method = world.train, methods[OVERLAY if options.by == "overlay" else HASH]
    out = method.left_out
    drawn = out[np.sort(ctx.rng("dedup/sheet").permutation(len(out))[: options.sheet])]
    tables = [_methods(seen, methods), recall, alarms[0]]
    figures = [recall_chart(recall), agreement_chart(methods, alarms[1])]
    if options.judged is not None:
        tables.append(_judged(seen, drawn, len(out), options))
    if len(out):
        tables.append(_groups(seen, method))
        figures += [groups_sheet(seen, method), pairs_sheet(seen, drawn, len(out), method)]
    if world.test is not None:
        table, pictures = _test(world, methods, options, ctx)
        tables.append(table)
        figures += pictures
    kept = np.delete(seen.positions, out[:, 1])
    artifacts = [
        Artifact(
            "keep-list.txt",
            keep_list(seen.split, kept),
            f"the {len(kept):,} images to keep, for gan-probe train --keep-list",
        ),
        Artifact("groups.csv", _group_file(seen, method), "every group: number, image kept, image left out"),
        Artifact("pairs.csv", _pair_file(seen, drawn), "the pairs of the sheet: answer yes or no, for --judged"),
    ]
    return Report(
        findings=_findings(world, method, tables),
        tables=tables,
        figures=figures,
        artifacts=artifacts,
        methods=paragraph(world, methods, method, options),
        notes=_notes(world, methods, method),
    )


def _findings(world: World, method: Method, tables: Sequence[Table]) -> list[str]:
    """How many are duplicates, and how many planted ones are found; by eye where somebody looked; of test images."""
    n, out = len(world.train.images), len(method.left_out)
    low, high = wilson(out, n)
    said = [
        f"{out:,} of {n:,} images of {world.train.split.name} ({out / n:.2%}; {low:.2%} to {high:.2%}) "
        f"{'repeats' if out == 1 else 'repeat'} another by {method.name}"
        + (f": the keep-list leaves {'it' if out == 1 else 'them'} out" if out else "")
        + f".{_control(method, *tables[1:3])} Intervals: 95 %."
    ]
    found = {table.name: table for table in tables}
    if judged := found.get("judged"):
        (row,) = judged.rows
        rate, least, most = (judged.text(name, row[name]) for name in ("false positives", "low", "high"))
        pairs = "pair" if row["pairs judged"] == 1 else "pairs"
        said.append(
            f"By eye, {row['wrong']:,} of {row['pairs judged']:,} such {pairs} ({rate}; {least} to {most}) "
            f"{'was no duplicate' if row['wrong'] == 1 else 'were no duplicates'}. Interval: 95 %."
        )
    if test := found.get("test"):
        (row,) = test.rows
        share, least, most = (test.text(name, row[name]) for name in ("share", "low", "high"))
        said.append(
            f"{row['in training']:,} of {row['test images']:,} test images ({share}; {least} to {most}) "
            f"{'is' if row['in training'] == 1 else 'are'} in the training set. Interval: 95 %."
        )
    return said


def _control(method: Method, recall: Table, alarms: Table) -> str:
    """The kinds of planted copies that the method finds most and least of, and what it takes for copies."""
    kinds = sorted(
        (row for row in recall.rows if row["method"] == method.name), key=lambda row: -float(row["found"] or 0)
    )
    (false,) = (row for row in alarms.rows if row["method"] == method.name)
    best, worst = (f"{row['found']:,} ({row['copy']})" for row in (kinds[0], kinds[-1]))
    return (
        f" Of {false['n']:,} planted copies of a kind it finds {worst} to {best}, and it flags {false['flagged']:,} of "
        "as many images turned upside down, which are none."
    )


def _methods(seen: Seen, methods: Methods) -> Table:
    rows: list[dict[str, Cell]] = []
    n, overlay = len(seen.images), methods[OVERLAY]
    group_of = np.full(n, -1)
    for number, group in enumerate(overlay.groups):
        group_of[group] = number
    for method in methods.every:
        first, other = method.left_out.T
        agreeing = int(((group_of[first] == group_of[other]) & (group_of[first] >= 0)).sum())
        low, high = wilson(len(other), n)
        rows.append(
            {
                "method": method.name,
                "groups": len(method.groups),
                "largest": max(map(len, method.groups), default=0),
                "left out": len(other),
                "share": len(other) / n,
                "low": low,
                "high": high,
                "also by overlay": None if method.name == OVERLAY else agreeing,
            }
        )
    return Table(
        "methods",
        rows,
        title="Duplicates found",
        caption=f"Among {n:,} images of {seen.split.name}; the first of each group is kept. Hashes are equal, or "
        "differ in 4 of 64 bits at most. Also by overlay: left out, and by overlay too in a group with the one kept. "
        "Intervals: 95 %, Wilson, of a set drawn likewise.",
        formats=dict.fromkeys(("share", "low", "high"), ".2%")
        | dict.fromkeys(("groups", "largest", "left out", "also by overlay"), ","),
    )


def _groups(seen: Seen, method: Method) -> Table:
    rows: list[dict[str, Cell]] = []
    for number, group in enumerate(method.groups[:LISTED], 1):
        others = [seen.name(i) for i in group[1 : NAMED + 1]] + (["..."] if len(group) > NAMED + 1 else [])
        rows.append({"group": number, "images": len(group), "kept": seen.name(group[0]), "left out": ", ".join(others)})
    return Table(
        "groups",
        rows,
        title="Groups, the largest first",
        caption=f"{len(rows)} of {len(method.groups):,} groups by {method.name}; groups.csv lists all.",
        formats={"images": ","},
    )


def _judged(seen: Seen, drawn: np.ndarray, of: int, options: DedupOptions) -> Table:
    assert options.judged is not None  # noqa: S101  # asked by the caller
    if not len(drawn):
        raise BadInputError("--judged: no image is left out here, so that there is nothing to judge: run without it")
    answers = read_judged(Path(options.judged), [(seen.name(a), seen.name(b)) for a, b in drawn.tolist()])
    wrong = len(answers) - sum(answers)
    low, high = wilson(wrong, len(answers))
    return Table(
        "judged",
        [
            {
                "pairs judged": len(answers),
                "wrong": wrong,
                "false positives": wrong / len(answers),
                "low": low,
                "high": high,
            }
        ],
        title="False positives, by eye",
        caption=f"Judged by a person, of {len(drawn)} pairs drawn from the {of:,} images left out. Interval: 95 %, "
        "Wilson. The paper says: below 1 in 100.",
        formats=dict.fromkeys(("false positives", "low", "high"), ".1%") | {"pairs judged": ",", "wrong": ","},
    )


def _test(world: World, methods: Methods, options: DedupOptions, ctx: Context) -> tuple[Table, list[Figure]]:
    assert world.test is not None  # noqa: S101  # asked by the caller
    pairs, agreements = methods.search.matches(world.test.images)
    # of each test image the training image that agrees best
    order = np.lexsort((-agreements, pairs[:, 0]))
    _, first = np.unique(pairs[order, 0], return_index=True)
    pairs, agreements = pairs[order][first], agreements[order][first]
    n = len(world.test.images)
    low, high = wilson(len(pairs), n)
    table = Table(
        "test",
        [{"test images": n, "in training": len(pairs), "share": len(pairs) / n, "low": low, "high": high}],
        title="Test images that the training set holds",
        caption=f"By overlay, of {world.test.split.name} in {world.train.split.name}. Interval: 95 %, Wilson. The "
        "keep-list leaves them in: they are no duplicates within the training set.",
        formats={"share": ".2%", "low": ".2%", "high": ".2%", "test images": ",", "in training": ","},
    )
    if not len(pairs):
        return table, []
    some = ctx.rng("dedup/test sheet").permutation(len(pairs))[: options.sheet]
    return table, [test_sheet(world.train, world.test, pairs[some], agreements[some], len(pairs))]


def _notes(world: World, methods: Methods, method: Method) -> list[str]:
    search = methods.search
    notes = [
        f"The paper's autoencoder, 3072-128-3072, reconstructs to {methods.error:.1f} grey levels (root mean square, "
        "with noise and dropout). Its noise, dropout and training are ours, as the paper is silent on them.",
        f"Overlay counts a pair from an agreement of {search.limit:.3f} on. It compares each image, and its mirror "
        "image, with the 8 others whose Fourier magnitudes are nearest, and undoes shifts of up to 4 of 32 pixels, but "
        "no change of scale: crops escape it.",
        "Every image left out agrees with the one kept, not only with another that was left out."
        if method.name == OVERLAY
        else "The keep-list goes by the paper's hash alone, as asked for by --by hash.",
    ]
    lost = len(world.train.split) - len(world.train.images)
    if lost:
        notes.append(f"{lost} images that cannot be read are not on the keep-list.")
    return notes


def _group_file(seen: Seen, method: Method) -> bytes:
    return _csv(
        ("group", "kept", "left_out"),
        (
            (number, seen.name(group[0]), seen.name(other))
            for number, group in enumerate(method.groups, 1)
            for other in group[1:]
        ),
    )


def _pair_file(seen: Seen, drawn: np.ndarray) -> bytes:
    rows = ((number, seen.name(a), seen.name(b), "") for number, (a, b) in enumerate(drawn.tolist(), 1))
    return _csv(("pair", "first", "second", "duplicate"), rows)


def _csv(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return file.getvalue().encode()
