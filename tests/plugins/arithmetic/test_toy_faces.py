"""What the arithmetic must show on the toy faces' generator, whose smiles and poses are known."""

from pathlib import Path

import pytest

import gan_probe

FOLDER = Path(__file__).resolve().parents[3] / "models" / "toy-faces-dcgan"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not FOLDER.exists(), reason="the models are not here")]


def test_a_smile_goes_from_long_hair_to_short_above_all_controls():
    report = gan_probe.run(
        FOLDER,
        "vector-arithmetic",
        judges="toy-faces:smile,toy-faces:hair",
        equations="smiling & long - neutral & long + neutral & short",
    )
    assert report.findings[0].startswith("Holds: ")


def test_the_faces_turn():
    report = gan_probe.run(FOLDER, "turn-vector", judge="toy-faces:pose", candidates=20_000)
    assert report.findings[0].startswith("Holds by the judge: from left to right")
