"""What many tests start from."""

from __future__ import annotations

import io
import itertools
import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

from gan_probe.errors import BadInputError

NUMBERS = itertools.count()
collect_ignore = ["sample_plugin"]  # its tests run where it is installed: test_sample_plugin.py

# Where the suite runs in the background of a script, Ctrl-C is ignored, by the commands that tests start and stop, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same code has the same outcome, on a busy machine too. New examples are looked for by hand:
# `pytest --hypothesis-profile=explore`.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("explore", derandomize=False, max_examples=1000, deadline=None)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real images and other people's checkpoints, used in place; the test skips where it is absent."""
    folder = Path(os.environ.get("GAN_PROBE_SHARED") or Path(__file__).resolve().parents[2] / "shared")
    if not folder.is_dir():
        pytest.skip("the shared images and checkpoints are not here: set GAN_PROBE_SHARED to their folder")
    return folder


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Nothing that a test keeps on disk lands among the user's own."""
    kept = os.environ.get("GAN_PROBE_CACHE")
    os.environ["GAN_PROBE_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if kept is None:
        del os.environ["GAN_PROBE_CACHE"]
    else:
        os.environ["GAN_PROBE_CACHE"] = kept


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a plugin as pip would: `install(name, source)` puts a module and its metadata on the import path."""
    from gan_probe.plugins import host

    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def write(name: str, source: str, entry_point: str = "", distribution: str = "") -> Path:
        module = f"probe_test_{name.replace('-', '_')}_{next(NUMBERS)}"  # a module is imported once in a process
        distribution = distribution or f"{name}-dist"
        (site / f"{module}.py").write_text(source, encoding="utf-8")
        info = site / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[gan_probe]\n{name} = {entry_point or module}\n")
        host.cache_clear()
        return site

    yield write
    host.cache_clear()


@pytest.fixture
def gan_probe_command(tmp_path, monkeypatch, capsys):
    """Runs the command line in this process, in an empty folder: returns (exit code, stdout, stderr)."""
    from gan_probe import cli

    folder = tmp_path / "cwd"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run(*arguments: object) -> tuple[int, str, str]:
        words = [str(a) for a in arguments]
        monkeypatch.setattr("sys.argv", ["gan-probe", *words])
        code = cli.execute(words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def quick_processes(monkeypatch):
    """Processes forked from one that has imported torch, not started from nothing: seconds become tenths.

    They have the environment of the first that was started.
    """
    if os.name == "posix":
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["torch", "sklearn.datasets", "matplotlib.figure", "gan_probe.runner"])
        monkeypatch.setattr(multiprocessing, "get_context", lambda _: context)


@pytest.fixture
def refused() -> Callable[..., str]:
    """Call a function that must raise BadInputError; returns its message, one printable line of at most 200."""

    def check(function: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
        with pytest.raises(BadInputError) as caught:
            function(*args, **kwargs)
        message = str(caught.value)
        assert message.isprintable()
        assert len(message) <= 200
        return message

    return check


@pytest.fixture
def png() -> Callable[..., bytes]:
    """Encode an image: pixels (H, W) or (H, W, 3) uint8, or a level that fills 8x8 pixels."""

    def encode(pixels: Any = 0, format: str = "PNG") -> bytes:  # noqa: A002  # Pillow's own word
        array = np.full((8, 8), pixels, np.uint8) if np.isscalar(pixels) else np.asarray(pixels)
        file = io.BytesIO()
        Image.fromarray(array).save(file, format)
        return file.getvalue()

    return encode


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[dict[str, bytes]], Path]:
    """Write files by relative name into a folder `set`."""

    def write(files: dict[str, bytes]) -> Path:
        root = tmp_path / "set"
        root.mkdir(exist_ok=True)
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        return root

    return write
