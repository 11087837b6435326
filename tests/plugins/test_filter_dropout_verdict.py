"""What filter-dropout's tables come to, in words."""

import pytest

from gan_probe import Table
from gan_probe_plugins.filter_dropout.verdict import verdicts


def tables(chosen, random, difference, kept=(0.9, 0.3)):
    """The three tables, of a fall by the chosen maps, by random ones, and of the difference (low, high)."""

    def row(name, values):
        return {"dropped": name, **dict(zip(("fewer", "at least", "at most"), values, strict=True))}

    def stays(thing, dropped, share):
        low, high = (None, None) if share is None else (share - 0.1, share + 0.1)
        return {"object": thing, "dropped": dropped, "kept": share, "low": low, "high": high, "n": 523}

    return [
        Table("forgotten", [row("none", [None] * 3), row("2 strongest", chosen), row("2 random", random)]),
        Table("against-random", [{"dropped": "2 strongest", "low": difference[0], "high": difference[1], "n": 1000}]),
        Table(
            "kept",
            [
                stays(thing, dropped, share if dropped == "2 strongest" or share is None else 0.8)
                for thing, share in zip(("bed", "lamp"), kept, strict=True)
                for dropped in ("2 strongest", "2 random")
            ],
        ),
    ]


@pytest.mark.parametrize(
    ("chosen", "random", "difference", "says"),
    [
        ((0.8, 0.7, 0.9), (0.1, 0.0, 0.2), (0.3, 0.5), "Holds: without the 2 strongest maps 80% fewer samples show a"),
        ((0.1, -0.1, 0.3), (-0.4, -0.5, -0.3), (0.1, 0.4), "Undecided: "),  # random maps add: no merit of the chosen
        ((0.1, 0.0, 0.2), (0.8, 0.7, 0.9), (-0.6, -0.3), "Fails: "),
    ],
)
def test_it_holds_where_the_object_goes_and_more_than_by_chance(chosen, random, difference, says):
    (said,) = verdicts(tables(chosen, random, difference), {"2 strongest": 2}, "window")
    assert said.startswith(says)
    assert f" a window ({chosen[1]:.0%} to {chosen[2]:.0%}), n = 1,000; without 2 random ones " in said
    assert "the lamp fares worst (n = 523): 30% (20% to 40%) stay; without 2 random maps 80% (70% to 90%) do." in said


def test_a_rise_is_told_as_one_with_its_interval_turned_round():
    (said,) = verdicts(tables((0.1, -0.1, 0.3), (-0.4, -0.5, -0.3), (0.1, 0.4)), {"2 strongest": 2}, "window")
    assert (
        "10% fewer samples show a window (-10% to 30%), n = 1,000; without 2 random ones 40% more (30% to 50%)." in said
    )


def test_of_what_no_sample_shows_nothing_is_said():
    found = tables((0.8, 0.7, 0.9), (0.1, 0.0, 0.2), (0.3, 0.5), kept=(0.9, None))
    assert "the bed fares worst (n = 523): 90% " in verdicts(found, {"2 strongest": 2}, "window")[0]
    none = tables([None] * 3, [None] * 3, (0.0, 0.0))
    assert verdicts(none, {"2 strongest": 2}, "window") == [
        "Undecided: none of 1,000 samples shows a window to the judge."
    ]


def test_a_single_map_is_one():
    found = [
        Table(t.name, [{c: str(v).replace("2 ", "1 ") if c == "dropped" else v for c, v in r.items()} for r in t.rows])
        for t in tables((0.8, 0.7, 0.9), (0.1, 0.0, 0.2), (0.3, 0.5))
    ]
    (said,) = verdicts(found, {"1 strongest": 1}, "window")
    assert said.startswith("Holds: without the strongest map 80% fewer ")
    assert "without 1 random one 10% fewer" in said
