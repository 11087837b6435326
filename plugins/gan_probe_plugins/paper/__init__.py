"""`gan-probe paper`: every table and figure of the DCGAN paper, remade for one checkpoint.

Each item of the paper is a file of `items`: its place, the analysis and the data that remake it, what the paper prints,
what here deviates from its protocol, and what would show that its claim holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gan_probe import hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def register_commands(group: click.Group) -> None:
    """The command of this package."""
    from gan_probe_plugins.paper.command import command

    group.add_command(command, "paper")
