"""A family of DCGANs as plain torch code has them, and the layers and networks that families are built of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

Pair = tuple[nn.Module, nn.Module]


@dataclass(frozen=True)
class Style:
    """A family: how to build a pair, its image size and channels, and what leaves no trace in a state dict."""

    build: Callable[[], Pair]
    size: int
    channels: int = 1
    z_size: int = 16
    z: str = "normal"
    bend: tuple[str, float] = ("relu", 0.2)  # of the generator's hidden layers
    d_bend: tuple[str, float] = ("leaky_relu", 0.2)
    output: str = "tanh"


class Net(nn.Module):
    """Attributes in the order given, and a function of them: networks whose forward says what their names do not."""

    def __init__(self, forward: Callable[..., Tensor], **parts: nn.Module) -> None:
        super().__init__()
        self._forward = forward
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: Tensor) -> Tensor:
        return self._forward(self, x)


class View(nn.Module):
    """A reshape as a module of its own."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(len(x), *self.shape)


def pixel(z: Tensor) -> Tensor:
    return z[:, :, None, None]


def sequential(*layers: nn.Module, name: str = "main", latent: bool = False) -> Net:
    """All layers in one `nn.Sequential`; a generator of `latent` pixels gets z as (N, Z, 1, 1)."""
    return Net(lambda net, x: getattr(net, name)(pixel(x) if latent else x), **{name: nn.Sequential(*layers)})


def up(a: int, b: int, kernel: int = 4, stride: int = 2, padding: int = 1, extra: int = 0, bias: bool = False):
    return nn.ConvTranspose2d(a, b, kernel, stride, padding, extra, bias=bias)


def down(a: int, b: int, kernel: int = 4, stride: int = 2, padding: int = 1, bias: bool = False):
    return nn.Conv2d(a, b, kernel, stride, padding, bias=bias)


def leaky(slope: float = 0.2) -> nn.LeakyReLU:
    return nn.LeakyReLU(slope)
