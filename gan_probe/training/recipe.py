"""The paper's training recipe, and the few things in it that a user may change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gan_probe.options import Options, declared, option

# Adam's decay rates: the paper lowers the first from 0.9, with which training oscillated (section 3).
BETAS = (0.5, 0.999)


@dataclass(frozen=True)
class Recipe(Options):
    """How a DCGAN is built and trained; the defaults are the paper's (section 3).

    What is not an option is fixed: Adam with beta1 0.5, weights from N(0, 0.02), LeakyReLU 0.2, images in [-1, 1], no
    augmentation. The paper trains faces for 25 epochs; the release's 32-pixel ImageNet network is kernel 3, depth 2.
    Values outside an option's bounds are a BadInputError.
    """

    epochs: int = option(25, "passes over the training images", min=1)
    image_size: int | None = option(None, "16, 32, 64 or 128 pixels; default: the data's, rounded up", min=16, max=128)
    width: int = option(128, "feature maps of the widest images; doubles with each halving", min=1, max=1024)
    kernel: int = option(5, "kernel size of the convolutions: 3, 4 or 5", min=3, max=5)
    depth: int = option(1, "convolutions at each size: 1, or 2 with odd kernels", min=1, max=2)
    z_size: int = option(100, "dimensions of the latent vector z", min=1, max=65536)
    z_distribution: Literal["uniform", "normal"] = option("uniform", "z is uniform on [-1, 1] or standard normal")
    conditional: bool = option(False, "condition both networks on the data's labels")
    batch_size: int = option(128, "images in a minibatch", min=2)
    precision: Literal["float32", "bfloat16"] = option(
        "float32", "of products: bfloat16 halves the time where the processor or GPU has it"
    )
    learning_rate: float = option(2e-4, "Adam's learning rate, for both networks", min=0.0, max=1.0)

    def __post_init__(self) -> None:
        for field in declared(type(self)):
            field.parse(getattr(self, field.name))
