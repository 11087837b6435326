"""Arithmetic on concepts: what an equation says, whose samples it takes, and what becomes of their latents."""

from gan_probe.arithmetic.equation import implied, parse_concept, parse_equation
from gan_probe.arithmetic.exemplars import disjoint_draws
from gan_probe.arithmetic.plausible import Plausible, nearest
from gan_probe.arithmetic.response import bootstrap_means, rises, spearman
from gan_probe.arithmetic.sums import neighbours, pixel_sum, rescaled, signed_sum

__all__ = [
    "Plausible",
    "bootstrap_means",
    "disjoint_draws",
    "implied",
    "nearest",
    "neighbours",
    "parse_concept",
    "parse_equation",
    "pixel_sum",
    "rescaled",
    "rises",
    "signed_sum",
    "spearman",
]
