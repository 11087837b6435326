"""Exemplars of concepts: what is written comes back, damage and strangers are refused in one line."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_probe import BadInputError
from gan_probe.annotations import Concepts, read_concepts

NAMES = st.text("ab1_-<>&'\"\\{é😀ע", min_size=1, max_size=20)
GOOD = {"checkpoint": "a" * 64, "seed": 0, "concepts": {"smiling woman": [77, 12, 40, 12], "man": []}}


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(NAMES, st.sets(st.integers(0, 99_999), max_size=5)), st.integers(0, 2**40))
def test_what_is_written_comes_back(exemplars, seed):
    concepts = Concepts("c" * 64, seed, {name: tuple(sorted(samples)) for name, samples in exemplars.items()})
    again = Concepts.from_dict(json.loads(json.dumps(concepts.to_dict())))
    assert again == concepts
    assert again.names == concepts.names


def test_exemplars_are_ascending_and_single(card, tmp_path):
    (tmp_path / "c.json").write_text(json.dumps(GOOD))
    concepts = read_concepts(tmp_path / "c.json", card, seed=0)
    assert concepts.of("smiling woman") == (12, 40, 77)
    assert concepts.of("man") == ()
    with pytest.raises(BadInputError, match="no concept 'woman' is marked; there are smiling woman, man"):
        concepts.of("woman")


@pytest.mark.parametrize(
    "damage",
    [
        {"checkpoint": "b" * 64},
        {"checkpoint": None},
        {"seed": 1},
        {"seed": None},
        {"seed": True},
        {"concepts": []},
        {"concepts": {"a": 3}},
        {"concepts": {"a": [-1]}},
        {"concepts": {"a": [1.5]}},
        {"concepts": {"a": [100_000]}},
        {"concepts": {"": [1]}},
        {"concepts": {"a\u202eb\n": [1]}},
        {"concepts": {"a" * 101: [1]}},
    ],
    ids=repr,
)
def test_damage_and_strangers_are_refused_in_one_line_that_names_the_file(damage, card, tmp_path, refused):
    path = tmp_path / "c.json"
    path.write_text(json.dumps(GOOD | damage))
    assert refused(read_concepts, path, card, 0).startswith("c.json: ")
