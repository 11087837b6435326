"""How a DCGAN is built and trained: the paper's recipe, the release's, and what a user may change in either."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from gan_probe.dcgan import Guidelines
from gan_probe.errors import BadInputError
from gan_probe.options import Options, declared, option

# Adam's decay rates: the paper lowers the first from 0.9, with which training oscillated (section 3).
BETAS = (0.5, 0.999)

Turn = Literal["both", "generator", "discriminator"]

# What a training that goes on from another checkpoint's weights takes from there, whatever a recipe says.
OF_THE_CHECKPOINT = (
    "image_size", "width", "kernel", "depth", "z_size", "z_distribution", "conditional",
    "resampling", "batch_norm", "dense", "d_activation", "output",
)  # fmt: skip

# What each recipe sets where the user says nothing; the last is the release's conditional MNIST model.
PAPER: dict[str, Any] = {"width": 128, "updates": "both", "l2": 0.0, "dense": 0, "output": "tanh"}
RELEASE = PAPER | {"updates": "alternate", "l2": 1e-5}
RELEASE_CONDITIONAL = RELEASE | {"width": 64, "l2": 2.5e-5, "dense": 1024, "output": "sigmoid"}


@dataclass(frozen=True)
class Recipe(Options):
    """How a DCGAN is built and trained; the defaults are the paper's (section 3), or the release's.

    `recipe` sets the defaults of `width`, `updates`, `l2`, `dense` and `output`; a value that is given wins, and once
    made, a Recipe holds the values in force (`dataclasses.replace` keeps them, also under another `recipe`). What no
    option names goes with `release`: batch norm's eps 1e-8 and its gains by unit at G's projection; and where it is
    conditional, labels at every layer and batch norm without gain or shift. Like all our checkpoints, and unlike the
    release, its networks sample by stored statistics.

    Fixed are: Adam with beta1 0.5, weights from N(0, 0.02), LeakyReLU 0.2, no augmentation but `mirror`. The paper
    trains faces for 25 epochs; the release's conditional MNIST model has 100 and 100 of decay, its 32-pixel ImageNet
    network kernel 3 and depth 2. Values outside an option's bounds are a BadInputError.
    """

    recipe: Literal["paper", "release"] = option("paper", "the paper's text, or its authors' code: sets defaults")
    epochs: int = option(25, "passes over the training images", min=1)
    image_size: int | None = option(
        None, "4 to 7 times a power of two, 16 to 128 pixels; default: the data's, rounded up", min=16, max=128
    )
    width: int = option(
        None,
        "feature maps of the widest images, doubled with each halving; default 128, release --conditional 64",
        min=1,
        max=1024,
    )
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
    decay_epochs: int = option(0, "last epochs, over which the learning rate falls linearly to 0", min=0)
    updates: Literal["both", "alternate"] = option(
        None, "a minibatch updates both networks, the default, or G and D by turns, the release's"
    )
    l2: float = option(
        None,
        "pull of every weight to 0, l2 * w in its gradient; default 0, release 1e-5, with --conditional 2.5e-5",
        min=0.0,
        max=1.0,
    )
    ema: float = option(
        0.0, "save a moving average of G's weights: the share kept at each step, 0.999 say; 0: none", min=0, max=0.99999
    )
    mirror: bool = option(False, "show D each image, or its mirror image, by chance; the paper does not")
    resampling: Literal["strides", "pooling"] = option(
        "strides", "ablation: max pooling in D and enlargement in G, instead of strides"
    )
    batch_norm: Literal["paper", "none", "everywhere"] = option(
        "paper", "ablation: at no layer, or at G's output and D's input too"
    )
    dense: int = option(
        None,
        "ablation: units of a hidden dense layer in both networks; default 0, release --conditional 1024",
        min=0,
        max=65536,
    )
    d_activation: Literal["leaky_relu", "relu"] = option("leaky_relu", "ablation: ReLU in D")
    output: Literal["tanh", "sigmoid"] = option(
        None, "ablation: sigmoid ends G, with images in [0, 1]; default tanh, release --conditional sigmoid"
    )

    def __post_init__(self) -> None:
        release = RELEASE_CONDITIONAL if self.conditional is True else RELEASE
        for name, value in (release if self.recipe == "release" else PAPER).items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        for field in declared(type(self)):
            field.parse(getattr(self, field.name))
        if self.decay_epochs > self.epochs:
            raise BadInputError(
                f"--decay-epochs is {self.decay_epochs}; there are {self.epochs} epochs: raise --epochs"
            )

    @property
    def guidelines(self) -> Guidelines:
        """What the networks are built by."""
        release = self.recipe == "release"
        return Guidelines(
            self.resampling,
            self.batch_norm,
            self.dense,
            self.d_activation,
            self.output,
            eps=1e-8 if release else 1e-5,
            affine=not (release and self.conditional),
            by_unit=release,
            labels_everywhere=release and self.conditional,
        )

    @property
    def value_range(self) -> tuple[float, float]:
        """Of the images, as G's output has it."""
        return (0.0, 1.0) if self.output == "sigmoid" else (-1.0, 1.0)

    def turn(self, step: int) -> Turn:
        """Which networks step `step`, counted from 1, updates; by turns, G begins, as in the release."""
        if self.updates == "both":
            return "both"
        return "generator" if step % 2 else "discriminator"

    def rate(self, done: float) -> float:
        """The learning rate after `done` epochs, parts of one counted: at an epoch's beginning, that of the release."""
        return self.learning_rate * min(1.0, (self.epochs - done) / self.decay_epochs if self.decay_epochs else 1.0)
