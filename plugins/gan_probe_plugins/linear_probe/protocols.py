"""The protocols: how many labels, how C is chosen, and what is averaged (the paper, sections 5.1 and 5.2)."""

from __future__ import annotations

from dataclasses import dataclass

# the release searches 1e-4 to 1e-2; controls whose features have another scale need a wider choice to do their best
WIDE = tuple(float(f"{digit}e{power}") for power in range(-5, 0) for digit in (1, 2, 5))
RELEASE = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2)


@dataclass(frozen=True)
class Protocol:
    """A protocol's settings, each of which an option may overrule.

    `all_labels` fits once on every training label; for each of `labels_per_class`, C is chosen by the mean over
    `choosing` draws and the test accuracy is that of `draws` further draws. `held_out` images, or `share` of the
    training set where that is less, choose C; `keeps_apart` says that the others alone are fitted on.
    """

    all_labels: bool
    labels_per_class: tuple[int, ...]
    choosing: int
    draws: int
    grid: tuple[float, ...]
    held_out: int | None
    keeps_apart: bool


PROTOCOLS = {
    "simple": Protocol(True, (), 3, 10, WIDE, None, keeps_apart=False),
    # the paper: accuracy with all labels, and with 400 a class; it does not say over how many draws
    "cifar10": Protocol(True, (400,), 3, 10, WIDE, None, keeps_apart=False),
    # the release: 10,000 validation images, 10 draws of 100 a class for each C, and 100 draws at the best
    "svhn": Protocol(False, (100,), 10, 100, RELEASE, 10_000, keeps_apart=True),
}
