"""What many tests start from."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest
from hypothesis import settings

NUMBERS = itertools.count()

# The same code has the same outcome: new examples are looked for by hand, `pytest --hypothesis-profile=explore`.
settings.register_profile("steady", derandomize=True)
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
