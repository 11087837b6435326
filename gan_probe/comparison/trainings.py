"""The training that snapshots are of: its name, and the checkpoint that it ended with, beside its report's folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gan_probe.checkpoints.native import load_checkpoint
from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from pathlib import Path

    from gan_probe.gan import GAN

SNAPSHOTS = "checkpoints"  # where a training keeps them, in the folder of its report
REPORT = "-training"  # how that folder is called behind the name of the checkpoint


def training_of(snapshots: Path) -> str:
    """The name of the training whose snapshots lie in this folder."""
    return _report(snapshots).name.removesuffix(REPORT)


def ended_with(snapshots: Path) -> Path | None:
    """The checkpoint that our training of these snapshots ended with; None where there is none."""
    path = _report(snapshots).with_name(f"{training_of(snapshots)}.pt")
    return path if _report(snapshots).name.endswith(REPORT) and path.is_file() else None


def epochs_of(path: Path) -> float | None:
    """After how many epochs a checkpoint was saved, by its card."""
    try:
        epochs = load_checkpoint(path)[0].card.training.get("epochs")
    except (BadInputError, OSError):
        return None
    return float(epochs) if isinstance(epochs, int | float) else None


def telling(gan: GAN, ended: Path | None) -> GAN:
    """The GAN whose card says what it was trained on; where a snapshot's does not, what its training `ended` with."""
    if gan.card.training_data or ended is None:
        return gan
    try:
        return load_checkpoint(ended)[0]
    except (BadInputError, OSError):
        return gan


def _report(snapshots: Path) -> Path:
    return snapshots.parent if snapshots.name == SNAPSHOTS else snapshots
