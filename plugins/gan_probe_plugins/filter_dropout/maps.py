"""Which feature maps draw the object: a logistic regression over the positions of one layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gan_probe import BadInputError

if TYPE_CHECKING:
    from gan_probe.gan import Layer, Net

# The paper gives no penalty. Neighbouring maps say the same: under a weak one, a map that draws the object may get a
# negative weight because another draws it too, and stays when the other goes. Under this one each speaks for itself:
# of 0.1 and 1, the one under which toy-rooms-dcgan lost more windows to the same number of maps of deconv1.
PENALTY = 1.0  # lambda in: mean log-loss + lambda / 2 |w|^2, on maps of standard deviation 1
INSIDE = 0.5  # the share of a position that a box must cover


@dataclass(frozen=True, eq=False)
class Model:
    """The regression: `weights` (C,) of maps divided by their deviation `scale` (C,), fitted to n positions."""

    weights: np.ndarray
    intercept: float
    scale: np.ndarray
    n: int

    @property
    def order(self) -> np.ndarray:
        """The maps (C,), the strongest first."""
        return np.argsort(-self.weights, kind="stable")

    @property
    def positive(self) -> int:
        """How many maps have a weight above zero: the paper drops them all."""
        return int((self.weights > 0).sum())

    def probability(self, maps: np.ndarray) -> np.ndarray:
        """The probability (N, H, W) of each position of maps (N, C, H, W) to lie on the object."""
        from scipy.special import expit

        logits = np.einsum("nchw,c->nhw", maps, self.weights / self.scale) + self.intercept
        return np.asarray(expit(logits))


def chosen_layer(net: Net, name: str | None) -> Layer:
    """The layer named, or the second highest convolution: the last but one of the hidden layers that have positions.

    The paper's 64-pixel G has 1024, 512, 256 and 128 maps below its image, and 200 maps were dropped: more than the
    highest hidden layer has, so that the output is not among those counted.
    """
    hidden = [layer for layer in net.layers[:-1] if layer.size > 1]
    if not hidden:
        raise BadInputError("no layer of this generator has maps with positions that could be dropped")
    if name is None:
        return hidden[-2:][0]
    for layer in hidden:
        if layer.name == name:
            return layer
    raise BadInputError(
        f"--layer {name!r} is not a hidden layer with positions; take {', '.join(x.name for x in hidden)}"
    )


def inside(cover: np.ndarray) -> np.ndarray:
    """The positions (N, H, W) bool that lie in a box by half; where none of an image does, the one that most does."""
    most = cover.max(axis=(1, 2), keepdims=True)
    return np.asarray((cover >= np.minimum(INSIDE, most)) & (cover > 0))


def fit(maps: np.ndarray, cover: np.ndarray, rng: np.random.Generator) -> Model:
    """Fit to maps (N, C, H, W) whose positions lie in boxes as far as `cover` (N, H, W) says, 0..1.

    Positions inside are positive; as many random ones of the same image that no box touches are negative. Raises
    BadInputError where boxes leave no position free.
    """
    from sklearn.linear_model import LogisticRegression

    rows, labels = [], []
    for own, mask, share in zip(maps, inside(cover), cover, strict=True):
        positive, free = own[:, mask].T, own[:, share == 0].T  # (positions, C)
        if not len(free):
            continue
        rows += [positive, free[rng.choice(len(free), len(positive), replace=len(free) < len(positive))]]
        labels += [np.ones(len(positive)), np.zeros(len(positive))]
    if not rows:
        raise BadInputError(
            "the boxes cover whole samples: there is nothing to tell the object from; draw them tighter"
        )
    x, y = np.concatenate(rows).astype(np.float64), np.concatenate(labels)
    deviation = x.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1)
    fitted = LogisticRegression(C=1 / (PENALTY * len(x)), max_iter=1000).fit(x / scale, y)
    weights = np.where(deviation > 0, fitted.coef_[0], 0)
    return Model(weights, float(fitted.intercept_[0]), scale, len(x))
