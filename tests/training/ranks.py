"""Trains in two processes over gloo, in several ways, and saves each one's weights: `python ranks.py FOLDER`."""

from __future__ import annotations

import os
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gan_probe.errors import BadInputError, StoppedError
from gan_probe.training import Recipe
from gan_probe.training.distributed import Group, torchrun
from gan_probe.training.keeping import Keeper, Keeping, states
from gan_probe.training.loop import train

RECIPE = Recipe(epochs=2, width=4, z_size=8, batch_size=16, conditional=True)
RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, 40)
# brighter and brighter: the two shares of a minibatch have moments of their own
IMAGES = (RNG.integers(0, 100, (40, 16, 16, 1)) + 3 * np.arange(40)[:, None, None, None]).astype(np.uint8)
GIVEN: dict[str, Any] = {"labels": LABELS, "classes": ("a", "b")}


class Apart(Group):
    """What sharing is without common moments."""

    def join(self, networks: Any, optimisers: Any) -> None:  # noqa: ARG002
        super().join([], optimisers)


def weights(gan: Any) -> dict[str, torch.Tensor]:
    return {
        f"{role}.{name}": value
        for role in ("generator", "discriminator")
        for name, value in getattr(gan, role).named_parameters()
    }


def resumed(folder: Path, group: Group) -> Any:
    """Stopped after the second step, as the second process alone is told, and resumed."""
    asked = iter([False, False, group.rank == 1])

    def keeper(stop: Any) -> Keeper:
        options = {"stop": lambda: group.any(stop()), "resume": True, "writes": group.rank == 0}
        return Keeper(folder / "a-training", Keeping(), {}, **options)

    try:
        train(IMAGES, RECIPE, **GIVEN, group=group, keeper=keeper(lambda: next(asked)))
    except StoppedError:
        pass
    else:
        raise AssertionError("it did not stop")
    if group.rank == 0:
        assert states(folder / "a-training")[-1].name == "step-000000002.pt"
    torch.distributed.barrier()
    return train(IMAGES, RECIPE, **GIVEN, group=group, keeper=keeper(lambda: False))[0]


def run(folder: Path) -> None:
    with torchrun() as group:
        found = {}
        gan, history = train(IMAGES, RECIPE, **GIVEN, group=group)
        found["together"] = weights(gan) | {"losses": torch.tensor([row.d_loss for row in history.rows])}
        found["apart"] = weights(train(IMAGES, RECIPE, **GIVEN, group=Apart(group.rank, group.world))[0])
        found["resumed"] = weights(resumed(folder, group))
        try:
            train(IMAGES[:39], Recipe(epochs=1, width=4, batch_size=39), group=group)
        except BadInputError as error:
            found["uneven"] = str(error)
        try:
            group.check_same(group.rank)
        except BadInputError as error:
            found["at different steps"] = str(error)
        torch.save(found, folder / f"{group.rank}.pt")


def main(folder: Path) -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    children = []
    for rank in range(2):
        if child := os.fork():
            children.append(child)
            continue
        os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        code = 1
        try:
            run(folder)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
