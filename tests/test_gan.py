"""The GAN handle and its card."""

import json

import numpy as np
import pytest
import torch

from gan_probe import BadInputError, Card
from gan_probe.testing import tiny_gan

CARD = tiny_gan().card


def test_a_card_survives_json():
    assert Card.from_dict(json.loads(json.dumps(CARD.to_dict()))) == CARD


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", 5),
        ("licence", {}),
        ("training_data", ["x"]),
        ("sha256", None),
        ("classes", (1, 2)),
        ("classes", "ab"),
        ("assumed", [["x"]]),
        ("training", ["x"]),
        ("training", {"data": {1, 2}}),
        ("training", {"loss": float("nan")}),
        ("value_range", ["0", "1"]),
        ("value_range", [0]),
        ("value_range", [0, 10**400]),
        ("value_range", [1, -1]),
        ("z_distribution", ["x" * 500]),
        ("generator", 5),
        ("discriminator", ["conv"]),
        ("image_size", "16"),
        ("z_size", 0),
        ("colour", "red"),
    ],
)
def test_a_field_of_a_wrong_type_is_named_in_one_line(field, value):
    with pytest.raises(BadInputError) as caught:
        Card.from_dict(CARD.to_dict() | {field: value})
    assert len(str(caught.value)) <= 200
    assert "\n" not in str(caught.value)


Z = torch.zeros(3, 8)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"z": np.zeros((3, 8), np.float32)}, "ndarray float32"),
        ({"z": [[0.0] * 8]}, "list"),
        ({"z": Z.long()}, "int64"),
        ({"z": torch.zeros(3, 7)}, "(3, 7)"),
        ({"z": torch.zeros(8)}, "(8,)"),
        ({"labels": None}, "pass labels"),
        ({"labels": torch.tensor([0, 1, 4])}, "below 4"),
        ({"labels": torch.tensor([0, 1, -1])}, "from -1"),
        ({"labels": torch.tensor([0.0, 1, 2])}, "float32"),
        ({"labels": torch.tensor([True, False, True])}, "bool"),
        ({"labels": np.array([0, 1, 2])}, "ndarray int64"),
        ({"labels": torch.tensor([0, 1])}, "(2,)"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 1.5}, "batch_size"),
    ],
)
def test_what_a_generator_cannot_take_is_said_in_one_line(change, words):
    arguments = {"z": Z, "labels": torch.tensor([0, 1, 2]), "batch_size": 2} | change
    with pytest.raises(BadInputError) as caught:
        tiny_gan(classes=4).sample(**arguments)
    assert words in str(caught.value)
    assert len(str(caught.value)) <= 200


def test_float64_latents_and_int32_labels_are_taken():
    gan, labels = tiny_gan(classes=4), torch.tensor([0, 1, 2])
    assert torch.equal(gan.sample(Z.double(), labels.int()), gan.sample(Z, labels))
