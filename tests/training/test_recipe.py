import subprocess
import sys

import pytest

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
    ],
)
def test_a_senseless_recipe_is_refused_by_name(bad: dict[str, object]) -> None:
    with pytest.raises(BadInputError, match="--" + next(iter(bad)).replace("_", "-")):
        Recipe(**bad)  # type: ignore[arg-type]


def test_importing_the_recipe_imports_no_torch() -> None:
    code = "import sys, gan_probe.training; sys.exit(any(m in sys.modules for m in ('torch', 'numpy', 'matplotlib')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
