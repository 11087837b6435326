"""Losses and scores as TensorBoard events, for those who watch several trainings there."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Self

from gan_probe.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from gan_probe.training.history import Row


class TensorBoard:
    """A context that writes every row of the history which it is called with; UsageError without the package."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise UsageError("--tensorboard needs a package more: pip install 'gan-probe[tensorboard]'") from None
        self._make = SummaryWriter
        self._folder = folder
        self._writer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def __call__(self, row: Row) -> None:
        """Write a row's means at its step."""
        if self._writer is None:
            # what an interrupted training wrote behind the state that this one resumes from is hidden
            self._writer = self._make(str(self._folder), purge_step=row.step)
        for name, value in dataclasses.asdict(row).items():
            if name != "step":
                self._writer.add_scalar(f"training/{name}", value, row.step)
