"""A third party's package, installed by pip into a clean folder, behaves like a built-in on the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.new_plugin import write_plugin
from gan_probe.testing import tiny_gan

SOURCE = Path(__file__).parent / "sample_plugin"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An environment in which the plugin is installed, beside ours."""
    folder = tmp_path_factory.mktemp("third-party")
    source = folder / "source"
    source.mkdir()
    for name in (
        "pyproject.toml",
        "gan_probe_brightness.py",
        "test_gan_probe_brightness.py",
    ):  # pip builds beside the sources: leave the tree clean
        (source / name).write_bytes((SOURCE / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(folder / "site"), str(source)], check=True, capture_output=True, text=True)
    save_checkpoint(tiny_gan(), folder / "tiny.pt")
    paths = [str(folder / "site"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return folder, {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def command(environment, *arguments):
    folder, variables = environment
    return subprocess.run(
        [sys.executable, "-m", "gan_probe", *arguments],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_listed_with_its_distribution(environment):
    listed = json.loads(command(environment, "plugins", "--json").stdout)
    found = {a["name"]: a for a in listed["analyses"]}["brightness"]
    assert found["distribution"] == "gan-probe-brightness 0.1.0"
    assert found["options"][0]["name"] == "count"
    assert listed["broken"] == []


def test_it_runs_beside_a_built_in_and_lands_in_the_same_report(environment):
    done = command(
        environment,
        "run",
        "-p",
        "brightness",
        "-p",
        "samples",
        "tiny.pt",
        "--brightness-count",
        "32",
        "--json",
        "--out",
        "r",
    )
    assert done.returncode == 0, done.stderr
    ours, theirs = (a["tables"][0]["rows"][0] for a in json.loads(done.stdout)["analyses"][::-1])
    assert ours["n"] == 100
    assert 0 < theirs["low"] <= theirs["mean"] <= theirs["high"] < 1
    folder = environment[0] / "r"
    assert (folder / "tables" / "brightness-brightness.csv").is_file()
    assert (folder / "figures" / "brightness-darkest-first.png").is_file()


def test_its_options_stand_in_the_help(environment):
    assert "samples to draw" in command(environment, "run", "-p", "brightness", "--help").stdout


def test_its_own_tests_pass(environment):
    folder, variables = environment
    assert "5 passed" in own_tests(folder / "source", variables)


def test_what_new_plugin_writes_passes_its_own_tests(tmp_path):
    write_plugin("edge-count", tmp_path / "new")
    paths = [str(tmp_path / "new"), *filter(None, [os.environ.get("PYTHONPATH")])]
    assert "2 passed" in own_tests(tmp_path / "new", {**os.environ, "PYTHONPATH": os.pathsep.join(paths)})


def own_tests(folder, variables):
    """What pytest says of a package's own tests, in a process of their own."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", "pyproject.toml", "-p", "no:cacheprovider"],
        cwd=folder,
        env={**variables, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
