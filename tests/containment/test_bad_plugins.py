"""Whatever one plugin does, first, in the middle or last: the others' results are those of a run without it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.testing import tiny_gan

from .bad_plugins import GOOD, KINDS, Kind, source

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what a process can do is Linux' here")
NEIGHBOURS = ("samples", "numbers")
APART = ("claims-a-full-disk", "figure-fails-later", "prints", "closes-descriptors", "leaves-a-process", "umask")
PLACES = {"first": 0, "middle": 1, "last": 2}


def line(names: tuple[str, ...], checkpoint: Path, out: str, *more: str) -> list[str]:
    words = ["run", *(word for name in names for word in ("-p", name)), str(checkpoint), "--data", "few", "--json"]
    return [*words, "--count", "9", "--out", out, "--force", *more]


def results(folder: Path, name: str) -> dict[str, object]:
    """All that a report holds of one analysis, apart from its number and its time, which its sum takes in.

    And from its key, which names the module's file: the same source is installed under other names.
    """
    entry = next(a for a in json.loads((folder / "report.json").read_text())["analyses"] if a["name"] == name)
    files = {path.name: path.read_bytes() for path in sorted(folder.glob(f"*/{name}-*"))}
    sections = re.findall(r"<section id=\"analysis-\d+\">.*?</section>", (folder / "index.html").read_text(), re.DOTALL)
    section = next(s for s in sections if f">{entry['title']}</h2>" in s)
    page = re.sub(r"analysis-\d+|gp-index\">\d+| · [0-9.]+ m?s|(Table|Figure) \d+", "", section)
    assert entry["status"] == "ok", (name, entry["error"])
    assert files
    return {"entry": {**entry, "seconds": 0, "sha256": "", "key": ""}, "files": files, "page": page}


def check(kind: Kind, out: str, err: str) -> None:
    """It ended as its kind does, and the report and standard error say what was the matter with whom."""
    name = f"bad-{kind.name}"
    bad = next(a for a in json.loads(out)["analyses"] if a["name"] == name)
    where = bad["error"] if kind.fails else " ".join(bad["notes"])
    assert bad["status"] == ("failed" if kind.fails else "ok"), (name, bad["error"])
    assert kind.said in where, (name, where)
    if kind.said:
        assert (f"gan-probe: {name} failed: " if kind.fails else f"Put back after {name}: ") in err


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "tiny.pt"
    save_checkpoint(tiny_gan(), path)
    return path


@pytest.fixture
def run(install, gan_probe_command, checkpoint, tmp_path):
    """Runs the neighbours with bad plugins at a place, in this process' command line."""
    install("numbers", GOOD)
    install("bad", source())

    def go(place: int, kinds: list[Kind], *more: str):
        names = (*NEIGHBOURS[:place], *(f"bad-{kind.name}" for kind in kinds), *NEIGHBOURS[place:])
        code, out, err = gan_probe_command(*line(names, checkpoint, "r", *more))
        return code, out, err, {name: results(tmp_path / "cwd/r", name) for name in NEIGHBOURS}

    return go


def test_bad_plugins_in_the_same_process_cost_nobody_else_a_result(run):
    kinds = [kind for kind in KINDS if kind.survives]
    code, _, err, alone = run(0, [], "--in-process")
    assert code == 0, err
    for place in PLACES.values():
        code, out, err, beside = run(place, kinds, "--in-process")
        assert code == 4, err
        assert "Traceback" not in err
        for kind in kinds:
            check(kind, out, err)
        assert beside == alone


@pytest.mark.usefixtures("quick_processes")
@pytest.mark.parametrize(
    ("place", "every"),
    [pytest.param("middle", False, id="some")]
    + [
        pytest.param(place, True, id=f"all-{place}", marks=[pytest.mark.slow, pytest.mark.timeout(1800)])
        for place in PLACES
    ],
)
def test_bad_plugins_in_processes_of_their_own_cost_nobody_else_a_result(run, place, every):
    kinds = [kind for kind in KINDS if not kind.limits and (every or not kind.survives or kind.name in APART)]
    code, _, err, alone = run(0, [])
    assert code == 0, err
    code, out, err, beside = run(PLACES[place], kinds)
    assert code == 4, err
    assert "Traceback" not in err
    for kind in kinds:
        check(kind, out, err)
    assert beside == alone


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("mode", ["apart", "in-process"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_bad_plugin_on_a_real_command_line(kind, mode, place, install, checkpoint, tmp_path, undisturbed):
    if mode == "in-process" and not kind.survives:
        pytest.skip("no process survives it")
    install("numbers", GOOD)
    site = install("bad", source())
    names = (*NEIGHBOURS[: PLACES[place]], f"bad-{kind.name}", *NEIGHBOURS[PLACES[place] :])
    more = (*kind.limits, *(["--in-process"] if mode == "in-process" else []))
    code, out, err = command(line(names, checkpoint, "r", *more), site, tmp_path)
    check(kind, out, err)
    assert code == (4 if kind.fails else 0), err
    assert "Traceback" not in err
    assert {name: results(tmp_path / "r", name) for name in NEIGHBOURS} == undisturbed[mode]


@pytest.mark.slow
def test_what_hangs_ends_with_its_run_however_that_ends(install, checkpoint, tmp_path):
    site = install("bad", source())
    words = [sys.executable, "-m", "gan_probe", *line(("bad-tells-its-number", "samples"), checkpoint, "r")]
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    run = subprocess.Popen(words, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.DEVNULL)
    written = tmp_path / "number"
    waited(lambda: written.is_file() and written.read_text())
    run.kill()
    run.wait()
    number = int(written.read_text())
    waited(lambda: not Path(f"/proc/{number}").exists() or "zombie" in Path(f"/proc/{number}/status").read_text())


def waited(condition):
    """Until it holds; two minutes at most."""
    until = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.fixture(scope="module")
def undisturbed(checkpoint, tmp_path_factory):
    """The neighbours' results on a real command line, by mode."""
    folder = tmp_path_factory.mktemp("undisturbed")
    site = folder / "site"
    (site / "numbers_dist-1.0.dist-info").mkdir(parents=True)
    (site / "numbers_alone.py").write_text(GOOD)
    (site / "numbers_dist-1.0.dist-info/METADATA").write_text("Name: numbers-dist\nVersion: 1.0\n")
    (site / "numbers_dist-1.0.dist-info/entry_points.txt").write_text("[gan_probe]\nnumbers = numbers_alone\n")
    found = {}
    for mode in ("apart", "in-process"):
        more = ["--in-process"] if mode == "in-process" else []
        code, _, err = command(line(NEIGHBOURS, checkpoint, mode, *more), site, folder)
        assert code == 0, err
        found[mode] = {name: results(folder / mode, name) for name in NEIGHBOURS}
    return found


def command(words: list[str], site: Path, folder: Path) -> tuple[int, str, str]:
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", "gan_probe", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=280,
    )
    return done.returncode, done.stdout, done.stderr
