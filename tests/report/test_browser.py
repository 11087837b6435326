"""The page in a real browser: what no parser can tell."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gan_probe.report import Report, RunReport, Table
from gan_probe.report.html import render_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# The page itself runs no script: a frame around it measures and looks for any that ran.
FRAMES = """<!doctype html><title>not measured</title>{frames}<script>
onload = () => document.title = [...document.querySelectorAll("iframe")].map(f => {{
  const d = f.contentDocument;
  const loaded = [...d.images].every(i => i.complete && i.naturalWidth > 0);
  return [d.documentElement.scrollWidth, loaded, getComputedStyle(d.body).maxWidth].join(" ");
}}).join("; ")</script>"""


def measure(tmp_path: Path, pages: list[str], width: int) -> list[list[str]]:
    frames = "".join(f'<iframe width="{width}" height="900" srcdoc="{html.escape(page)}"></iframe>' for page in pages)
    (tmp_path / "frames.html").write_text(FRAMES.format(frames=frames), "utf-8")
    command = [str(CHROMIUM), *OPTIONS, f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1600,1000"]
    command += ["--dump-dom", (tmp_path / "frames.html").as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True).stdout
    found = re.search(r"<title>(.*?)</title>", dom)
    assert found is not None, dom[:500]
    return [page.split(" ") for page in found[1].split("; ")]


def test_no_page_scrolls_sideways_on_a_phone(
    sample_run: RunReport, run_of: Callable[[str], RunReport], hostiles: tuple[str, ...], tmp_path: Path
) -> None:
    wide = Table("wide", [{f"a column named {i}": "value" * 5 for i in range(30)}], "Wide", "caption" * 50)
    runs = [sample_run, RunReport({}, {}, [Report(name="wide", tables=[wide])]), *map(run_of, hostiles)]
    measured = measure(tmp_path, [render_page(run) for run in runs], width=390)
    assert len(measured) == len(runs)
    for scroll_width, loaded, style in measured:
        assert int(scroll_width) <= 390
        assert loaded == "true"  # the policy lets the figures in
        assert style == "736px"  # and the style
