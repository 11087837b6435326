"""The store of features: found again, whole or not at all, whatever happens to the process, the disk or the file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gan_probe.errors import OutputError
from gan_probe.features.store import ENTRY, LOCK, ROWS, SPARE, FeatureStore, digest_of

KEY = {"network": "n", "images": "i", "grid": 4}
COLUMNS = [("conv1", 0, 3), ("conv2", 3, 5)]
TABLE = np.random.default_rng(0).standard_normal((7, 5)).astype(np.float32)

# a process that makes 2,000 rows slowly: says when it has begun, and whether the store had them
WRITER = """
import pathlib, sys, time
import numpy as np
from gan_probe.features.store import FeatureStore

def rows():
    for i in range(200):
        if i == 20:
            print("writing", flush=True)
        time.sleep(float(sys.argv[2]))
        yield np.full((10, 1000), i, np.float32)

def make():
    return [("conv1", 0, 1000)], rows()

key = {"network": "n"}
array, entry, cached = FeatureStore(pathlib.Path(sys.argv[1])).get(
    key, make, rows=2000, waiting=lambda: print("waiting", flush=True))
print("had" if cached else "made", int(array.sum()), flush=True)
"""


class Maker:
    """Gives TABLE in blocks, and counts how often it was asked."""

    def __init__(self, table: np.ndarray = TABLE) -> None:
        self.asked = 0
        self.table = table

    def __call__(self):
        self.asked += 1
        return COLUMNS, (self.table[i : i + 3] for i in range(0, len(self.table), 3))


def get(store, make, key=KEY, **kwargs):
    return store.get(key, make, rows=len(TABLE), **kwargs)


def written(store):
    """Every file but the locks, by its path in the store."""
    return sorted(str(p.relative_to(store.root)) for p in store.root.rglob("*") if p.is_file() and p.name != LOCK)


def test_features_come_back_memory_mapped_without_being_made_again(store):
    make = Maker()
    first, entry, cached = get(store, make, about={"network": "trained D"})
    again, same, cached_again = get(store, make)
    assert (cached, cached_again, make.asked) == (False, True, 1)
    assert isinstance(again, np.memmap)
    assert not again.flags.writeable
    for array in (first, again):
        np.testing.assert_array_equal(array, TABLE)
    assert entry == same
    assert (entry.shape, entry.columns, entry.about) == ((7, 5), tuple(COLUMNS), {"network": "trained D"})
    np.testing.assert_array_equal(np.load(store.path(entry), allow_pickle=False), TABLE)


@pytest.mark.parametrize("other", [{"grid": 2}, {"images": "j"}, {"network": "m"}, {"more": None}])
def test_another_key_is_another_entry(store, other):
    make = Maker()
    get(store, make)
    assert not get(store, make, {**KEY, **other})[2]
    assert len(store.entries()) == make.asked == 2


def test_the_order_of_a_keys_values_does_not_count():
    assert digest_of({"a": 1, "b": [2, 3]}) == digest_of({"b": [2, 3], "a": 1})
    assert digest_of({"a": 1, "b": [2, 3]}) != digest_of({"a": 1, "b": [3, 2]})


def cut(path):
    os.truncate(path, path.stat().st_size - 1)


def lengthen(path):
    path.write_bytes(path.read_bytes() + b"\0")


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[-5] ^= 4
    path.write_bytes(content)


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("harm", [cut, lengthen, flip_a_bit, empty, Path.unlink])
@pytest.mark.parametrize("name", [ROWS, ENTRY])
def test_a_damaged_entry_is_made_anew(store, name, harm):
    make = Maker()
    _, entry, _ = get(store, make)
    harm(store.path(entry).with_name(name))
    array, _, cached = get(store, make)
    assert not cached
    assert make.asked == 2
    np.testing.assert_array_equal(array, TABLE)
    assert get(store, make)[2]


@pytest.mark.parametrize(
    "content", [b"[]", b"null", b"{}", b"\xff", b"[" * 100_000, b'{"columns": 3}', b'{"columns": [["a", 0, 1]]}']
)
def test_an_entry_that_is_none_of_ours_is_neither_used_nor_listed(store, content):
    make = Maker()
    _, entry, _ = get(store, make)
    store.path(entry).with_name(ENTRY).write_bytes(content)
    assert store.entries() == []
    assert not get(store, make)[2]


def test_an_entry_put_under_another_key_is_not_used(store):
    make = Maker()
    _, entry, _ = get(store, make)
    get(store, make, {"other": 1})
    (store.root / digest_of({"other": 1}) / ENTRY).write_bytes(store.path(entry).with_name(ENTRY).read_bytes())
    assert not get(store, make, {"other": 1})[2]


def test_an_error_while_extracting_leaves_no_entry(store):
    def make():
        def rows():
            yield TABLE[:3]
            raise KeyError("inside")

        return COLUMNS, rows()

    with pytest.raises(KeyError, match="inside"):
        get(store, make)
    assert written(store) == []
    assert not get(store, Maker())[2]


def test_too_few_rows_are_a_bug_that_is_told(store):
    with pytest.raises(ValueError, match="6 rows were made, not 7"):
        get(store, Maker(TABLE[:6]))
    assert written(store) == []


def writer(store, seconds_a_block):
    command = [sys.executable, "-c", WRITER, str(store.root), str(seconds_a_block)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_leaves_no_entry_and_nothing_that_stays(store, sign):
    with writer(store, 0.02) as process:
        assert process.stdout.readline() == "writing\n"
        process.send_signal(sign)
        process.wait()
    assert store.entries() == []
    assert store.leftovers() > 0
    with writer(store, 0) as process:
        assert process.communicate()[0].splitlines()[-1] == f"made {10_000 * sum(range(200))}"
    assert store.leftovers() == 0
    assert len(store.entries()) == 1


def test_two_processes_make_the_same_features_once(store):
    with writer(store, 0.005) as first, writer(store, 0.005) as second:
        outputs = [process.communicate()[0].split() for process in (first, second)]
    assert sorted(words[0] for words in outputs) == ["waiting", "writing"]
    assert sorted(words[-2] for words in outputs) == ["had", "made"]
    assert outputs[0][-1] == outputs[1][-1]


def test_a_full_disk_while_writing_is_one_line_and_leaves_no_entry(store):
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000)); sys.argv = ['', *sys.argv[1:]]\n"
    )
    command = [sys.executable, "-c", code + WRITER, str(store.root), "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "OutputError: cannot keep features: " in done.stderr.splitlines()[-1]
    assert "File too large; make room with" in done.stderr.splitlines()[-1]
    assert written(store) == []


def test_a_disk_with_too_little_room_is_told_before_anything_is_extracted(store, monkeypatch):
    free = SPARE + TABLE.nbytes - 1
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": free}))

    def make():
        def rows():
            pytest.fail("extracted")
            yield

        return COLUMNS, rows()

    with pytest.raises(
        OutputError, match=r"0\.0 GB are needed and 0\.3 GB free; make room with `gan-probe cache --clear`"
    ):
        get(store, make)
    free += 1
    get(store, Maker())


def test_a_store_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    what = r"cannot keep features: .*; make room with .* set GAN_PROBE_CACHE to another folder than .*file"
    with pytest.raises(OutputError, match=what):
        get(FeatureStore(tmp_path / "file" / "store"), Maker())


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser writes everywhere")
def test_a_folder_without_permission_is_one_line(tmp_path):
    (tmp_path / "store").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        get(FeatureStore(tmp_path / "store"), Maker())


def test_clearing_takes_what_was_named_and_what_was_left_but_nobody_elses_files(store):
    make = Maker()
    digests = [get(store, make, {"n": n})[1].digest for n in range(3)]
    left = store.root / ("0" * 64)
    left.mkdir()
    (left / ".features.npy.x.partial").write_bytes(b"123")
    foreign = store.root / "notes"
    foreign.mkdir()
    (foreign / "mine").write_text("precious")
    mapped = get(store, make, {"n": 1})[0]
    freed, in_use = store.clear([digests[1]])
    assert freed > TABLE.nbytes
    assert in_use == []
    assert {entry.digest for entry in store.entries()} == {digests[0], digests[2]}
    np.testing.assert_array_equal(mapped, TABLE)  # what is open stays readable
    assert store.leftovers() == 3
    store.clear()
    assert (written(store), store.entries(), store.leftovers()) == (["notes/mine"], [], 0)


def test_clearing_leaves_what_another_process_is_writing(store):
    with writer(store, 0.005) as process:
        assert process.stdout.readline() == "writing\n"
        assert store.clear() == (0, [digest_of({"network": "n"})])
        assert process.communicate()[0].startswith("made")


def test_entries_are_listed_the_latest_first_and_an_absent_store_is_empty(store):
    assert (store.entries(), store.leftovers(), store.clear()) == ([], 0, (0, []))
    for n in range(3):
        entry = get(store, Maker(), {"n": n})[1]
        path = store.path(entry).with_name(ENTRY)
        fields = json.loads(path.read_text()) | {"created": f"2026-01-0{n + 1}T00:00:00+00:00"}
        del fields["check"]
        path.write_text(json.dumps(fields | {"check": digest_of(fields)}))
    assert [entry.key["n"] for entry in store.entries()] == [2, 1, 0]


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({"GAN_PROBE_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, "/a/features"),
        ({"XDG_CACHE_HOME": "/b"}, "/b/gan-probe/features"),
        ({"HOME": "/c"}, "/c/.cache/gan-probe/features"),
    ],
)
def test_the_store_lies_in_the_users_cache(monkeypatch, variables, place):
    for name in ("GAN_PROBE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    store = FeatureStore.default()
    assert store.root == Path(place)
    assert store.required == ("GAN_PROBE_CACHE" in variables)


def test_a_description_that_cannot_be_written_fails_before_anything_is_extracted(store):
    make = Maker()
    with pytest.raises(TypeError):
        get(store, make, about={"gan": object()})
    assert make.asked == 0
