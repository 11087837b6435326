"""Hostile text in a real browser: whatever it says and wherever it stands, the page has no node that acts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gan_probe.report import RunReport
from gan_probe.report.html import render_page
from gan_probe.report.text import shorten

from ..annotations.webdriver import CHROMIUM, DRIVER, Browser, browser

pytestmark = pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="no Chromium with its driver is installed")
# every node of the document with its attributes' names; what acts; what was asked for; what links where
LOOK = """
const attributes = n => [...n.attributes].map(a => a.name);
const all = [...document.querySelectorAll("*")];
return {
  kinds: all.map(n => [n.tagName, ...attributes(n)].join(" ")),
  acting: all.filter(n => attributes(n).some(a => a.startsWith("on") || a === "srcdoc" || a === "action")
    || ["SCRIPT", "IFRAME", "FORM", "OBJECT", "EMBED", "LINK", "BASE", "INPUT", "SVG", "MATH"]
      .includes(n.tagName.toUpperCase())).map(n => n.outerHTML.slice(0, 200)),
  comments: document.createNodeIterator(document, NodeFilter.SHOW_COMMENT).nextNode()?.data ?? "",
  addresses: all.flatMap(n => [n.getAttribute("href"), n.getAttribute("src")]).filter(a => a !== null)
    .filter(a => !a.startsWith("data:image/png;base64,") && !/^#[a-z]+(-\\d+)?$/.test(a)),
  requests: performance.getEntriesByType("resource").map(e => e.name).filter(n => !n.startsWith("data:")),
  title: document.title,
  heading: document.querySelector("h1").textContent,
  where: location.href,
  shown: getComputedStyle(document.body).display,
};"""


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium for all pages: it takes seconds to start."""
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def look(window: Browser, page: str, path: Path) -> dict[str, Any]:
    """What the browser makes of a page; an alert that stands open fails the call."""
    path.write_text(page, "utf-8")
    window.open(path.as_uri())
    found: dict[str, Any] = window.script(LOOK)
    assert found.pop("where") == path.as_uri()
    return found


def without_policy(page: str) -> str:
    """The page without its second wall: what the policy would only stop is seen."""
    bare, n = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    assert n == 1
    return bare


def test_the_browser_would_see_what_acts(window: Browser, tmp_path: Path) -> None:
    page = "<!doctype html><title>t</title><h1>h</h1><a href='javascript:1' onclick='1'>x</a><!--c-->"
    page += "<script>var a</script><img src=http://127.0.0.1:9/x.png>"
    found = look(window, page, tmp_path / "acting.html")
    assert len(found["acting"]) == 2
    assert found["comments"] == "c"
    assert found["addresses"] == ["javascript:1", "http://127.0.0.1:9/x.png"]
    assert found["requests"] == ["http://127.0.0.1:9/x.png"]
    assert len(window.call("/se/log", {"type": "browser"})) == 1


def test_no_hostile_text_becomes_a_node_that_acts(
    run_of: Callable[[str], RunReport], hostiles: tuple[str, ...], window: Browser, tmp_path: Path
) -> None:
    assert len(hostiles) >= 30
    harmless = look(window, without_policy(render_page(run_of("harmless"))), tmp_path / "page.html")
    for number, text in enumerate(hostiles):
        page = without_policy(render_page(run_of(text)))
        found = look(window, page, tmp_path / f"page{number}.html")
        assert found["kinds"] == harmless["kinds"], text
        assert found["acting"] == found["addresses"] == found["requests"] == [], text
        assert found["comments"] == "", text
        assert found["shown"] == "block", text
        assert found["title"] == " ".join(f"{shorten(text)} · gan-probe".split()), text
        assert " ".join(found["heading"].split()) == " ".join(shorten(text).split()), text
    assert window.call("/se/log", {"type": "browser"}) == []  # no error, no refusal, no warning
