"""The analysis from images to report: pass, measure, choose what to picture."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from gan_probe import Artifact, BadInputError, Report
from gan_probe.measures.selectivity import selectivity
from gan_probe_plugins.filters import localisation, tables
from gan_probe_plugins.filters.networks import both, chosen_layer
from gan_probe_plugins.filters.pictures import Row, figure
from gan_probe_plugins.filters.targets import targets

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from gan_probe import GAN, Context, Figure, Table
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
    if options.images is not None:
        split = split.take(options.images, ctx.rng("filters/images"))
    images = ctx.images(split, gan.card)
    notes: list[str] = []
    wanted = targets(images, ctx.rng("filters/halves"), notes)
    found: list[Selectivity] = []
    more: list[Table] = []
    pictures: list[Figure] = []
    artifacts: list[Artifact] = []
    with ExitStack() as stack:
        seen = both(gan, layer, images.images, stack, ctx, notes)
        if wanted.names:
            found = [selectivity(one.maxima, wanted.table, wanted.choosing) for one in seen]
            shuffled = _shuffled(seen[0], wanted, ctx)
            more += tables.summary(seen, found, shuffled, split.name, ctx)
            pictures.append(tables.chart(seen, found, shuffled, wanted))
            artifacts.append(Artifact("selectivity.csv", tables.csv(seen, found, wanted), "every filter's numbers"))
        elif words == "selective":
            raise BadInputError(f"{ctx.data.name} has no labels to choose filters by: pass --filters 3,17, or --labels")
        else:
            notes.append("These images have no labels or attributes: selectivity was not measured.")
        shown = [_shown(words, layer, found[i] if found else None) for i in range(len(seen))]
        if wanted.boxes:
            more += localisation.tables(gan, seen, wanted, ctx)
        rows = [[Row(one, int(f)) for f in filters] for one, filters in zip(seen, shown, strict=True)]
        main = figure(gan, rows, found, wanted, options.top, split.name, ctx, notes)
    if found:
        more.append(tables.shown(seen, found, shown, wanted, options.top))
    return Report(tables=more, figures=[main, *pictures], artifacts=artifacts, notes=notes)


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


def _shown(words: str | list[int], layer: Layer, found: Selectivity | None) -> np.ndarray:
    import numpy as np

    if isinstance(words, list):
        return np.array(words)
    if words == "first" or found is None:
        return np.arange(min(FIRST, layer.channels))
    return np.argsort(-found.chosen_by, kind="stable")[:FIRST]


def _shuffled(one: Seen, wanted: Targets, ctx: Context) -> Selectivity:
    """The control: the same choice and judgement, each image with the targets of another."""
    order = ctx.rng("filters/shuffled").permutation(len(wanted.table))
    return selectivity(one.maxima, wanted.table[order], wanted.choosing)
