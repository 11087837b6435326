"""The Vendi score: the effective number of different samples in a set (Friedman and Dieng 2023)."""

from __future__ import annotations

import numpy as np

from gan_probe.errors import BadInputError
from gan_probe.measures.intervals import Estimate
from gan_probe.measures.rows import Rows


def vendi_score(features: np.ndarray) -> Estimate:
    """The exponential of the entropy of the eigenvalues of K / N, with K the cosines of N vectors (N, F); 1 to N.

    It grows with N: compare sets of one size. The interval, by the delta method from the influence of each sample, is
    one of the expected score *at this size*. Raises BadInputError for a single vector, and for values that are not
    finite.
    """
    from scipy.linalg import svd

    n = len(Rows(features))
    if n < 2:
        raise BadInputError("one sample has no variety: draw at least two")
    unit = features.astype(np.float64)
    length = np.sqrt(np.square(unit).sum(1, keepdims=True))
    # vectors of length 0 have no direction: together they are given one that no other has
    unit = np.concatenate([unit / np.where(length > 0, length, 1), length == 0], axis=1)
    left, singular, _ = svd(unit, full_matrices=False, overwrite_a=True, check_finite=False)
    share = np.square(singular) / n  # eigenvalues of K / N
    kept = share > n * np.finfo(np.float64).eps
    influence = -n * np.square(left[:, kept]) @ (share[kept] * np.log(share[kept]))  # its mean is the entropy
    entropy, error = float(influence.mean()), float(influence.std(ddof=1)) / np.sqrt(n)
    ends = (max(0.0, entropy - 1.96 * error), min(float(np.log(n)), entropy + 1.96 * error))
    value, low, high = (float(np.exp(found)) for found in (entropy, *ends))
    return Estimate(value, low, high, "delta method")
