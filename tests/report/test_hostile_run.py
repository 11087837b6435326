"""Hostile names on a real command line: of classes, files, checkpoints, plugins and their output, all in one run."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.report.csv import FORMULA
from gan_probe.report.text import visible
from gan_probe.testing import tiny_gan

from ..annotations.webdriver import CHROMIUM, DRIVER, browser
from .test_hostile_pages import look, without_policy

PLUGIN = """
import json, pathlib
from dataclasses import dataclass
import numpy as np
from gan_probe import Analysis, Figure, Measure, Options, Report, Table, hookimpl, option
from gan_probe.report import Artifact
HOSTILE = json.loads({hostile!r})

@dataclass(frozen=True)
class Said(Options):
    said: tuple[str, ...] = option(tuple(HOSTILE), "what is said")

class Speaking(Analysis):
    "Says it all."
    name = "speaking"
    title = HOSTILE[0]
    Options = Said

    def run(self, gan, options, ctx):
        ctx.progress(0, 1, HOSTILE[0])
        pixels = np.zeros((2, 2), np.uint8)
        return Report(
            tables=[Table(f"t{{i}}", [{{t: t, "number": -1.5, "none": None}}], t, t) for i, t in enumerate(HOSTILE)],
            figures=[Figure(f"f{{i}}", pixels, t, t, t) for i, t in enumerate(HOSTILE)],
            artifacts=[Artifact(f"a{{i}}", b"", t) for i, t in enumerate(HOSTILE)],
            measures=[Measure(f"m{{i}}", np.ones(3), t, t, t) for i, t in enumerate(HOSTILE)],
            methods=" ".join(HOSTILE), findings=HOSTILE, notes=HOSTILE)

class Failing(Analysis):
    "Says why not."
    name = "failing"

    def run(self, gan, options, ctx):
        raise type(HOSTILE[1][:9], (Exception,), {{}})(" ".join(HOSTILE))

@hookimpl
def register_analyses():
    return [Speaking, Failing]
"""


def as_file_name(text: str) -> bytes:
    """What of a text a file can be called here."""
    name = text.replace("/", "\u2044").replace("\x00", "").strip(".")
    return b"".join(c.encode("utf-8", "surrogateescape" if "\udc80" <= c <= "\udcff" else "replace") for c in name)[
        :200
    ]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, hostiles: tuple[str, ...]) -> Path:
    """A folder of images whose classes and files bear those names, and a checkpoint whose card is full of them."""
    folder = tmp_path_factory.mktemp("hostile")
    rng = np.random.default_rng(0)
    for text in hostiles:
        place = os.path.join(os.fsencode(folder / "set"), as_file_name(text))
        os.makedirs(place)
        for number in range(4):
            Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(folder / "one.png")
            shutil.move(folder / "one.png", os.path.join(place, b"%d" % number + as_file_name(text)[:150] + b".png"))
    Path(os.fsdecode(os.path.join(place, as_file_name(hostiles[1]) + b".png"))).write_bytes(b"no image")
    gan = tiny_gan()
    words = dict(zip(("name", "training_data", "licence", "format"), hostiles, strict=False))
    gan.card = dataclasses.replace(gan.card, **words, assumed=hostiles, training={visible(t): [t] for t in hostiles})
    save_checkpoint(gan, folder / "hostile.pt")
    return folder


@pytest.fixture
def ran(made, hostiles, install, gan_probe_command, tmp_path) -> tuple[Path, str]:
    """The report's folder, and all that the terminal has got."""
    install("speaking", PLUGIN.format(hostile=json.dumps(hostiles)), distribution="evil<b>\x1b[31m")
    names = [word for name in ("speaking", "failing", "samples", "linear-probe") for word in ("-p", name)]
    probe = ["--data", made / "set", "--c", "0.01", "--baselines", "none", "--no-store", "--count", "9"]
    code, out, err = gan_probe_command("run", *names, made / "hostile.pt", "--out", "r", "--in-process", *probe)
    assert code == 4, err
    statuses = {a["name"]: a["error"] for a in json.loads((tmp_path / "cwd/r/report.json").read_text())["analyses"]}
    assert [name for name, error in statuses.items() if error] == ["failing"], statuses
    return tmp_path / "cwd/r", out + err


def test_a_run_of_hostile_names_harms_no_reader(ran, hostiles, tmp_path):
    folder, terminal = ran
    assert all(line == visible(line) for line in terminal.split("\n"))
    assert len(terminal) > 10_000
    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    assert all(name.replace("/", "").replace("-", "").replace(".", "").isalnum() for name in files), files
    report = json.loads((folder / "report.json").read_bytes().decode("ascii"))
    assert report["checkpoint"]["assumed"] == [without_surrogates(text) for text in hostiles]
    check_tables(folder, {a["name"]: a for a in report["analyses"]})
    check_latex(folder, tmp_path)
    check_page(folder, tmp_path)


def without_surrogates(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def check_tables(folder: Path, analyses: dict[str, Any]) -> None:
    """No cell is a formula, and numbers are what they were."""
    found = sorted(folder.glob("tables/*.csv"))
    assert len(found) > 45
    for path in found:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file, strict=True)
        for cell in (cell for row in (header, *rows) for cell in row):
            try:
                float(cell)
            except ValueError:
                assert not cell.startswith(FORMULA)
    table = analyses["speaking"]["tables"][0]
    assert [row["number"] for row in table["rows"]] == [-1.5]
    with (folder / "tables/speaking-t0.csv").open(encoding="utf-8", newline="") as file:
        assert [row["number"] for row in csv.DictReader(file)] == ["-1.5"]


def check_latex(folder: Path, tmp_path: Path) -> None:
    """Every table is set, with commands of the shell allowed, and none has run or read a file of the system."""
    if shutil.which("pdflatex") is None:
        return
    source = "\\clearpage\n".join(path.read_text("ascii") for path in sorted(folder.glob("tables/*.tex")))
    head = "\\documentclass{article}\\usepackage{array,booktabs,graphicx}\\begin{document}\n"
    (tmp_path / "tex").mkdir()
    (tmp_path / "tex/t.tex").write_text(f"{head}{source}\\end{{document}}\n", "ascii")
    words = ["pdflatex", "-shell-escape", "-halt-on-error", "-interaction=nonstopmode", "t.tex"]
    done = subprocess.run(words, cwd=tmp_path / "tex", capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout[-2000:]
    log = (tmp_path / "tex/t.log").read_text("latin-1")
    assert "runsystem" not in log
    assert "(/etc/passwd" not in log
    assert {path.name for path in (tmp_path / "tex").iterdir()} == {"t.tex", "t.log", "t.aux", "t.pdf"}


def check_page(folder: Path, tmp_path: Path) -> None:
    if CHROMIUM is None or DRIVER is None:
        return
    with browser(tmp_path / "profile") as window:
        found = look(window, without_policy((folder / "index.html").read_text("utf-8")), tmp_path / "page.html")
        assert found["acting"] == found["addresses"] == found["requests"] == []
        assert found["comments"] == ""
        assert found["shown"] == "block"
        assert window.call("/se/log", {"type": "browser"}) == []
