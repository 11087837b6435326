"""The well-known public families of DCGANs, re-created narrow: layers named, nested and ordered as theirs are.

What a reader gets of them is a state dict.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from .style import Net, Pair, Style, View, down, leaky, pixel, sequential, up
from .tutorial_styles import TUTORIAL, examples_discriminator, examples_generator

# ---- eriklindernoren/PyTorch-GAN ----


def erik() -> Pair:
    def block(a: int, b: int, norm: bool = True) -> list[nn.Module]:
        layers = [nn.Conv2d(a, b, 3, 2, 1), leaky(), nn.Dropout2d(0.25)]
        return [*layers, nn.BatchNorm2d(b, 0.8)] if norm else layers

    g = Net(
        lambda net, z: net.conv_blocks(net.l1(z).view(-1, 32, 8, 8)),
        l1=nn.Sequential(nn.Linear(16, 32 * 64)),
        conv_blocks=nn.Sequential(
            nn.BatchNorm2d(32),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(32, 32, 3, stride=1, padding=1),
            nn.BatchNorm2d(32, 0.8),
            leaky(),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(32, 16, 3, stride=1, padding=1),
            nn.BatchNorm2d(16, 0.8),
            leaky(),
            nn.Conv2d(16, 1, 3, stride=1, padding=1),
            nn.Tanh(),
        ),
    )
    d = Net(
        lambda net, x: net.adv_layer(net.model(x).flatten(1)),
        model=nn.Sequential(*block(1, 8, False), *block(8, 16), *block(16, 32), *block(32, 64)),
        adv_layer=nn.Sequential(nn.Linear(64 * 4, 1)),
    )
    return g, d


def erik_mlp() -> Pair:
    def block(a: int, b: int, norm: bool = True) -> list[nn.Module]:
        return [nn.Linear(a, b), *([nn.BatchNorm1d(b, 0.8)] if norm else []), leaky()]

    layers = [*block(16, 32, False), *block(32, 64), *block(64, 128), nn.Linear(128, 256), nn.Tanh()]
    g = Net(lambda net, z: net.model(z).view(-1, 1, 16, 16), model=nn.Sequential(*layers))
    d = Net(
        lambda net, x: net.model(x.flatten(1)),
        model=nn.Sequential(nn.Linear(256, 64), leaky(), nn.Linear(64, 32), leaky(), nn.Linear(32, 1)),
    )
    return g, d


# ---- MNIST at 28 pixels ----


def seven_stem() -> Pair:
    g = sequential(
        up(16, 32, 7, 1, 0), nn.BatchNorm2d(32), nn.ReLU(), up(32, 16), nn.BatchNorm2d(16), nn.ReLU(), up(16, 1),
        nn.Tanh(), latent=True,
    )  # fmt: skip
    d = [down(1, 8), leaky(), down(8, 16), nn.BatchNorm2d(16), leaky(), down(16, 1, 7, 1, 0), nn.Flatten()]
    return g, sequential(*d)


def coursera() -> Pair:
    def g(a: int, b: int, kernel: int = 3, stride: int = 2) -> nn.Sequential:
        return nn.Sequential(nn.ConvTranspose2d(a, b, kernel, stride), nn.BatchNorm2d(b), nn.ReLU(inplace=True))

    def d(a: int, b: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(a, b, 4, 2), nn.BatchNorm2d(b), leaky())

    last = nn.Sequential(nn.ConvTranspose2d(8, 1, 4, 2), nn.Tanh())
    gen = nn.Sequential(g(16, 32), g(32, 16, 4, 1), g(16, 8), last)
    disc = nn.Sequential(d(1, 16), d(16, 32), nn.Sequential(nn.Conv2d(32, 1, 4, 2)))
    return Net(lambda net, z: net.gen(pixel(z)), gen=gen), Net(lambda net, x: net.disc(x).flatten(1), disc=disc)


def five_dense() -> Pair:
    g = sequential(
        nn.Linear(16, 32 * 49, bias=False), nn.BatchNorm1d(32 * 49), leaky(0.3), View(32, 7, 7),
        up(32, 16, 5, 1, 2), nn.BatchNorm2d(16), leaky(0.3),
        up(16, 8, 5, 2, 2, 1), nn.BatchNorm2d(8), leaky(0.3), up(8, 1, 5, 2, 2, 1), nn.Tanh(),
    )  # fmt: skip
    d = [down(1, 8, 5, 2, 2, True), leaky(0.3), nn.Dropout(0.3), down(8, 16, 5, 2, 2, True), leaky(0.3)]
    return g, sequential(*d, nn.Dropout(0.3), nn.Flatten(), nn.Linear(16 * 49, 1))


def mixed_kernels() -> Pair:
    g = sequential(
        up(16, 32, 3, 1, 0), nn.BatchNorm2d(32), nn.ReLU(), up(32, 24, 5, 2, 1), nn.BatchNorm2d(24), nn.ReLU(),
        up(24, 16, 4), nn.BatchNorm2d(16), nn.ReLU(), up(16, 1, 4), nn.Tanh(), latent=True,
    )  # fmt: skip
    d = [down(1, 8, 5, 2, 2), leaky(), down(8, 16, 3), nn.BatchNorm2d(16), leaky(), down(16, 1, 7, 1, 0), nn.Flatten()]
    return g, sequential(*d)


# ---- layers as attributes ----


def znxlwm() -> Pair:
    relu = functional.relu

    def generate(net: nn.Module, z: Tensor) -> Tensor:
        x = relu(net.deconv1_bn(net.deconv1(pixel(z))))
        x = relu(net.deconv2_bn(net.deconv2(x)))
        x = relu(net.deconv3_bn(net.deconv3(x)))
        return torch.tanh(net.deconv4(x))

    def judge(net: nn.Module, x: Tensor) -> Tensor:
        x = functional.leaky_relu(net.conv1(x), 0.2)
        x = functional.leaky_relu(net.conv2_bn(net.conv2(x)), 0.2)
        x = functional.leaky_relu(net.conv3_bn(net.conv3(x)), 0.2)
        return net.conv4(x).flatten(1)

    g = Net(
        generate,
        deconv1=up(16, 32, 4, 1, 0, bias=True), deconv1_bn=nn.BatchNorm2d(32),
        deconv2=up(32, 16, bias=True), deconv2_bn=nn.BatchNorm2d(16),
        deconv3=up(16, 8, bias=True), deconv3_bn=nn.BatchNorm2d(8), deconv4=up(8, 1, bias=True),
    )  # fmt: skip
    d = Net(
        judge,
        conv1=down(1, 8), conv2=down(8, 16), conv2_bn=nn.BatchNorm2d(16),
        conv3=down(16, 32), conv3_bn=nn.BatchNorm2d(32), conv4=down(32, 1, 4, 1, 0),
    )  # fmt: skip
    return g, d


def norms_declared_last() -> Pair:
    def generate(net: nn.Module, z: Tensor) -> Tensor:
        x = torch.relu(net.bn0(net.fc(z).view(-1, 32, 4, 4)))
        x = torch.relu(net.bn1(net.deconv1(x)))
        x = torch.relu(net.bn2(net.deconv2(x)))
        return torch.tanh(net.deconv3(x))

    def judge(net: nn.Module, x: Tensor) -> Tensor:
        x = functional.leaky_relu(net.conv1(x), 0.2)
        x = functional.leaky_relu(net.bn1(net.conv2(x)), 0.2)
        x = functional.leaky_relu(net.bn2(net.conv3(x)), 0.2)
        return net.fc(x.flatten(1))

    g = Net(
        generate, fc=nn.Linear(16, 512), deconv1=up(32, 16), deconv2=up(16, 16), deconv3=up(16, 1),
        bn0=nn.BatchNorm2d(32), bn1=nn.BatchNorm2d(16), bn2=nn.BatchNorm2d(16),
    )  # fmt: skip
    d = Net(
        judge, conv1=down(1, 8), conv2=down(8, 16), conv3=down(16, 16), fc=nn.Linear(256, 1),
        bn1=nn.BatchNorm2d(16), bn2=nn.BatchNorm2d(16),
    )  # fmt: skip
    return g, d


def udacity() -> Pair:
    def deconv(a: int, b: int, norm: bool = True) -> nn.Sequential:
        return nn.Sequential(up(a, b), *([nn.BatchNorm2d(b)] if norm else []))

    def conv(a: int, b: int, norm: bool = True) -> nn.Sequential:
        return nn.Sequential(down(a, b), *([nn.BatchNorm2d(b)] if norm else []))

    def generate(net: nn.Module, z: Tensor) -> Tensor:
        x = net.fc(z).view(-1, 32, 4, 4)
        x = torch.relu(net.t_conv1(x))
        x = torch.relu(net.t_conv2(x))
        return torch.tanh(net.t_conv3(x))

    def judge(net: nn.Module, x: Tensor) -> Tensor:
        for layer in (net.conv1, net.conv2, net.conv3):
            x = functional.leaky_relu(layer(x), 0.2)
        return net.fc(x.flatten(1))

    g = Net(
        generate, fc=nn.Linear(16, 512), t_conv1=deconv(32, 16), t_conv2=deconv(16, 8), t_conv3=deconv(8, 3, norm=False)
    )
    d = Net(judge, conv1=conv(3, 8, norm=False), conv2=conv(8, 16), conv3=conv(16, 32), fc=nn.Linear(512, 1))
    return g, d


def wgan_gp_cifar() -> Pair:
    def generate(net: nn.Module, z: Tensor) -> Tensor:
        x = net.preprocess(z).view(-1, 32, 4, 4)
        return torch.tanh(net.deconv_out(net.block2(net.block1(x))))

    g = Net(
        generate,
        preprocess=nn.Sequential(nn.Linear(16, 512), nn.BatchNorm1d(512), nn.ReLU(True)),
        block1=nn.Sequential(nn.ConvTranspose2d(32, 16, 2, stride=2), nn.BatchNorm2d(16), nn.ReLU(True)),
        block2=nn.Sequential(nn.ConvTranspose2d(16, 8, 2, stride=2), nn.BatchNorm2d(8), nn.ReLU(True)),
        deconv_out=nn.ConvTranspose2d(8, 3, 2, stride=2),
    )
    main = [down(3, 8, 3), nn.LeakyReLU(), down(8, 16, 3), nn.LeakyReLU(), down(16, 32, 3), nn.LeakyReLU()]
    return g, Net(
        lambda net, x: net.linear(net.main(x).flatten(1)), main=nn.Sequential(*main), linear=nn.Linear(512, 1)
    )


# ---- other parts ----


def bilinear() -> Pair:
    def block(a: int, b: int) -> list[nn.Module]:
        return [nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(a, b, 3, 1, 1)]

    layers = [nn.Linear(16, 512), View(32, 4, 4), nn.BatchNorm2d(32), nn.ReLU()]
    layers += [*block(32, 16), nn.BatchNorm2d(16), nn.ReLU(), *block(16, 8), nn.BatchNorm2d(8), nn.ReLU()]
    return sequential(*layers, *block(8, 1), nn.Tanh()), examples_discriminator(32, 1)


def prelu() -> Pair:
    d = [down(1, 8), nn.PReLU(), down(8, 16), nn.BatchNorm2d(16), nn.PReLU(16), down(16, 32), nn.PReLU(32)]
    return examples_generator(32, 1, bend=nn.PReLU), sequential(*d, nn.Flatten(), nn.Linear(512, 1))


def elu() -> Pair:
    return examples_generator(32, 1, bend=nn.ELU), examples_discriminator(32, 1)


def selu() -> Pair:
    g = sequential(up(16, 32, 4, 1, 0), nn.SELU(), up(32, 16), nn.SELU(), up(16, 8), nn.SELU(), up(8, 1), nn.Tanh(),
                   latent=True)  # fmt: skip
    return g, examples_discriminator(32, 1)


def pooled(pool: Callable[[int], nn.Module]) -> Pair:
    d = [nn.Conv2d(1, 8, 5, 1, 2), leaky(), pool(2), nn.Conv2d(8, 16, 5, 1, 2), nn.BatchNorm2d(16), leaky(), pool(2)]
    return examples_generator(32, 1), sequential(*d, nn.Flatten(), nn.Linear(16 * 64, 64), leaky(), nn.Linear(64, 1))


def refined() -> Pair:
    """Convolutions of stride 1 behind the last transposed one, a sigmoid at the end, dropout in between."""
    g = sequential(
        up(16, 32, 4, 1, 0), nn.BatchNorm2d(32), leaky(), nn.Dropout(0.2), up(32, 16), nn.BatchNorm2d(16), leaky(),
        up(16, 8), nn.BatchNorm2d(8), leaky(), up(8, 8), nn.BatchNorm2d(8), leaky(), nn.Conv2d(8, 3, 3, 1, 1),
        nn.Sigmoid(), latent=True,
    )  # fmt: skip
    return g, examples_discriminator(32)


SEVERAL_LEAKS = ("leaky_relu", 0.2)
OPENS: dict[str, Style] = {
    **TUTORIAL,
    "dense stem, norm eps 0.8": Style(erik, 32, bend=SEVERAL_LEAKS),
    "dense layers alone": Style(erik_mlp, 16, bend=SEVERAL_LEAKS),
    "7x7 stem": Style(seven_stem, 28),
    "unpadded, blocks nested": Style(coursera, 28),
    "5x5 on 7x7 units": Style(five_dense, 28, bend=("leaky_relu", 0.3), d_bend=("leaky_relu", 0.3)),
    "kernels mixed": Style(mixed_kernels, 28, z="uniform"),
    "norms named beside their layers": Style(znxlwm, 32),
    "norms declared last": Style(norms_declared_last, 32),
    "blocks as attributes": Style(udacity, 32, 3, z="uniform"),
    "2x2 kernels, norm by unit": Style(wgan_gp_cifar, 32, 3, d_bend=("leaky_relu", 0.01)),
    "bilinear": Style(bilinear, 32, z="uniform"),
    "prelu": Style(prelu, 32),
    "elu": Style(elu, 32, bend=("elu", 0.2)),
    "selu without norms": Style(selu, 32, bend=("selu", 0.2)),
    "max pooling": Style(lambda: pooled(nn.MaxPool2d), 32),
    "average pooling": Style(lambda: pooled(nn.AvgPool2d), 32),
    "refined, sigmoid, dropout": Style(refined, 32, 3, bend=SEVERAL_LEAKS, output="sigmoid"),
}
