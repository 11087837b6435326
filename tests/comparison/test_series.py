"""Which checkpoints an argument stands for, and in what order."""

from dataclasses import replace

import pytest

from gan_probe import BadInputError
from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.comparison import check_several, named, telling
from gan_probe.testing import tiny_gan


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Makes empty files by name in an empty working directory."""
    monkeypatch.chdir(tmp_path)

    def make(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    return make


def seen(*arguments):
    return [(one.name, one.moment) for one in named(arguments)]


def test_a_trainings_folder_stands_for_its_snapshots_in_the_order_of_epochs(files):
    files(*(f"run-training/checkpoints/epoch-{e}.pt" for e in ("10", "0.5", "2", "1e+03")), "run-training/index.html")
    expected = [("epoch-0.5", 0.5), ("epoch-2", 2), ("epoch-10", 10), ("epoch-1e+03", 1000)]
    assert seen("run-training") == expected
    assert seen("run-training/checkpoints") == expected


def test_pairs_of_files_are_ordered_by_number_and_the_one_without_comes_last(files):
    files(*(f"w/{role}{n}.pt" for role in ("generator", "discriminator") for n in ("", "05", "11", "2", "40")))
    assert seen("w") == [
        ("generator2", 2),
        ("generator05", 5),
        ("generator11", 11),
        ("generator40", 40),
        ("generator", None),
    ]
    second = named(("w",))[1]
    assert (second.generator.name, second.discriminator.name) == ("generator05.pt", "discriminator05.pt")


def test_snapshots_given_one_by_one_are_put_in_order(files):
    files("a/epoch-10.pt", "a/epoch-5.pt")
    assert seen("a/epoch-10.pt", "a/epoch-5.pt") == [("epoch-5", 5), ("epoch-10", 10)]


def test_numbers_that_speak_of_no_time_order_nothing(files):
    files("seed2.pt", "seed1.pt")
    assert seen("seed2.pt", "seed1.pt") == [("seed2", None), ("seed1", None)]


def test_snapshots_of_two_trainings_bear_their_folders_and_share_no_time(files):
    files(*(f"{run}/checkpoints/epoch-{e}.pt" for run in "ab" for e in (1, 2)))
    assert [name for name, _ in seen("a", "b")] == [
        "a/epoch-1",
        "a/epoch-2",
        "b/epoch-1",
        "b/epoch-2",
    ]
    assert {moment for _, moment in seen("a", "b")} == {None}


def test_two_files_are_one_checkpoint_with_a_plus_between(files):
    files("g.pt", "d.pt", "odd+name.pt")
    (pair, whole) = named(("g.pt+d.pt", "odd+name.pt"))
    assert (pair.generator.name, pair.discriminator.name) == ("g.pt", "d.pt")
    assert whole.path == "odd+name.pt"


def test_the_same_checkpoint_twice_gets_two_names(files):
    files("a.pt", "b/a.pt")
    assert [name for name, _ in seen("a.pt", "a.pt")] == ["a", "a (2)"]
    assert len({name for name, _ in seen("a.pt", "b/a.pt")}) == 2


def test_a_folder_that_is_one_checkpoint_stays_one(files):
    files("m/model.safetensors", "m/README.md", "pair/generator.pt", "pair/discriminator.pt")
    assert seen("m", "pair") == [("m", None), ("pair", None)]


@pytest.mark.parametrize("argument", ["absent.pt", "g.pt+absent.pt"])
def test_what_is_missing_is_said_before_anything_runs(files, argument, refused):
    files("g.pt")
    assert "no such file" in refused(named, ("g.pt", argument))


def trained(path, epochs, data=""):
    gan = tiny_gan(0)
    gan.card = replace(gan.card, training={"epochs": epochs}, training_data=data)
    save_checkpoint(gan, path)


def test_what_the_training_ended_with_is_the_last_of_its_snapshots(files, tmp_path):
    files("a-training/checkpoints/epoch-1.pt", "a-training/checkpoints/epoch-2.pt")
    trained(tmp_path / "a.pt", 5)
    assert seen("a-training") == [("epoch-1", 1), ("epoch-2", 2), ("epoch-5 (a.pt)", 5)]
    assert {(one.training, one.ended.name) for one in named(("a-training",))} == {("a", "a.pt")}
    assert seen("a-training/checkpoints") == seen("a-training")


def test_one_snapshot_and_what_came_of_it_are_a_series(files, tmp_path):
    files("a-training/checkpoints/epoch-1.pt")
    trained(tmp_path / "a.pt", 2)
    assert seen("a-training") == [("epoch-1", 1), ("epoch-2 (a.pt)", 2)]


@pytest.mark.parametrize("epochs", [2, 1])
def test_the_end_that_is_a_snapshot_already_or_is_of_an_earlier_training_does_not_join(files, tmp_path, epochs):
    files("a-training/checkpoints/epoch-1.pt", "a-training/checkpoints/epoch-2.pt")
    trained(tmp_path / "a.pt", epochs)
    assert seen("a-training") == [("epoch-1", 1), ("epoch-2", 2)]


def test_where_a_snapshots_card_is_silent_the_end_tells_the_data(tmp_path):
    trained(tmp_path / "a.pt", 2, "digits")
    silent, speaking = tiny_gan(1), tiny_gan(2)
    for gan, data in ((silent, ""), (speaking, "mnist")):
        gan.card = replace(gan.card, training_data=data)
    assert telling(silent, tmp_path / "a.pt").card.training_data == "digits"
    assert telling(speaking, tmp_path / "a.pt") is speaking
    assert telling(silent, None) is silent
    (tmp_path / "a.pt").write_bytes(b"damaged")
    assert telling(silent, tmp_path / "a.pt") is silent


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ([], "no snapshots are in f: "),
        (["f/index.html", "f/report.json"], "no snapshots are in f: "),
        (["f/checkpoints/epoch-1.pt"], "one snapshot alone is in f: "),
        (["f/model.safetensors"], "only f is named"),
    ],
)
def test_a_folder_of_no_series_is_told_from_a_checkpoint(files, tmp_path, refused, there, said):
    (tmp_path / "f").mkdir()
    files(*there)
    assert said in refused(check_several, named(("f",)))


def test_one_checkpoint_is_nothing_to_compare(files):
    files("a.pt")
    with pytest.raises(BadInputError, match="only a is named"):
        check_several(named(("a.pt",)))
