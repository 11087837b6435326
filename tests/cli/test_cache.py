"""`gan-probe cache`: what it lists, what it deletes, and how it fails."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.features import FeatureStore
from gan_probe.testing import tiny_gan

from .one_line import one_line

READER = """
from gan_probe import Analysis, Report, Table, hookimpl
from gan_probe.features import FeatureStore, extract
class A(Analysis):
    "Reads features."
    name = "reader"
    needs = frozenset({"layers", "data"})
    def run(self, gan, options, ctx):
        images = ctx.images(ctx.data.train, gan.card)
        found, = extract(gan, gan.discriminator, [images], ["conv1"], store=FeatureStore.default(), about={"a": "me"})
        return Report(tables=[Table("t", [{"cached": found.cached, "sum": float(found.array.sum())}])])
@hookimpl
def register_analyses():
    return [A]
"""


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_PROBE_CACHE", str(tmp_path / "cache"))
    return FeatureStore.default()


def add(store, n, rows=3):
    table = np.zeros((rows, 2000), np.float32)
    about = {"checkpoint": "faces", "network": f"no. {n}\x1b[2J", "data": "digits"}
    columns = [("conv1", 0, 1500), ("conv2", 1500, 2000)]
    return store.get({"n": n}, lambda: (columns, [table]), rows=rows, about=about)[1]


def test_an_empty_cache_says_so_and_where_it_is(gan_probe_command, store):
    assert gan_probe_command("cache") == (0, f"0 entries, 0 bytes, at {store.root}\n", "")
    assert gan_probe_command("cache", "--clear") == (0, f"freed 0 bytes at {store.root}\n", "")
    assert not store.root.exists()  # looking makes nothing


def test_entries_are_listed_with_what_they_are(gan_probe_command, store):
    one, _ = add(store, 1), add(store, 2, rows=6)
    code, out, err = gan_probe_command("cache")
    assert (code, err) == (0, "")
    line = next(line for line in out.splitlines() if one.digest[:12] in line)
    assert line.split("  ")[1] == r"faces no. 1\x1b[2J digits"
    assert line.split()[-7:] == ["conv1,conv2", "3", "2,000", "float32", "24.1", "kB", "now"]
    assert out.splitlines()[-1] == f"2 entries, 72.3 kB, at {store.root}"
    _, alone, _ = gan_probe_command("cache", one.digest[:8])
    assert alone.splitlines()[-1].startswith("1 entry, 24.1 kB")


def test_json_holds_what_an_entry_was_made_from(gan_probe_command, store):
    entry = add(store, 1)
    code, out, _ = gan_probe_command("cache", "--json")
    found = json.loads(out)
    assert (code, found["root"], found["bytes"], found["unfinished_bytes"]) == (0, str(store.root), entry.bytes, 0)
    (listed,) = found["entries"]
    assert (listed["digest"], listed["key"], listed["rows"]) == (entry.digest, {"n": 1}, 3)
    assert np.load(listed["path"]).shape == (3, 2000)


def test_clearing_by_first_characters_leaves_the_others(gan_probe_command, store):
    one, two = add(store, 1), add(store, 2)
    code, out, _ = gan_probe_command("cache", "--clear", one.digest[:10].upper())
    freed = float(out.removeprefix("freed ").split()[0])
    assert (code, out.split()[2]) == (0, "kB")
    assert freed * 1000 > one.bytes
    assert [entry.digest for entry in store.entries()] == [two.digest]
    assert gan_probe_command("cache", "--clear")[0] == 0
    assert store.entries() == []


@pytest.mark.parametrize("clear", [[], ["--clear"]])
def test_a_key_that_names_no_entry_or_several_is_refused(gan_probe_command, store, clear):
    add(store, 1)
    add(store, 2)
    for key, fault in (("zz", "no entry begins with 'zz'"), ("", "2 entries begin with ''")):
        code, _, err = gan_probe_command("cache", *clear, key)
        assert (code, err) == (2, f"gan-probe: {fault}; `gan-probe cache` lists them\n")
    assert len(store.entries()) == 2


def test_what_was_never_finished_is_told_and_cleared(gan_probe_command, store):
    left = store.root / ("0" * 64)
    left.mkdir(parents=True)
    (left / ".features.npy.x.partial").write_bytes(b"x" * 2_000_000)
    assert gan_probe_command("cache")[1].splitlines()[-1].startswith("2.0 MB more are unfinished")
    assert gan_probe_command("cache", "--clear")[1].startswith("freed 2.0 MB")
    assert store.leftovers() == 0


@pytest.mark.usefixtures("store")
def test_a_second_run_finds_the_features_of_the_first(gan_probe_command, install, tmp_path):
    install("reader", READER)
    save_checkpoint(tiny_gan(), tmp_path / "tiny.pt")

    def run():
        words = "run", "--plugin", "reader", tmp_path / "tiny.pt", "--data", "digits", "--json", "--force"
        code, out, err = gan_probe_command(*words, "--in-process")
        assert code == 0, err
        (row,) = json.loads(out)["analyses"][0]["tables"][0]["rows"]
        return row["cached"], row["sum"]

    first, second = run(), run()
    assert (first[0], second[0]) == (False, True)
    assert first[1] == second[1]
    assert " me " in gan_probe_command("cache")[1]


def test_a_store_that_the_user_chose_and_that_cannot_be_written_ends_the_run_with_one_line(
    gan_probe_command, install, store, tmp_path
):
    install("reader", READER)
    save_checkpoint(tiny_gan(), tmp_path / "tiny.pt")
    store.root.parent.write_text("in the way")
    code, _, err = gan_probe_command("run", "--plugin", "reader", tmp_path / "tiny.pt", "--data", "digits")
    assert code == 5
    said = one_line(err)
    assert "cannot keep features: " in said
    assert "set GAN_PROBE_CACHE to another folder" in said


def test_help_says_what_is_deleted(gan_probe_command):
    code, out, _ = gan_probe_command("cache", "--help")
    assert code == 0
    assert "Data sets that were downloaded there are neither listed nor deleted." in " ".join(out.split())
    assert "gan-probe cache --clear" in out
