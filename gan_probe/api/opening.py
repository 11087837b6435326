"""Opening checkpoints and data, as the plugins that are installed extend both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_probe.errors import BadInputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gan_probe.analysis import Analysis
    from gan_probe.data import Data, DatasetSource
    from gan_probe.gan import GAN


def load(
    path: str | Path | None = None,
    *,
    generator: str | Path | None = None,
    discriminator: str | Path | None = None,
    device: str = "cpu",
    pinned: Mapping[str, str] | None = None,
    arch: str | Path | None = None,
) -> GAN:
    """Open a checkpoint: a file, a folder, or the name of a model that comes with gan-probe; or a file per network.

    `pinned` settles what a format does not say, such as `{"z_distribution": "normal"}`. `arch` states the
    architecture: a card's file, or `my_gan.py:Generator,Discriminator`, whose code is then run. Plugins' loaders are
    asked first. Raises BadInputError, in one line, for what cannot be opened, UsageError where nothing is named.
    """
    from gan_probe.checkpoints import LoadRequest, load_gan
    from gan_probe.plugins import host

    first = path if path is not None else generator if generator is not None else discriminator
    if first is None:
        raise UsageError("nothing to open: name a checkpoint, or a generator's or a discriminator's file")
    request = LoadRequest(
        Path(first),
        None if generator is None else Path(generator),
        None if discriminator is None else Path(discriminator),
        device=device,
        pinned=dict(pinned or {}),
        arch=None if arch is None else str(arch),
    )
    return load_gan(request, host())


def dataset_sources() -> list[DatasetSource]:
    """The named data sets: the built-in ones, then plugins', none under the name of another."""
    from gan_probe.data.sources import all_sources, read_sources
    from gan_probe.plugins import host

    return all_sources(host().call("register_datasets", read_sources))


def open_data(
    spec: str | Path | Data, *, root: str | Path | None = None, download: bool = False, labels: str | None = None
) -> Data:
    """Open a data set by its name or its path, plugins' sets included; images are decoded when they are used."""
    from gan_probe.data import Data
    from gan_probe.data import open_data as open_source

    if not isinstance(spec, str | Path | Data):
        raise BadInputError(
            f"data is of type {type(spec).__name__}: pass a name, a path or a gan_probe.data.Data; "
            "for arrays, Data('mine', Split.from_arrays('mine', images, labels))"
        )
    where = None if root is None else Path(root)
    return open_source(spec, root=where, download=download, labels=labels, sources=dataset_sources())


@dataclass(frozen=True)
class DataRequest:
    """The data that are asked for and how named sets are had; without `spec`, those that a checkpoint's card names."""

    spec: str | Path | Data | None = None
    root: str | Path | None = None
    download: bool = False
    labels: str | None = None

    def open(self, spec: str | Path | Data, labels: str | None) -> Data:
        """Open this set, or a further one that an analysis' option names."""
        return open_data(spec, root=self.root, download=self.download, labels=labels)

    def find(self, gan: GAN | None, analyses: Iterable[type[Analysis[Any]]]) -> tuple[Data | None, str]:
        """The data; without a `spec` the card's, if an analysis can use them, and why not where they cannot be had.

        A card may be a stranger's: only the names of registered sets count, never a path, and nothing is downloaded.
        """
        from gan_probe.data.names import short

        if self.spec is not None:
            return self.open(self.spec, self.labels), ""
        if gan is None or not gan.card.training_data or not any("data" in a.needs | a.takes for a in analyses):
            return None, ""
        named = str(gan.card.training_data)
        if named not in {source.name for source in dataset_sources()}:
            return None, f"the card names {short(named, 40)!r}, which is no registered set: to use it, pass it yourself"
        try:
            return open_data(named, root=self.root, labels=self.labels), ""
        except (BadInputError, UsageError) as error:
            return None, f"the card names {named}, but: {error}"
