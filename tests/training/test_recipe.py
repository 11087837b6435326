import dataclasses
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_probe.dcgan import PAPER, Guidelines
from gan_probe.errors import BadInputError
from gan_probe.options import declared, parse_options
from gan_probe.training import Recipe


def test_the_defaults_are_the_papers() -> None:
    recipe = Recipe()
    assert (recipe.batch_size, recipe.learning_rate, recipe.z_size, recipe.z_distribution) == (
        128,
        2e-4,
        100,
        "uniform",
    )
    assert (recipe.width, recipe.kernel, recipe.depth, recipe.conditional) == (128, 5, 1, False)
    assert (recipe.updates, recipe.l2, recipe.ema, recipe.value_range) == ("both", 0.0, 0.0, (-1.0, 1.0))
    assert recipe.guidelines == PAPER
    assert Guidelines("strides", "paper", 0, "leaky_relu", "tanh", 1e-5, True, False, False) == PAPER


def test_the_release_alternates_has_an_l2_term_and_a_smaller_eps() -> None:
    recipe = Recipe(recipe="release")
    assert (recipe.updates, recipe.l2, recipe.kernel, recipe.width) == ("alternate", 1e-5, 5, 128)
    assert recipe.guidelines == Guidelines(eps=1e-8, by_unit=True)


def test_the_releases_conditional_model_is_the_one_for_mnist() -> None:
    recipe = Recipe(recipe="release", conditional=True)
    assert (recipe.l2, recipe.width, recipe.value_range) == (2.5e-5, 64, (0.0, 1.0))
    assert recipe.guidelines == Guidelines(
        dense=1024, output="sigmoid", eps=1e-8, affine=False, by_unit=True, labels_everywhere=True
    )


@pytest.mark.parametrize(
    "given",
    [{"l2": 0.0}, {"l2": 3e-4}, {"width": 7}, {"dense": 0}, {"updates": "both"}, {"output": "tanh"}],
)
def test_what_is_given_wins_over_the_recipes_default(given: dict[str, object]) -> None:
    recipe = Recipe(recipe="release", conditional=True, **given)  # type: ignore[arg-type]
    assert {name: getattr(recipe, name) for name in given} == given
    default = dataclasses.asdict(Recipe(recipe="release", conditional=True))
    assert dataclasses.asdict(recipe) == default | given


@given(
    st.sampled_from(["paper", "release"]),
    st.booleans(),
    st.none() | st.floats(0, 1),
    st.none() | st.sampled_from(["both", "alternate"]),
)
def test_a_recipe_is_made_again_from_its_own_values(
    name: str, conditional: bool, l2: float | None, updates: str | None
) -> None:
    recipe = Recipe(recipe=name, conditional=conditional, l2=l2, updates=updates)  # type: ignore[arg-type]
    values = dataclasses.asdict(recipe)
    assert [key for key, value in values.items() if value is None] == ["image_size"]
    assert Recipe(**values) == recipe == dataclasses.replace(recipe)


def test_every_field_is_an_option_of_the_command_line() -> None:
    assert {d.name for d in declared(Recipe)} == set(Recipe.__dataclass_fields__)
    assert parse_options(Recipe, {"epochs": "3", "learning_rate": "1e-3"}) == Recipe(epochs=3, learning_rate=1e-3)


@pytest.mark.parametrize(
    "bad",
    [
        {"epochs": 0},
        {"width": 0},
        {"kernel": 7},
        {"batch_size": 1},
        {"learning_rate": -1.0},
        {"learning_rate": 2.0},
        {"learning_rate": float("nan")},
        {"z_distribution": "cauchy"},
        {"conditional": "yes"},
        {"recipe": "stylegan"},
        {"l2": -1e-5},
        {"ema": 1.0},
        {"updates": "twice"},
        {"batch_norm": "some"},
        {"dense": -1},
        {"decay_epochs": 26},
    ],
)
def test_a_senseless_recipe_is_refused_by_name(bad: dict[str, object]) -> None:
    with pytest.raises(BadInputError, match="--" + next(iter(bad)).replace("_", "-")):
        Recipe(**bad)  # type: ignore[arg-type]


def test_both_networks_learn_at_every_step_or_by_turns() -> None:
    assert [Recipe().turn(step) for step in (1, 2, 3)] == ["both"] * 3
    turns = [Recipe(recipe="release").turn(step) for step in (1, 2, 3, 4)]
    assert turns == ["generator", "discriminator", "generator", "discriminator"]


def test_the_learning_rate_falls_as_in_the_release() -> None:
    recipe = Recipe(epochs=200, decay_epochs=100, learning_rate=2e-4)
    # mnist/train_cond_dcgan.py: behind epoch 101 and each later one, a hundredth of the rate is taken off
    rate, expected = 2e-4, []
    for epoch in range(1, 201):
        expected.append(rate)
        if epoch > 100:
            rate -= 2e-4 / 100
    assert [recipe.rate(done) for done in range(200)] == pytest.approx(expected)
    assert {Recipe(epochs=9).rate(done) for done in range(9)} == {2e-4}


def test_the_learning_rate_falls_within_an_epoch_too() -> None:
    recipe = Recipe(epochs=3, decay_epochs=1, learning_rate=2e-4)
    assert [recipe.rate(done) for done in (0, 2, 2.25, 2.5, 3)] == pytest.approx([2e-4, 2e-4, 1.5e-4, 1e-4, 0])


def test_importing_the_recipe_imports_no_torch() -> None:
    code = "import sys, gan_probe.training; sys.exit(any(m in sys.modules for m in ('torch', 'numpy', 'matplotlib')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
