"""What of a probe is compared between checkpoints: whether each test image is named rightly."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from gan_probe import Measure

if TYPE_CHECKING:
    from gan_probe_plugins.linear_probe.ladder import Ladder


def measures(ladder: Ladder) -> list[Measure]:
    """The trained discriminator's accuracy, with all labels and with few, and what it is above random weights.

    Two checkpoints are paired by the test images, which the seed draws, however large each network takes them.
    """
    truth, data = ladder.world.truth, ladder.ctx.data
    assert data is not None  # noqa: S101  # the probe has read it
    digest = hashlib.sha256(truth.astype("<i8").tobytes()).hexdigest()[:12]
    units = f"{len(truth):,} test images of {data.name}, seed {ladder.ctx.seed}, labels {digest}"

    def measure(name: str, values: np.ndarray, title: str) -> Measure:
        spec = ".1%"
        return Measure(name, values, title, "test image", units, better="higher", format=spec)

    found = []
    right = {probe.name: probe.predictions == truth for probe in ladder.probes}
    if ladder.probes:
        main = ladder.probes[0].name
        found.append(measure("accuracy", right[main], f"Test accuracy, {main}"))
        if "random weights" in right:
            gain = right[main].astype(int) - right["random weights"]
            found.append(measure("gain", gain, f"Test accuracy, {main} less random weights"))
    for n in sorted({few.labels_per_class for few in ladder.few}):
        first = next(few for few in ladder.few if few.labels_per_class == n)
        title = f"Test accuracy with {n} labels a class, {first.name}, mean of {len(first.right)} draws"
        found.append(measure(f"accuracy-{n}-a-class", first.right.mean(0), title))
    return found
