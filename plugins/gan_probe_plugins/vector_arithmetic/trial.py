"""One equation, worked out for every draw of exemplars: in latents, from one exemplar each, and in pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gan_probe.arithmetic import neighbours, pixel_sum, rescaled, signed_sum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe import GAN, Context
    from gan_probe.sampling import Samples

# the methods: the paper's first, then its controls and ours
MEAN, AROUND = "mean of exemplars", "its 8 neighbours"
SINGLE, SCALED, PIXELS = "one exemplar", "one exemplar, rescaled", "pixels of exemplars"
THIRD, RANDOM = "third concept alone", "random z"
CONTROLS = (SINGLE, SCALED, PIXELS, THIRD, RANDOM)


@dataclass(frozen=True, eq=False)
class Trial:
    """What each method made of R draws of exemplars.

    `numbers` are the exemplars of A, B and C, each (R, k); `images` (R, H, W, C) uint8 by method, `around`
    (R, 9, H, W, C) the sum amid its neighbours, `means` (3, R, H, W, C) the images of the concepts' mean latents, and
    `lengths` the latents' root mean square length by method, in typical latents' lengths.
    """

    terms: tuple[str, str, str]
    numbers: tuple[np.ndarray, ...]
    images: dict[str, np.ndarray]
    around: np.ndarray
    means: np.ndarray
    lengths: dict[str, float]

    @property
    def equation(self) -> str:
        """The equation as it was written."""
        a, b, c = self.terms
        return f"{a} - {b} + {c}"


def work_out(
    gan: GAN, samples: Samples, terms: tuple[str, str, str], numbers: Sequence[np.ndarray], ctx: Context
) -> Trial:
    """Do the arithmetic for every draw of exemplars; `numbers` are three arrays (R, k) of samples' numbers."""
    import torch

    def drawn(z: np.ndarray) -> np.ndarray:
        """Images (..., H, W, C) of latents (..., Z)."""
        rows = torch.from_numpy(z.reshape(-1, z.shape[-1]).astype(np.float32))
        images = gan.to_uint8(gan.sample(rows, batch_size=ctx.batch_size))
        return images.reshape(*z.shape[:-1], *images.shape[1:])

    name = " - ".join(terms)
    z = samples.z.numpy().astype(np.float64)
    of_z = [z[n] for n in numbers]  # (R, k, Z) each
    y = signed_sum(of_z)
    single = signed_sum([v[:, :1] for v in of_z])
    latents = {
        MEAN: y,
        SINGLE: single,
        SCALED: rescaled(single, z),
        THIRD: of_z[2].mean(1),
        RANDOM: gan.latent(len(y), ctx.rng(f"vector-arithmetic/random/{name}")).numpy().astype(np.float64),
    }
    images = {method: drawn(values) for method, values in latents.items()}
    images[PIXELS] = pixel_sum([samples.pixels[n] for n in numbers])
    around = drawn(neighbours(y, ctx.rng(f"vector-arithmetic/neighbours/{name}")))
    means = np.stack([drawn(v.mean(1)) for v in of_z])
    typical = np.square(z).sum(1).mean()
    lengths = {method: float(np.sqrt(np.square(v).sum(1).mean() / typical)) for method, v in latents.items()}
    return Trial(terms, tuple(numbers), images, around, means, lengths)
