"""Exemplars of concepts: which samples show a smiling woman, say."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_probe.annotations.document import check_index, check_name, check_origin, check_seed, read_document
from gan_probe.errors import BadInputError, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gan_probe.gan import Card


@dataclass(frozen=True)
class Concepts:
    """Exemplars by concept: the samples' numbers, ascending, in the stream that `checkpoint` and `seed` fix."""

    checkpoint: str  # sha256
    seed: int = 0
    exemplars: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The concepts, in the order of the file."""
        return tuple(self.exemplars)

    def of(self, name: str) -> tuple[int, ...]:
        """The exemplars of a concept; BadInputError, which lists the concepts there are, where it is none."""
        if name not in self.exemplars:
            raise BadInputError(one_line(f"no concept {name!r} is marked; there are {', '.join(self.names) or 'none'}"))
        return self.exemplars[name]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; the inverse of `from_dict`."""
        exemplars = {name: list(samples) for name, samples in self.exemplars.items()}
        return {"checkpoint": self.checkpoint, "seed": self.seed, "concepts": exemplars}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Concepts:
        """Read what `to_dict` wrote; BadInputError says what is wrong with it."""
        checkpoint, concepts = document.get("checkpoint"), document.get("concepts")
        if not isinstance(checkpoint, str) or not isinstance(concepts, dict):
            raise BadInputError("it lacks `checkpoint` or `concepts`: these are no concepts of gan-probe annotate")
        exemplars = {}
        for name, samples in concepts.items():
            if not isinstance(samples, list):
                raise BadInputError(f"concept {one_line(repr(name), 60)} is no list of samples' numbers")
            exemplars[check_name(name)] = tuple(sorted({check_index(sample) for sample in samples}))
        return cls(checkpoint, check_seed(document.get("seed")), exemplars)


def read_concepts(path: Path | str, card: Card, seed: int | None = None) -> Concepts:
    """Read a file of concepts that was made on the card's checkpoint, and with this seed where one is given.

    Raises BadInputError, in one line that names the file, where it is damaged or made on something else.
    """
    path = Path(path)
    try:
        concepts = Concepts.from_dict(read_document(path))
        check_origin(concepts.checkpoint, concepts.seed, card, seed)
    except BadInputError as error:
        raise BadInputError(one_line(f"{one_line(path.name, 60)}: {error}")) from error.__cause__
    return concepts
