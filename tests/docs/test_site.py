"""The site builds without a warning, every link resolves, and a reader's browser asks nobody else for anything."""

import re


def test_what_has_a_page_in_the_sources_has_one_on_the_site(site, docs):
    sources = {path.relative_to(docs).with_suffix(".html") for path in docs.rglob("*.md")}
    pages = {path.relative_to(site) for path in site.rglob("*.html")}
    assert sources <= pages
    assert "generate" not in {path.name for path in site.iterdir()}


def test_nothing_is_fetched_from_elsewhere(site):
    # links that a reader may follow are no requests
    asked = re.compile(
        r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(https?:)?//|<link\b[^>]*\bhref=["']?https?://"""
    )
    pages = [path for path in site.rglob("*.html") if "reports" not in path.relative_to(site).parts]
    assert len(pages) > 30
    assert [path.name for path in pages if asked.search(path.read_text(encoding="utf-8"))] == []
    styles = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    assert not any(re.search(r"url\([\"']?https?:", style) for style in styles)


def test_no_marker_is_left_over(site):
    for path in site.rglob("*.html"):
        assert not re.search(r"<!-- (analysis|analyses|code|command|figure|notebook): ", path.read_text()), path.name


def test_the_search_index_is_there_for_pages_opened_as_files(site):
    assert (site / "search" / "search_index.js").read_text(encoding="utf-8").startswith("var __index = {")
    assert "assets/file-worker.js" in (site / "index.html").read_text(encoding="utf-8")
