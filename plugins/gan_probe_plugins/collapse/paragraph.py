"""What a paper would print of how collapse was looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gan_probe.report import quoted

if TYPE_CHECKING:
    from gan_probe_plugins.collapse.classes import Classes
    from gan_probe_plugins.collapse.measured import Measured
    from gan_probe_plugins.collapse.sets import Sets


def paragraph(sets: Sets, found: Measured, classes: Classes | None) -> str:
    """Of what was measured, with its numbers."""
    mine = found.samples
    judge = (
        ""
        if classes is None
        else (
            f" A classifier, right on {classes.judge.accuracy.value:.1%} of {classes.judge.n_held_out:,} held-out real "
            "images, named the classes of samples and of held-out images."
        )
    )
    return (
        f"We compared {sets.n:,} samples with {sets.n:,} real images in the feature space {quoted(sets.space.name)}; "
        f"as the control, {sets.n:,} held-out real images took the samples' place. The support was estimated by the "
        f"birthday paradox [@arora2018] among {mine.support.n:,} samples, two images being the same where they are as "
        "near as only 1 % of real images have their nearest other, with Garwood's interval [@garwood1936]. We measured "
        f"precision and recall [@kynkaanniemi2019], density and coverage [@naeem2020] with {mine.measures.k} "
        "neighbours, the Vendi score [@friedman2023], and the number of statistically different bins "
        f"[@richardson2018] among {len(mine.bins.p)} clusters of the real images.{judge} Intervals are 95 %, Wilson's "
        "[@wilson1927] for shares of images."
    )
