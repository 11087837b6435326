"""The base of every analysis, and the context in which it runs."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from gan_probe.options import Options

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    import numpy as np
    import torch

    from gan_probe.data import Data, Images, Split
    from gan_probe.gan import GAN, Card
    from gan_probe.report import Report
    from gan_probe.sampling import Samples

# What an analysis may ask for: the runner refuses, in one sentence, what a checkpoint cannot give.
NEEDS = {
    "sample": "a generator",
    "discriminator": "a discriminator",
    "layers": "a discriminator whose layers can be read",
    "gradients": "networks that torch runs",
    "labels": "a generator conditioned on labels",
    "data": "a data set: pass --data",
}


def _silent(_done: int, _total: int, _what: str) -> None:
    pass


def _open_data(spec: str, labels: str | None) -> Data:
    from gan_probe.data import open_data

    return open_data(spec, labels=labels)


T = TypeVar("T")


@dataclass(frozen=True)
class Context:
    """What the runner hands to an analysis: seeded randomness by name, device, batch size, data, and progress."""

    seed: int = 0
    device: str | torch.device = "cpu"
    batch_size: int = 128
    data: Data | None = None
    progress: Callable[[int, int, str], None] = field(default=_silent)  # (done, total, what)
    loaded: list[dict[str, Any]] = field(default_factory=list)  # a line for every set of images read, for the report
    open_data: Callable[[str, str | None], Data] = field(default=_open_data)  # another set, by (name or path, labels)
    shared: dict[Hashable, Any] = field(default_factory=dict)  # what `once` has made, for all analyses of a run
    keeps_images: bool = False  # where several checkpoints are compared: `shared` then holds what `images` decoded

    def images(self, split: Split, card: Card) -> Images:
        """The split's images at the size and in the channels of the card, and a line about them in the report."""
        images = self._decoded(split, card.image_size, card.channels)
        line = {
            "split": split.name,
            "n": len(images.images),
            "fingerprint": images.fingerprint,
            "skipped": [f"{skipped.name}: {skipped.reason}" for skipped in images.skipped],
            "notes": list(images.notes),
        }
        if line not in self.loaded:
            self.loaded.append(line)
        return images

    def _decoded(self, split: Split, size: int, channels: int) -> Images:
        if not self.keeps_images:
            return split.load(size, channels, progress=self.progress)
        chosen = None if split.indices is None else hashlib.sha256(split.indices.tobytes()).hexdigest()
        key = ("images", id(split.pixels), split.name, chosen, size, channels)
        # the pixels too, lest another's come to have their id; and a copy, as analyses may change what they get
        _, images = self.once(key, lambda: (split.pixels, split.load(size, channels, progress=self.progress)))
        return replace(images, images=images.images.copy())

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made once in a run for all its analyses; take randomness from `rng`, and change nothing.

        A key begins with its maker's name, `("judge", ...)`, and names all that the thing depends on, the checkpoint's
        `sha256` too: where several checkpoints are compared, it is made once for all of them.
        """
        if key not in self.shared:
            self.shared[key] = make()
        made: T = self.shared[key]
        return made

    def samples(self, gan: GAN, n: int) -> Samples:
        """The first n samples of this seed: the same for every analysis of a run, and drawn once for all of them."""
        from gan_probe.sampling import shared_samples

        return shared_samples(gan, n, self)

    def rng(self, name: str) -> np.random.Generator:
        """A numpy generator that depends on the seed and the name alone, so that draws do not depend on their order."""
        import numpy as np

        digest = hashlib.sha256(f"{self.seed}:{name}".encode()).digest()
        return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))

    def torch_generator(self, name: str) -> torch.Generator:
        """The same for torch, on the CPU."""
        import torch

        return torch.Generator().manual_seed(int(self.rng(name).integers(2**63 - 1)))


OptionsT = TypeVar("OptionsT", bound=Options)


class Analysis(ABC, Generic[OptionsT]):
    """One analysis of a GAN. Subclass it, name it, declare its options and needs, and write `run`.

    `name` is its name on the command line; `title` heads its part of the report; `needs` is a subset of `NEEDS`;
    `takes` holds needs that it uses where they are there (`data`, say) and does without otherwise.
    `references` are BibTeX entries, whole, of the papers that its `methods` cite. `examples` are command lines, the
    commonest first: `gan-probe run --plugin NAME --help` ends with them.
    The first line of the class' docstring is its help.
    """

    name: ClassVar[str]
    title: ClassVar[str] = ""
    needs: ClassVar[frozenset[str]] = frozenset()
    takes: ClassVar[frozenset[str]] = frozenset()
    references: ClassVar[tuple[str, ...]] = ()
    examples: ClassVar[tuple[str, ...]] = ()
    Options: ClassVar[type[Any]] = Options

    @classmethod
    def needs_checkpoint(cls) -> bool:
        """Whether any need is met by a checkpoint rather than by data."""
        return bool(cls.needs - {"data"})

    def check(self, gan: GAN | None, options: OptionsT, data: Data | None) -> None:
        """Raise BadInputError or UsageError where this checkpoint, these options or data cannot serve; quickly.

        It is asked before anything runs, once `needs` are met, and decodes nothing. A run that names no analysis leaves
        out those that raise here.
        """

    @abstractmethod
    def run(self, gan: GAN | None, options: OptionsT, ctx: Context) -> Report:
        """Analyse and return a `Report`; touch neither the disk, the terminal nor a global random state.

        `gan` is None only for analyses whose needs ask for no checkpoint. Raise `BadInputError` for what the user can
        mend; anything else counts as this analysis' own bug.
        """
