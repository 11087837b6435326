"""The items of the paper, in its order."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gan_probe_plugins.paper.item import Item


def all_items() -> list[Item]:
    """Every table, figure and claim that is remade, in the paper's order."""
    from gan_probe_plugins.paper.items.arithmetic import Arithmetic
    from gan_probe_plugins.paper.items.digits import Digits
    from gan_probe_plugins.paper.items.duplicates import Duplicates
    from gan_probe_plugins.paper.items.filters import Filters
    from gan_probe_plugins.paper.items.forgetting import Forgetting
    from gan_probe_plugins.paper.items.memorisation import Memorisation
    from gan_probe_plugins.paper.items.probes import Cifar10, Svhn
    from gan_probe_plugins.paper.items.samples import AfterFive, AfterOne, Now
    from gan_probe_plugins.paper.items.training import NearReal, NoCollapse
    from gan_probe_plugins.paper.items.turning import Turning
    from gan_probe_plugins.paper.items.walk import Walk

    return [
        NoCollapse(),
        NearReal(),
        Now(),
        AfterOne(),
        AfterFive(),
        Memorisation(),
        Duplicates(),
        Cifar10(),
        Svhn(),
        Walk(),
        Filters(),
        Forgetting(),
        Arithmetic(),
        Turning(),
        Digits(),
    ]
