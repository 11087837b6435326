"""Somebody's small pair of plain torch networks."""

from __future__ import annotations

import functools

import torch
from torch import nn


@functools.cache
def small() -> tuple[nn.Sequential, nn.Sequential]:
    torch.manual_seed(0)
    g = nn.Sequential(
        nn.ConvTranspose2d(16, 24, 4, 1, 0, bias=False),
        nn.BatchNorm2d(24),
        nn.ReLU(),
        nn.ConvTranspose2d(24, 12, 4, 2, 1, bias=False),
        nn.BatchNorm2d(12),
        nn.ReLU(),
        nn.ConvTranspose2d(12, 3, 4, 2, 1),
        nn.Tanh(),
    )
    d = nn.Sequential(nn.Conv2d(3, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 8), nn.Flatten())
    with torch.no_grad():
        for _ in range(60):
            g(torch.randn(64, 16, 1, 1))
    return g.eval(), d.eval()
