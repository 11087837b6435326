"""What the command line names, opened: the checkpoint's snapshots, training data, labelled sets and judges."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gan_probe import BadInputError, UsageError, load, open_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe import GAN
    from gan_probe.data import Data

EPOCHS = (1, 5)  # at which the paper shows samples
PROBED = ("cifar10", "svhn")  # the paper's labelled sets
# judges of figures 7 and 8 that a set with known attributes makes available
JUDGES = {
    "toy-faces": (("toy-faces:smile", "toy-faces:hair"), "toy-faces:pose"),
    "celeba": (("celeba:Smiling", "celeba:Male"), None),
}


def snapshots(gan: GAN, ckpt: str | None, device: str) -> dict[int, GAN]:
    """By epoch, the checkpoint itself or what `gan-probe train --snapshots 1,5` keeps beside it."""
    found = {epoch: gan for epoch in EPOCHS if gan.card.training.get("epochs") == epoch}
    if ckpt is None or not Path(ckpt).is_file():
        return found
    kept = Path(ckpt).with_name(f"{Path(ckpt).stem}-training") / "checkpoints"
    beside = {epoch: kept / f"epoch-{epoch}.pt" for epoch in EPOCHS if epoch not in found}
    return found | {epoch: load(path, device=device) for epoch, path in beside.items() if path.is_file()}


def labelled(specs: Sequence[str], root: str | None, download: bool, labels: str | None) -> tuple[Data, ...]:
    """The sets named; without, the paper's own where they have been downloaded."""
    if specs:
        return tuple(open_data(spec, root=root, download=download, labels=labels) for spec in specs)
    found = []
    for name in PROBED:
        try:
            found.append(open_data(name, root=root, download=download))
        except (BadInputError, UsageError):  # not downloaded: the item says how it is to be had
            continue
    return tuple(found)
