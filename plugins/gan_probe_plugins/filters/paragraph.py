"""What a paper would print of how filters were looked into."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe_plugins.filters import FiltersOptions
    from gan_probe_plugins.filters.networks import Seen
    from gan_probe_plugins.filters.targets import Targets


def paragraph(seen: Sequence[Seen], wanted: Targets, placed: bool, options: FiltersOptions) -> str:
    """Of the pictures, and of what was measured beside them; `placed` says whether boxes were."""
    layer, n = seen[0].layer, len(seen[0].images)
    text = (
        f"For filters of the discriminator's {layer.name}, after section 6.2 of [@radford2016], we show the "
        f"{options.top} of {n:,} images that excite each most, cropped to its receptive field, and the guided "
        f"gradients [@springenberg2015] of its highest activation. The control is the same network with random "
        f"weights, drawn {len(seen) - 1} times."
    )
    if not wanted.names:
        return text
    text += (
        f" How selective each of the {layer.channels} filters is, we measured as the area under the ROC curve of its "
        f"highest activation for one of {len(wanted.names)} classes or attributes, chosen on a random half of the "
        "images and tested on the other, with DeLong's intervals of 95 % [@delong1988] and Holm's correction "
        "[@holm1979] of one-sided Mann-Whitney tests; a second control shuffles the labels."
    )
    if placed:
        text += (
            " Whether filters fire where the object is, we measured by the pointing game [@zhang2018] against the "
            "boxes of other images."
        )
    return text
