"""Named feature spaces, in which samples are measured: `pixels`, a discriminator's layer, a graph of the user's."""

from gan_probe.feature_space.names import SPACES, open_or_pixels, open_space, space_for
from gan_probe.feature_space.space import FeatureSpace

__all__ = ["SPACES", "FeatureSpace", "open_or_pixels", "open_space", "space_for"]
