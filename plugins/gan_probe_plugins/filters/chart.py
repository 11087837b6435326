"""The curve of all filters' selectivity, trained against random weights and shuffled labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gan_probe import Figure
from gan_probe.report.figures import COLUMN, GREY, ORANGE, new_figure
from gan_probe_plugins.filters.tables import METHOD, SHUFFLED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.gan import Layer
    from gan_probe.measures.selectivity import Selectivity
    from gan_probe_plugins.filters.targets import Targets


def chart(layer: Layer, found: Sequence[Selectivity], shuffled: Selectivity, wanted: Targets) -> Figure:
    """All filters' areas, sorted; of random weights, those of all draws together, and their range between draws."""
    trained, *random = [np.sort(one.areas.values)[::-1] for one in found]
    control = np.sort(shuffled.areas.values)[::-1]
    share = np.linspace(0, 1, len(trained))
    drawing = new_figure(COLUMN, 2.4)
    axes = drawing.subplots()
    axes.axhline(0.5, color=GREY, linewidth=0.7)
    axes.plot(share, trained, label="trained")
    axes.plot(share, np.mean(random, axis=0), label=f"random weights, {len(random)} draws")
    axes.fill_between(share, np.min(random, axis=0), np.max(random, axis=0), color=ORANGE, alpha=0.25, linewidth=0)
    axes.plot(share, control, label=SHUFFLED)
    axes.set_xlabel("share of the layer's filters, the most selective first")
    axes.set_ylabel("AUC of the filter's own target")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.margins(x=0.01)
    axes.legend(frameon=False)
    n, filters = found[0].areas.influence.shape
    names = ", ".join(wanted.names[:12]) + (", ..." if len(wanted.names) > 12 else "")
    widest = max(one.areas.interval(f).high - one.areas.values[f] for one in found for f in range(filters))
    return Figure(
        "selectivity",
        drawing,
        title=f"Selectivity of all {filters} filters of {layer.name}",
        caption=f"{METHOD} {n:,} images; targets: {names}. Controls: the same network with random weights (line: mean "
        f"of {len(random)} draws; band: their lowest and highest), and the trained one with the targets shuffled among "
        f"the images. A single filter's AUC is known to {widest:.3f} or better (95 % intervals, DeLong).",
        alt=f"Sorted areas under the ROC curve: the median filter reaches {np.median(trained):.2f} in the trained "
        f"network and {np.median(random):.2f} with random weights.",
    )
