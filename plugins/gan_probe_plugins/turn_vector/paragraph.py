"""What a paper would print of how latents were turned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gan_probe.report import quoted

if TYPE_CHECKING:
    from gan_probe_plugins.turn_vector.turning import Turned


def paragraph(turned: Turned) -> str:
    """Of the axis, the way along it, the response and the control."""
    axes = turned.axes
    first, second = map(quoted, axes.ends)
    (k, m), n = (numbers.shape[1] for numbers in axes.numbers), len(axes.values)
    chosen = "marked by hand" if axes.pools is None else "chosen by a classifier, other ones for each latent"
    text = (
        f"As in section 6.3.2 of [@radford2016], the axis from {first} to {second} is the difference of the mean "
        f"latents of exemplars ({k} of the first, {m} of the second, {chosen}). It was added to {n:,} "
        f"new latents in {len(turned.positions)} steps from {turned.positions[0]:g} to {turned.positions[-1]:g} of its "
        "length; the control is random directions as long."
    )
    if turned.responses is None:
        return text
    return (
        f"{text} At every step a classifier trained on labelled images gave the response. Intervals are 95 % over "
        "latents: the percentile bootstrap [@efron1979] for means, Wilson's [@wilson1927] for shares, Bonett and "
        "Price's [@bonett2012] for paired differences."
    )
