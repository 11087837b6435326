"""The plugin contract, whole: implement any of these in a module and name it as an entry point of group `gan_probe`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import click

    from gan_probe.analysis import Analysis
    from gan_probe.checkpoints import LoadRequest
    from gan_probe.data import DatasetSource
    from gan_probe.gan import GAN
    from gan_probe.report import RunReport

hookspec = pluggy.HookspecMarker("gan_probe")
hookimpl = pluggy.HookimplMarker("gan_probe")


@hookspec
def register_analyses() -> Iterable[type[Analysis[Any]]]:  # type: ignore[empty-body]  # pluggy reads only the signature
    """Return your analyses: subclasses of `gan_probe.Analysis`, each with its own name."""


@hookspec(firstresult=True)
def load_gan(request: LoadRequest) -> GAN | None:
    """Open a checkpoint, or return None if it is not of your format; the first answer wins, built-ins come last."""


@hookspec
def register_datasets() -> Iterable[DatasetSource]:  # type: ignore[empty-body]
    """Return your named data sets, each with the function that opens it."""


@hookspec
def write_report(report: RunReport, folder: Path) -> None:
    """Write a further format of the report into `folder`; called once when the run has ended."""


@hookspec
def register_commands(group: click.Group) -> None:
    """Add click commands of your own to the `gan-probe` command."""
