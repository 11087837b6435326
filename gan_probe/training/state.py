"""Everything that the next step of a training depends on, and what the report will need of the steps before."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import torch

from gan_probe.errors import BadInputError
from gan_probe.training.history import History, Row
from gan_probe.training.step import Measured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from gan_probe.gan import GAN
    from gan_probe.network import Network

VERSION = 1


class Stateful(Protocol):
    """What goes along with a training and must be resumed with it: an optimiser, an average of weights, pictures."""

    def state_dict(self) -> dict[Any, Any]:
        """Tensors, numbers, strings, and lists and dicts of these."""

    def load_state_dict(self, state: dict[Any, Any]) -> None:
        """Go on from what `state_dict` gave."""


class DivergedError(BadInputError):
    """A loss or a weight is no longer a finite number.

    `state` is that of the training, which ends at the step to blame; its `measured` holds what was finite since the
    last row.
    """

    def __init__(self, what: str, state: TrainingState) -> None:
        super().__init__(f"training diverged: a {what} step {state.step}; lower the learning rate")
        self.state = state


@dataclass
class TrainingState:
    """Networks, what is `Stateful` beside them, and how far training has come.

    There is no random state in it: every draw has a name made of the seed and of its step or epoch. `measured` holds
    what the steps since the last row of the history measured, each (M,); `resumed` has an entry for each resumption.
    """

    gan: GAN
    generator: Network
    discriminator: Network
    parts: Mapping[str, Stateful]
    steps_per_epoch: int
    epochs: int
    step: int = 0
    seconds: float = 0.0
    row_began: float = 0.0
    history: History = field(default_factory=History)
    measured: list[Tensor] = field(default_factory=list)
    last: Tensor | None = None
    resumed: list[dict[str, Any]] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Steps of the whole training."""
        return self.epochs * self.steps_per_epoch

    @property
    def epoch(self) -> int:
        """The epoch of the step that was taken last, from 1; 0 before the first."""
        return -(-self.step // self.steps_per_epoch)

    @property
    def ends_epoch(self) -> bool:
        """Whether that step was an epoch's last."""
        return self.step % self.steps_per_epoch == 0

    @property
    def speed(self) -> str:
        """For the progress bar: how fast the steps of the newest row were."""
        rows = self.history.rows
        return f", {rows[-1].images_per_second:,.0f} images/s" if rows else ""

    def close_row(self, seconds: float, batch: int) -> None:
        """Add to the history the means over the steps since its last row, `seconds` after the training's start."""
        speed = len(self.measured) * batch / max(seconds - self.row_began, 1e-9)
        means = dict(zip(Measured._fields, self.measurements().double().mean(dim=0).tolist(), strict=True))
        self.history.rows.append(Row(self.epoch, self.step, **means, images_per_second=speed))
        self.measured, self.row_began = [], seconds

    def measurements(self) -> Tensor:
        """What the steps since the last row measured, (steps, M) on the CPU; DivergedError names the first bad step."""
        values = torch.stack(self.measured).cpu()  # fetched once, not at every step
        if not bool(values.isfinite().all()):
            good = int((~values.isfinite()).any(dim=1).nonzero()[0])
            self.step -= len(values) - 1 - good
            self.measured = self.measured[:good]
            raise DivergedError("loss is not finite at", self)
        return values

    def check_weights(self) -> None:
        """Raise DivergedError if a weight is not finite."""
        for network in (self.generator, self.discriminator):
            if not bool(torch.stack([parameter.isfinite().all() for parameter in network.parameters()]).all()):
                if self.measured:
                    self.measurements()  # where a loss told it earlier
                raise DivergedError("weight is not finite after", self)

    def state_dict(self) -> dict[str, Any]:
        """All but the networks' weights, as a checkpoint's extra state."""
        rows = json.dumps([dataclasses.asdict(row) for row in self.history.rows]).encode()
        return {
            "version": VERSION,
            "step": self.step,
            "seconds": self.seconds,
            "row_began": self.row_began,
            # as a tensor: a checkpoint's pickle has a limit, long histories have not
            "rows": torch.frombuffer(bytearray(rows), dtype=torch.uint8),
            "measured": self.measurements() if self.measured else torch.empty(0, 0),
            "last": self.last if self.last is None else self.last.cpu(),
            "resumed": self.resumed,
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
        }

    @torch.no_grad()
    def load_state_dict(self, gan: GAN, state: Mapping[str, Any]) -> None:
        """Go on from the networks of a checkpoint and its extra state; BadInputError if it holds no such state."""
        if state.get("version") != VERSION or set(state["parts"]) != set(self.parts):
            raise BadInputError("it holds no state of training that this version can resume; begin anew with --force")
        for mine, theirs in ((self.generator, gan.generator), (self.discriminator, gan.discriminator)):
            values = dict(theirs.named_parameters())  # type: ignore[union-attr]
            for name, parameter in mine.named_parameters():
                parameter.copy_(values[name])  # into the layout that it has
        for name, part in self.parts.items():
            part.load_state_dict(state["parts"][name])
        self.step, self.seconds, self.row_began = state["step"], state["seconds"], state["row_began"]
        self.history.rows[:] = [Row(**row) for row in json.loads(state["rows"].numpy().tobytes())]
        self.measured = list(state["measured"].to(self.gan.device).unbind())
        last = state.get("last")
        self.last = last if last is None else last.to(self.gan.device)
        self.resumed = list(state["resumed"])
