"""The data set `stripes`: two classes that anything can tell apart, good for trying an analysis."""

from gan_probe import hookimpl
from gan_probe.data import Data, DatasetSource, Split


def stripes(request):
    """Forty images to train on and forty to test; `request` says where sets lie and whether to download."""
    import numpy as np

    del request  # these are made, not read
    images = np.zeros((80, 16, 16, 1), np.uint8)
    images[::2, ::2] = 255
    labels = np.arange(80) % 2
    parts = (
        Split.from_arrays(name, images[part], labels[part], ("striped", "black"))
        for name, part in (("train", slice(40)), ("test", slice(40, None)))
    )
    return Data("stripes", *parts)


@hookimpl
def register_datasets():
    """One line for `gan-probe data`, and the function that opens the set."""
    return [DatasetSource("stripes", "80 grey images, striped or black, 16x16", stripes)]
