"""The GAN handle: a generator and/or a discriminator behind one face, whatever runs them, and their card."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from gan_probe.errors import BadInputError, UsageError, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import torch
    from torch import Tensor

    from gan_probe.checkpoints.infer import Reading
    from gan_probe.stage import Stage

LARGEST = 1e6  # of a pixel's value


@dataclass(frozen=True)
class Layer:
    """A layer that analyses may read: its name, kind (`conv`, `deconv`, `dense`), channels, and height = width."""

    name: str
    kind: str
    channels: int
    size: int


@dataclass(frozen=True)
class Moments:
    """Mean and biased variance of a batch norm's input, each (channels,)."""

    mean: Tensor
    variance: Tensor


class Net(Protocol):
    """A generator or a discriminator, run by torch or by onnxruntime.

    Implemented by `gan_probe.network.Network`, `gan_probe.wrapped.Wrapped` and `gan_probe.checkpoints.onnx.OnnxNet`.
    """

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers in order."""

    @property
    def statistics(self) -> dict[str, Moments] | None:
        """What batch norm normalises by, layer by layer; None where it uses each batch's own."""

    @statistics.setter
    def statistics(self, statistics: dict[str, Moments] | None) -> None: ...

    def __call__(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Latents (N, Z) to images (N, C, H, W), or images to logits (N, 1)."""

    def activations(self, x: Tensor, names: Sequence[str], labels: Tensor | None = None) -> dict[str, Tensor]:
        """Outputs of the named layers after their activation, each (N, C, H, W) or (N, F)."""

    def moments(self, x: Tensor, labels: Tensor | None = None) -> dict[str, Moments]:
        """Batch statistics of every batch norm's input, all layers normalising by this batch."""

    def random_twin(self, generator: torch.Generator) -> Net | None:
        """The same architecture with weights drawn as the paper initialises them; None where that cannot be had."""


@dataclass(frozen=True)
class Card:
    """What is known of a checkpoint; `assumed` lists what was not read from it but taken by convention."""

    name: str
    format: str
    image_size: int
    channels: int
    z_size: int = 100
    z_distribution: Literal["uniform", "normal"] = "uniform"
    value_range: tuple[float, float] = (-1.0, 1.0)
    classes: tuple[str, ...] = ()
    generator: tuple[Stage, ...] | None = None
    discriminator: tuple[Stage, ...] | None = None
    training_data: str = ""
    training: dict[str, Any] = field(default_factory=dict)
    licence: str = ""
    sha256: str = ""
    assumed: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; the inverse of `from_dict`."""
        data = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        for role in ("generator", "discriminator"):
            stages = data[role]
            data[role] = None if stages is None else [stage.to_dict() for stage in stages]
        return {key: list(value) if isinstance(value, tuple) else value for key, value in data.items()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Card:
        """Read a card written by `to_dict`; BadInputError names what is wrong with it."""
        from gan_probe.stage import Stage

        known = {f.name for f in dataclasses.fields(cls)}
        if unknown := sorted(set(data) - known):
            raise BadInputError(f"the card has an unknown field {unknown[0]!r}: written by a newer version?")
        _check_card(data)
        data = dict(data)
        try:
            for role in ("generator", "discriminator"):
                if data.get(role) is not None:
                    data[role] = tuple(Stage.from_dict(stage) for stage in data[role])
            for key in ("classes", "assumed", "value_range"):
                if key in data:
                    data[key] = tuple(data[key])
            card = cls(**data)
            sizes = [card.image_size, card.channels, card.z_size]
        except (TypeError, ValueError, AttributeError) as error:
            raise BadInputError(one_line(f"the card cannot be read: {error}")) from None
        if not card.value_range[0] < card.value_range[1] or not all(type(n) is int and 1 <= n <= 2**16 for n in sizes):
            raise BadInputError("the card cannot be read: impossible sizes or value range")
        if card.z_distribution not in ("uniform", "normal"):
            raise BadInputError(
                f"the card's z distribution is {one_line(card.z_distribution, 40)!r}, not uniform or normal"
            )
        return card


def _check_card(data: dict[str, Any]) -> None:
    """Raise BadInputError for a field of the wrong type; sizes and stages are checked where they are used."""

    def check(key: str, fits: bool, wanted: str) -> None:
        if key in data and not fits:
            raise BadInputError(f"the card's {key} is {one_line(repr(data[key]), 60)}; it must be {wanted}")

    for key in ("name", "format", "training_data", "licence", "sha256"):
        check(key, isinstance(data.get(key), str), "text")
    for key in ("classes", "assumed"):
        texts = data.get(key)
        check(key, isinstance(texts, list | tuple) and all(isinstance(t, str) for t in texts), "a list of texts")
    ends = data.get("value_range")
    numbers = isinstance(ends, list | tuple) and all(type(v) in (int, float) and abs(v) <= LARGEST for v in ends)
    check("value_range", numbers and len(ends or ()) == 2, "two numbers")
    training = data.get("training", {})
    try:
        json.dumps(training, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        training = None
    check("training", isinstance(training, dict), "plain data by name")


@dataclass(repr=False)
class GAN:
    """A pretrained GAN: `card`, and `generator` and `discriminator` (each None where the checkpoint holds none).

    `readings` say how the architecture was inferred, where it was.
    """

    card: Card
    generator: Net | None = None
    discriminator: Net | None = None
    readings: tuple[Reading, ...] = ()

    def __repr__(self) -> str:
        card = self.card
        roles = [role for role in ("generator", "discriminator") if getattr(self, role) is not None]
        images = f"{card.image_size}x{card.image_size}x{card.channels} images"
        z = f"z of {card.z_size} {card.z_distribution} numbers"
        return f"<GAN {card.name!r} ({card.format}): {' and '.join(roles) or 'empty'}, {images}, {z}>"

    @property
    def gives(self) -> frozenset[str]:
        """What it can give to an analysis: a subset of `gan_probe.analysis.NEEDS`."""
        given = set()
        if self.generator is not None:
            given.add("sample")
        if self.discriminator is not None:
            given |= {"discriminator", "layers"}
        nets = [net for net in (self.generator, self.discriminator) if net is not None]
        if nets and all(hasattr(net, "parameters") for net in nets):
            given.add("gradients")
        if self.card.classes:
            given.add("labels")
        return frozenset(given)

    def differentiable(self) -> GAN:
        """The same GAN with networks that torch runs: itself, or its ONNX graphs rebuilt and compared.

        They normalise as the originals do at this moment. Raises BadInputError naming what stands in the way.
        """
        nets: dict[str, Any] = {}
        for role, net in (("generator", self.generator), ("discriminator", self.discriminator)):
            if net is None or hasattr(net, "parameters"):
                continue
            try:
                if not hasattr(net, "differentiable"):
                    raise BadInputError("it gives no gradients")
                nets[role] = net.differentiable()
            except BadInputError as error:
                raise BadInputError(one_line(f"the {role}: {error}")) from error
        if not nets:
            return self
        card = dataclasses.replace(self.card, **{role: net.stages for role, net in nets.items()})
        return dataclasses.replace(self, card=card, **nets)

    @property
    def device(self) -> torch.device:
        """Where the networks' tensors live."""
        import torch

        for net in (self.generator, self.discriminator):
            if net is not None and hasattr(net, "parameters"):
                return next(p.device for p in net.parameters())  # type: ignore[no-any-return]
        return torch.device("cpu")

    def to(self, device: str | torch.device) -> GAN:
        """Move the networks to a device, in place; networks that onnxruntime runs stay where they are."""
        for net in (self.generator, self.discriminator):
            if net is not None and hasattr(net, "to"):
                net.to(device)
        return self

    def latent(self, n: int, rng: np.random.Generator) -> Tensor:
        """Draw n latents (n, Z) float32 from the card's distribution: uniform on [-1, 1] or standard normal."""
        import numpy as np
        import torch

        shape = (n, self.card.z_size)
        z = rng.uniform(-1, 1, shape) if self.card.z_distribution == "uniform" else rng.standard_normal(shape)
        return torch.from_numpy(z.astype(np.float32))

    def sample(self, z: Tensor, labels: Tensor | None = None, batch_size: int = 128) -> Tensor:
        """Images (N, C, H, W) float32 on the CPU, in the card's value range, one for each latent of z (N, Z).

        A conditional generator takes `labels` (N,), class indices. The result does not depend on `batch_size`. Raises
        UsageError without a generator, BadInputError for z, labels or a batch size that it cannot take.
        """
        import torch

        if self.generator is None:
            raise UsageError(f"{self.card.name} has no generator: it cannot sample")
        if not isinstance(batch_size, int) or batch_size < 1:
            raise BadInputError(f"batch_size is {batch_size!r}; it must be a whole number of at least 1")
        if not isinstance(z, torch.Tensor) or not z.is_floating_point():
            raise BadInputError(f"z is {_kind(z)}; pass a float32 tensor, as from gan.latent or torch.from_numpy")
        if z.dim() != 2 or z.shape[1] != self.card.z_size:
            raise BadInputError(f"z has shape {tuple(z.shape)}; this generator takes (N, {self.card.z_size})")
        if hasattr(self.generator, "parameters"):
            z = z.to(next(self.generator.parameters()).dtype)
        if labels is not None:
            labels = self._checked_labels(labels, len(z))
        with torch.no_grad():
            parts = [
                self.generator(
                    z[i : i + batch_size].to(self.device), None if labels is None else labels[i : i + batch_size]
                )
                .float()
                .cpu()
                for i in range(0, len(z), batch_size)
            ]
        return torch.cat(parts) if parts else torch.empty(0, self.card.channels, *[self.card.image_size] * 2)

    def _checked_labels(self, labels: Tensor, n: int) -> Tensor:
        import torch

        whole = isinstance(labels, torch.Tensor) and not (labels.is_floating_point() or labels.is_complex())
        if not whole or labels.dtype == torch.bool:
            raise BadInputError(f"labels are {_kind(labels)}; pass a tensor of class indices, int64")
        if labels.shape != (n,):
            raise BadInputError(f"labels have shape {tuple(labels.shape)}; pass one for each of {n} latents")
        classes = len(self.card.classes)
        if n and (int(labels.min()) < 0 or (classes and int(labels.max()) >= classes)):
            within = f" below {classes}" if classes else ""
            raise BadInputError(
                f"labels run from {int(labels.min())} to {int(labels.max())}; use indices{within} from 0"
            )
        return labels.long()

    def to_uint8(self, images: Tensor) -> np.ndarray:
        """Images (N, C, H, W) in the card's value range to (N, H, W, C) uint8; values outside are clipped."""
        import numpy as np

        low, high = self.card.value_range
        scaled = (images.permute(0, 2, 3, 1).cpu().numpy() - low) * (255 / (high - low))
        return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)

    def from_uint8(self, images: np.ndarray) -> Tensor:
        """Images (N, H, W, C) uint8 to (N, C, H, W) float32 in the card's value range."""
        import numpy as np
        import torch

        low, high = self.card.value_range
        scaled = images.transpose(0, 3, 1, 2).astype(np.float32) * np.float32((high - low) / 255) + np.float32(low)
        return torch.from_numpy(np.ascontiguousarray(scaled))


def _kind(value: object) -> str:
    """What a value is, in two words: `ndarray float64`, `list`."""
    return f"{type(value).__name__} {getattr(value, 'dtype', '')}".strip()
