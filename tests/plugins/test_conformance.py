"""Every built-in analysis keeps the contract that strangers' are held to."""

from pathlib import Path

import pytest

from gan_probe.plugins import host
from gan_probe.testing import check_analysis

BOXES = str(Path(__file__).with_name("boxes.json"))  # drawn on a dozen samples of 16 pixels
CONCEPTS = str(Path(__file__).with_name("concepts.json"))  # of a few of the same

# what makes each quick on a tiny GAN; an analysis that is not here is run as it comes
OPTIONS = {
    "collapse": {"feature_space": "pixels", "judge": "none", "most": 128},
    "dedup": {"steps": 5, "planted": 10},
    "directions": {"count": 2, "samples": 30, "tried": 8},
    "filter-dropout": {"boxes": BOXES, "samples": 50, "draws": 2, "feature_space": "pixels"},
    "linear-probe": {"c": (1e-3,), "store": False},
    "nearest-neighbors": {"count": 30, "feature_space": "pixels", "shift": 1},
    "nn-classifier": {"sizes": (20, 150)},
    "quality": {"feature_space": "pixels"},
    "samples": {"count": 9},
    "turn-vector": {"concepts": CONCEPTS, "ends": "dark,light", "latents": 5},
    "vector-arithmetic": {"concepts": CONCEPTS, "equations": "dark - light + round"},
}


@pytest.mark.parametrize(
    "name", sorted(n for n, r in host().analyses.items() if r.distribution.startswith("gan-probe "))
)
def test_a_built_in_keeps_the_contract(name):
    check_analysis(host().find(name).analysis, **OPTIONS.get(name, {}))
