"""The analysis from images to report: pass, measure, choose what to picture."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from gan_probe import Artifact, BadInputError, Report
from gan_probe.measures.selectivity import selectivity
from gan_probe_plugins.filters import tables
from gan_probe_plugins.filters.chart import chart
from gan_probe_plugins.filters.localisation import localisation
from gan_probe_plugins.filters.networks import all_seen, chosen_layer
from gan_probe_plugins.filters.paragraph import paragraph
from gan_probe_plugins.filters.pictures import Column, figure
from gan_probe_plugins.filters.targets import TOP, targets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe import GAN, Context
    from gan_probe.gan import Layer
    from gan_probe.measures.selectivity import Selectivity
    from gan_probe_plugins.filters import FiltersOptions
    from gan_probe_plugins.filters.networks import Seen
    from gan_probe_plugins.filters.targets import Targets

FIRST = 6  # filters in the paper's figure
MOST = 40  # filters that one figure holds


def look(gan: GAN, options: FiltersOptions, ctx: Context) -> Report:
    """Tables and figures of one layer's filters, trained beside random weights."""
    assert ctx.data is not None  # noqa: S101  # `needs` says so
    layer = chosen_layer(gan, options.layer)
    words = _parsed(options.filters, layer)
    split = ctx.data.train
    if options.images is not None and options.images < len(split):
        split = split.take(options.images, ctx.rng("filters/images"))
    images = ctx.images(split, gan.card)
    notes: list[str] = []
    wanted = targets(images, ctx.rng("filters/halves"), notes)
    if not wanted.names:
        if words == "selective":
            raise BadInputError(f"{ctx.data.name} has no labels to choose filters by: pass --filters 3,17, or --labels")
        notes.append("These images have no labels or attributes to speak of: selectivity was not measured.")
    with ExitStack() as stack:
        seen = all_seen(gan, layer, images.images, options.random_draws, stack, ctx, notes)
        found = [selectivity(one.maxima, wanted.table, wanted.choosing, TOP) for one in seen if wanted.names]
        columns = []
        for i, one in enumerate(seen[:2]):  # trained, and the first of random weights
            mine = found[i] if found else None
            columns.append(Column(one, _shown(words, layer, mine), mine))
        main = figure(gan, columns, wanted, options.top, split.name, ctx, notes)
        placed = localisation(gan, seen, wanted, ctx)
    if not found:
        return Report(figures=[main], methods=paragraph(seen, wanted, False, options), notes=notes)
    shuffled = _shuffled(seen[0], wanted, ctx)
    judging = int((~wanted.choosing).sum())
    means, differences = tables.summary(layer, found, shuffled, split.name, ctx)
    return Report(
        findings=[tables.verdict(means, differences, f"{layer.channels} filters of {layer.name}, {judging:,} images")],
        tables=[means, differences, *placed, tables.shown(columns, wanted)],
        figures=[main, chart(layer, found, shuffled, wanted)],
        methods=paragraph(seen, wanted, bool(placed), options),
        artifacts=[Artifact("selectivity.csv", tables.csv(seen, found, wanted), "every filter's numbers")],
        notes=notes,
    )


def _parsed(filters: Sequence[str], layer: Layer) -> str | list[int]:
    if tuple(filters) in (("first",), ("selective",)):
        return filters[0]
    try:
        numbers = [int(word) for word in filters]
    except ValueError:
        raise BadInputError(
            f"--filters is {','.join(filters)[:60]!r}: write first, selective, or numbers such as 3,17"
        ) from None
    for number in numbers:
        if not 0 <= number < layer.channels:
            raise BadInputError(f"no filter {number}: {layer.name} has filters 0 to {layer.channels - 1}")
    if len(set(numbers)) < len(numbers) or len(numbers) > MOST:
        raise BadInputError(f"--filters takes up to {MOST} numbers, each once")
    return numbers


def _shown(words: str | list[int], layer: Layer, found: Selectivity | None) -> list[int]:
    if isinstance(words, list):
        return words
    if words == "first" or found is None:
        return list(range(min(FIRST, layer.channels)))
    return [int(f) for f in np.argsort(-found.chosen_by, kind="stable")[:FIRST]]


def _shuffled(one: Seen, wanted: Targets, ctx: Context) -> Selectivity:
    """The control: the same choice and judgement, each image with the targets of another of its half."""
    rng = ctx.rng("filters/shuffled")
    table = wanted.table.copy()
    for half in (wanted.choosing, ~wanted.choosing):
        table[half] = rng.permutation(table[half])
    return selectivity(one.maxima, table, wanted.choosing, TOP)
