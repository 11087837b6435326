"""The PyTorch tutorial's DCGAN and its relatives, narrow: other sizes, biases, spectral norm, critics."""

from __future__ import annotations

from torch import nn
from torch.nn.utils import parametrizations, spectral_norm

from .style import Net, Pair, Style, down, leaky, pixel, sequential, up


def examples_generator(size: int = 64, channels: int = 3, w: int = 8, bias: bool = False, bend=nn.ReLU) -> Net:
    maps = w * size // 8
    layers: list[nn.Module] = [up(16, maps, 4, 1, 0, bias=bias), nn.BatchNorm2d(maps), bend()]
    while maps > w:
        layers += [up(maps, maps // 2, bias=bias), nn.BatchNorm2d(maps // 2), bend()]
        maps //= 2
    return sequential(*layers, up(w, channels, bias=bias), nn.Tanh(), latent=True)


def examples_discriminator(size: int = 64, channels: int = 3, w: int = 8, spectral=None, norm=nn.BatchNorm2d) -> Net:
    wrap = spectral or (lambda layer: layer)
    layers: list[nn.Module] = [wrap(down(channels, w)), leaky()]
    maps = w
    for _ in range((size // 8).bit_length() - 1):
        layers += [wrap(down(maps, 2 * maps)), *([] if spectral or norm is None else [norm(2 * maps)]), leaky()]
        maps *= 2
    return sequential(*layers, wrap(down(maps, 1, 4, 1, 0)), nn.Flatten())


def examples(size: int = 64) -> Pair:
    return examples_generator(size), examples_discriminator(size)


def examples_128() -> Pair:
    return examples_generator(128, w=4), examples_discriminator(128, w=4)


def with_biases() -> Pair:
    return examples_generator(32, bias=True), examples_discriminator(32)


def spectral_old() -> Pair:
    return examples_generator(32), examples_discriminator(32, spectral=spectral_norm)


def spectral_new() -> Pair:
    return examples_generator(32), examples_discriminator(32, spectral=parametrizations.spectral_norm)


def critic_by_instance() -> Pair:
    def block(a: int, b: int, norm: nn.Module, bend: nn.Module, layer) -> nn.Sequential:
        return nn.Sequential(layer(a, b), norm, bend)

    g = Net(
        lambda net, z: net.net(pixel(z)),
        net=nn.Sequential(
            nn.Sequential(up(16, 32, 4, 1, 0), nn.BatchNorm2d(32), nn.ReLU()),
            block(32, 16, nn.BatchNorm2d(16), nn.ReLU(), up),
            block(16, 8, nn.BatchNorm2d(8), nn.ReLU(), up),
            up(8, 1, bias=True),
            nn.Tanh(),
        ),
    )
    d = Net(
        lambda net, x: net.disc(x).flatten(1),
        disc=nn.Sequential(
            down(1, 8, bias=True),
            leaky(),
            block(8, 16, nn.InstanceNorm2d(16, affine=True), leaky(), down),
            block(16, 32, nn.InstanceNorm2d(32, affine=True), leaky(), down),
            down(32, 1, 4, 2, 0, bias=True),
        ),
    )
    return g, d


def critic_by_layer() -> Pair:
    d = [down(1, 8), leaky(), down(8, 16), nn.LayerNorm([16, 8, 8]), leaky()]
    d += [down(16, 32), nn.LayerNorm([32, 4, 4]), leaky(), nn.Flatten(), nn.Linear(512, 1)]
    return examples_generator(32, 1), sequential(*d)


def critic_without_norm() -> Pair:
    return examples_generator(32, 1), examples_discriminator(32, 1, norm=None)


TUTORIAL = {
    "pytorch examples": Style(examples, 64, 3),
    "128 px": Style(examples_128, 128, 3),
    "biases and norms": Style(with_biases, 32, 3),
    "spectral norm, old": Style(spectral_old, 32, 3),
    "spectral norm, new": Style(spectral_new, 32, 3),
    "instance norm in a nested critic": Style(critic_by_instance, 32),
    "layer norm in the critic": Style(critic_by_layer, 32),
    "critic without norm": Style(critic_without_norm, 32),
}
