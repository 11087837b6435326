"""What filter-dropout's tables come to, in words."""

import pytest

from gan_probe import Table
from gan_probe_plugins.filter_dropout.verdict import verdicts


def tables(chosen, random, difference):
    """The three tables, of a fall by the chosen maps, by random ones, and of the difference (low, high)."""

    def row(name, values):
        return {"dropped": name, **dict(zip(("fewer", "at least", "at most"), values, strict=True))}

    return [
        Table("forgotten", [row("none", [None] * 3), row("2 strongest", chosen), row("2 random", random)]),
        Table("against-random", [{"dropped": "2 strongest", "low": difference[0], "high": difference[1]}]),
        Table("kept", [{"object": o, "dropped": "2 strongest", "kept": k} for o, k in (("bed", 0.9), ("lamp", 0.3))]),
    ]


@pytest.mark.parametrize(
    ("chosen", "random", "difference", "says"),
    [
        ((0.8, 0.7, 0.9), (0.1, 0.0, 0.2), (0.3, 0.5), "Holds: without the 2 strongest maps 80% fewer samples show a"),
        ((0.1, -0.1, 0.3), (-0.4, -0.5, -0.3), (0.1, 0.4), "Undecided: "),  # random maps add: no merit of the chosen
        ((0.1, 0.0, 0.2), (0.8, 0.7, 0.9), (-0.6, -0.3), "Fails: "),
        ((None, None, None), (None, None, None), (0.0, 0.0), "Undecided: none of the samples shows a window"),
    ],
)
def test_it_holds_where_the_object_goes_and_more_than_by_chance(chosen, random, difference, says):
    (said,) = verdicts(tables(chosen, random, difference), {"2 strongest": 2}, "window")
    assert said.startswith(says)
    assert chosen[0] is None or said.endswith("the lamp fares worst: 30% of them stay.")
