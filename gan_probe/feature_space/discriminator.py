"""A discriminator's layer as a feature space: what it learned without labels."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_probe.errors import BadInputError, one_line
from gan_probe.feature_space.space import FeatureSpace

if TYPE_CHECKING:
    import numpy as np

    from gan_probe.gan import GAN, Net

GRID = 4  # a layer's maps are max-pooled to GRID x GRID, as for the paper's probe


def open_discriminator(spec: str, image_size: int, channels: int, judged: GAN | None, device: str) -> FeatureSpace:
    """`CHECKPOINT` or `CHECKPOINT:LAYER`; the layer is the last before the score where none is named."""
    from gan_probe.checkpoints import LoadRequest, load_gan
    from gan_probe.features import pooled
    from gan_probe.plugins import host

    checkpoint, layer = _parted(spec)
    gan = load_gan(LoadRequest(Path(checkpoint), device=device), host())
    net = gan.discriminator
    name = f"d:{one_line(Path(checkpoint).stem, 40)}"
    if net is None:
        raise BadInputError(f"{name}: this checkpoint has no discriminator to take features from; name another")
    layer = _layer(net, layer, name)
    if judged is not None and _same(net, judged):
        raise BadInputError(
            f"{name} is the judged GAN's own discriminator, which it was trained to please: take another feature space"
        )
    if net.statistics is None:
        raise BadInputError(
            f"{name} normalises by its batch, so that an image has no features of its own; name another"
        )

    def features(images: np.ndarray) -> np.ndarray:
        return pooled(gan, net, images, [layer], grid=GRID)[0]

    import numpy as np

    card = gan.card
    try:
        features(np.zeros((1, card.image_size, card.image_size, card.channels), np.uint8))
    except BadInputError as error:
        raise BadInputError(one_line(f"{name}: {error}")) from error
    digest = _digest(gan, net)
    return FeatureSpace(
        f"{name}:{layer} ({digest[:8]})",
        digest,
        image_size,
        channels,
        card.image_size,
        card.channels,
        features,
        tuple(f"{name}: {note}." for note in card.assumed),
    )


def _parted(spec: str) -> tuple[str, str | None]:
    from gan_probe.checkpoints import resolve

    checkpoint, colon, layer = spec.rpartition(":")
    if not colon or resolve(spec).exists():
        return spec, None
    return checkpoint, layer


def _layer(net: Net, layer: str | None, name: str) -> str:
    score = net.layers[-1:] if net.layers and net.layers[-1].channels * net.layers[-1].size == 1 else ()
    hidden = [known.name for known in net.layers if known not in score]
    if not hidden:
        raise BadInputError(f"{name}: its discriminator has no layer before the score; name another checkpoint")
    if layer is None:
        return hidden[-1]
    if layer not in hidden:
        raise BadInputError(one_line(f"{name} has no layer {one_line(layer, 30)!r}; it has {', '.join(hidden)}"))
    return layer


def _same(net: Net, judged: GAN) -> bool:
    other: Any = judged.discriminator
    mine, theirs = (n.digest() if hasattr(n, "digest") else None for n in (net, other))
    return mine is not None and mine == theirs


def _digest(gan: GAN, net: Any) -> str:
    """Over weights, statistics and the range of values; of a network that cannot tell its weights, the file's."""
    from gan_probe.features.statistics import digest_of

    weights = net.digest() if hasattr(net, "digest") else None
    parts = [weights or gan.card.sha256, digest_of(net.statistics), repr(tuple(gan.card.value_range)), str(GRID)]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()
