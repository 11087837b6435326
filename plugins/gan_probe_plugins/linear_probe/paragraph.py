"""What a paper would print of how the features were probed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gan_probe_plugins.linear_probe.ladder import Ladder

FIXED = {
    "pixels": "raw pixels",
    "supervised": "a network of the discriminator's architecture trained on the labels alone",
}


def paragraph(ladder: Ladder) -> str:
    """Of the features, the classifier, the images, the controls and the intervals."""
    return " ".join([_features(ladder), _classifier(ladder), _controls(ladder), _intervals(ladder)])


def _features(ladder: Ladder) -> str:
    side, found = ladder.options.grid, (ladder.probes or ladder.few)[0]
    statistics = ", with batch-norm statistics recomputed on the training images" if ladder.recomputed else ""
    return (
        f"Following [@radford2016], the discriminator's activations in {', '.join(ladder.layers)}{statistics}, were "
        f"max-pooled to a {side}x{side} grid, flattened and concatenated to {found.dimensions:,} features."
    )


def _classifier(ladder: Ladder) -> str:
    seen, grid, protocol = ladder.world, ladder.protocol.grid, ladder.protocol
    n, held, folds = len(seen.labels), len(seen.folds[0][1]), len(seen.folds)
    choice = f"C = {grid[0]:g}"
    if len(grid) > 1:
        parts = f"{held:,} of {n:,} training images" + (f", over {folds} random splits" if folds > 1 else "")
        choice = f"C chosen among {len(grid)} values from {min(grid):g} to {max(grid):g} by accuracy on {parts}"
        if protocol.labels_per_class:
            choice += f" (for the draws, its mean over {protocol.choosing} other draws)"
    fits = []
    if protocol.all_labels:
        fits.append(f"all {n:,} training images")
    if protocol.labels_per_class:
        few = " and ".join(f"{k:,}" for k in sorted(set(protocol.labels_per_class)))
        fits.append(f"{protocol.draws} random draws of {few} labelled images a class")
    return (
        f"A linear L2-SVM, one class against the rest and solved by Newton's method [@keerthi2005], was fitted "
        f"on {' and on '.join(fits)}, with {choice}, and tested on {len(seen.truth):,} images."
    )


def _controls(ladder: Ladder) -> str:
    options, names = ladder.options, []
    for baseline in options.baselines:
        if baseline == "random" and any(p.name.startswith("random weights") for p in [*ladder.probes, *ladder.few]):
            drawn = f", drawn {options.random_draws} times" if options.random_draws > 1 else ""
            names.append(f"the same features of the same network with random weights{drawn}")
        elif baseline == "kmeans":
            names.append(f"K-means features of patches [@coates2011] with {options.centroids:,} centroids")
        elif baseline in FIXED:
            names.append(FIXED[baseline])
    return f"Controls, on the same images: {'; '.join(names)}." if names else "There was no control."


def _intervals(ladder: Ladder) -> str:
    said = []
    if ladder.probes:
        said.append("Wilson's [@wilson1927] over test images")
        said += ["Bonett and Price's [@bonett2012] for paired differences"] * (len(ladder.probes) > 1)
    if ladder.few:
        said.append(
            "two-way random effects over draws and test images for means over draws, widened for draws that share "
            "images [@nadeau2003]"
        )
    return f"Intervals are 95 %: {'; '.join(said)}."
