"""How well batch statistics agree with the running ones that a batch norm has stored."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

CAP = 1.0  # a channel cannot be more wrong than wrong: a few dead ones must not outweigh the rest


def differences(mean: Tensor, variance: Tensor, running_mean: Tensor, running_var: Tensor) -> tuple[Tensor, Tensor]:
    """|difference of means| / sigma and the relative difference of variances, each (channels,); dead channels left out.

    A channel is dead where its stored variance is below a millionth of the layer's median.
    """
    alive = running_var > 1e-6 * running_var.median()
    if not alive.any():
        return torch.ones(1), torch.ones(1)
    mean, variance, running_mean, running_var = (t[alive] for t in (mean, variance, running_mean, running_var))
    return (mean - running_mean).abs() / running_var.sqrt(), (variance - running_var).abs() / running_var


def residuals(mean: Tensor, variance: Tensor, running_mean: Tensor, running_var: Tensor) -> Tensor:
    """Both differences of every live channel, capped at 1 and side by side: 0 where all agrees, (2 channels,)."""
    found = torch.cat(differences(mean, variance, running_mean, running_var)).nan_to_num(CAP, CAP, CAP)
    return found.clamp(max=CAP)


def standard_errors(best: Tensor, other: Tensor) -> float:
    """By how many standard errors, paired over channels, the other reading's residuals are larger than the best's."""
    if best.shape != other.shape:
        return math.inf
    more = other - best
    spread = float(more.std()) / math.sqrt(len(more)) if len(more) > 1 else 0.0
    return float(more.mean()) / max(spread, 1e-12)
