"""A user's own classes, as `--arch my_gan.py:Generator,Discriminator` names them; some do not fit, on purpose."""

import sys

import torch
import torch.nn.functional as F  # noqa: N812  # as everybody writes it
from torch import nn


class Plain(nn.Module):
    def __init__(self, z=12):
        super().__init__()
        self.fc = nn.Linear(z, 4 * 4 * 16)
        self.b0 = nn.BatchNorm2d(16)
        self.up = nn.ConvTranspose2d(16, 8, 4, 2, 1)
        self.b1 = nn.BatchNorm2d(8)
        self.out = nn.ConvTranspose2d(8, 3, 4, 2, 1)

    def forward(self, z):
        h = F.relu(self.b0(self.fc(z).view(-1, 16, 4, 4)))
        return torch.tanh(self.out(F.leaky_relu(self.b1(self.up(h)), 0.1)))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.ConvTranspose2d(12, 16, 4)
        self.norm = nn.BatchNorm2d(16)
        self.block = nn.Conv2d(16, 16, 3, padding=1)
        self.bn = nn.BatchNorm2d(16)
        self.out = nn.ConvTranspose2d(16, 3, 4, 4)

    def forward(self, z):
        h = F.relu(self.norm(self.stem(z)))
        h = h + F.relu(self.bn(self.block(h)))
        return torch.sigmoid(self.out(h))


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, 8, 4, 2, 1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(8, 16, 4, 2, 1),
            nn.InstanceNorm2d(16),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Flatten(),
            nn.Linear(256, 1),
            nn.Sigmoid(),
        )

    def forward(self, x):
        return self.net(x).squeeze(1)


class PlainD(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, 8, 4, 2, 1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(8, 16, 4, 2, 1),
            nn.BatchNorm2d(16),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(16, 1, 4),
            nn.Sigmoid(),
        )

    def forward(self, x):
        return self.net(x).view(-1)


def build(z=12):
    return Plain(z)


def wants_labels():
    class Conditional(Plain):
        def forward(self, z, labels):
            return super().forward(z + labels)

    return Conditional()


def broken():
    raise RuntimeError("no\nluck")


def leaves():
    sys.exit(0)


def needs(z):
    return Plain(z)


def gives_a_dict():
    return {}


class Tuple(Plain):
    def forward(self, z):
        return super().forward(z), z


instance = Plain()
number = 3
