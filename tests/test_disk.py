from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gan_probe import disk
from gan_probe.errors import OutputError

HOLDER = """
import pathlib, sys, time
from gan_probe import disk
with disk.locked(pathlib.Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


def test_a_file_appears_whole_with_ordinary_permissions(tmp_path: Path) -> None:
    disk.write_text(tmp_path / "a", "é\udc80")
    assert (tmp_path / "a").read_text("utf-8") == "é\\udc80"
    (tmp_path / "ordinary").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_an_error_while_writing_leaves_what_was_there(tmp_path: Path) -> None:
    disk.write_bytes(tmp_path / "a", b"old")

    def write_and_fail() -> None:
        with disk.replacing(tmp_path / "a") as file:
            file.write(b"new")
            raise KeyError

    with pytest.raises(KeyError):
        write_and_fail()
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a", b"old")]


def test_a_full_disk_is_one_line_and_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk.write_bytes(tmp_path / "a", b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"cannot write .*a: No space left on device$"):
        disk.write_bytes(tmp_path / "a", b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a", b"old")]


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file"):
        disk.write_bytes(tmp_path / "no" / "a", b"")


def test_a_lock_is_held_by_one_and_given_back(tmp_path: Path) -> None:
    with disk.locked(tmp_path / "lock") as file:
        file.write(b"kept")
        with pytest.raises(OutputError, match="in use by another run"), disk.locked(tmp_path / "lock"):
            pass
    with disk.locked(tmp_path / "lock") as file:
        assert file.read() == b"kept"


def test_a_killed_run_leaves_no_stale_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(OutputError, match="in use"), disk.locked(path):
            pass
        holder.kill()
    with disk.locked(path):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="flock is of Unix")
def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with pytest.warns(UserWarning, match="has no locks"), disk.locked(tmp_path / "lock"):
        pass


def test_a_lock_does_not_follow_a_link(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    (tmp_path / "lock").symlink_to(tmp_path / "mine")
    with pytest.raises(OutputError), disk.locked(tmp_path / "lock"):
        pass


def test_a_lock_can_be_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        told: list[None] = []

        def waiting() -> None:
            told.append(None)
            holder.kill()

        with disk.locked(path, waiting):
            assert len(told) == 1
        with disk.locked(path, waiting):
            assert len(told) == 1  # nobody holds it
