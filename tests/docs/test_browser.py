"""The pages in a real browser, from a server and as files: no error, no request to others, no sideways scroll."""

import functools
import http.server
import threading

import pytest

from ..annotations.webdriver import CHROMIUM, DRIVER, browser

pytestmark = pytest.mark.skipif(not CHROMIUM or not DRIVER, reason="no Chromium with its driver is installed")

PAGES = ["index", "start", "analyses/linear-probe", "plugins/tutorial", "reference/commands/run", "reference/python"]
MEASURED = """return [document.documentElement.scrollWidth - innerWidth,
  performance.getEntriesByType("resource").map(entry => entry.name)]"""


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module", params=["http", "file"])
def root(request, site):
    """Where the pages are: an address to put their names behind."""
    if request.param == "file":
        yield f"{site.as_uri()}/"
        return
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def window(site, tmp_path_factory):
    assert (site / "index.html").is_file()
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def complaints(window):
    return [entry["message"] for entry in window.call("/se/log", {"type": "browser"})]


@pytest.mark.parametrize("width", [390, 1400])
def test_pages_fit_ask_nobody_else_and_have_no_error(window, root, width):
    window.resize(width, 900)
    for page in PAGES:
        window.open(f"{root}{page}.html")
        window.wait("document.readyState === 'complete'")
        sideways, asked = window.script(MEASURED)
        assert sideways <= 0, page
        assert asked or root.startswith("file")  # of files a browser keeps no record
        assert [name for name in asked if not name.startswith((root, "data:"))] == []
    assert complaints(window) == []


def test_the_search_finds_a_word_of_a_page(window, root):
    window.resize(1400, 900)
    window.open(f"{root}start.html")
    window.wait("document.readyState === 'complete' && document.querySelector('.md-search__input')")
    window.script("document.querySelector('.md-search__input').focus()")
    window.type(".md-search__input", "birthday")
    window.wait("document.querySelectorAll('.md-search-result__item').length")
    assert "collapse" in window.script("return document.querySelector('.md-search-result__item').textContent")
    assert complaints(window) == []
