from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gan_probe.report import Report, RunReport, Table
from gan_probe.report.html import render_analysis, render_page
from gan_probe.report.setting import _cite
from gan_probe.report.text import visible

FREE = {"alt", "src", "width", "height"}  # attributes whose values belong to a figure
ALLOWED_TAGS = (
    " html head meta title style body header main nav section aside figure figcaption img table thead tbody tr th td "
    "p h1 h2 h3 ol ul li dl dt dd div span b strong code a "
)


class Skeleton(HTMLParser):
    """What of a page is markup: its tags and attributes in order; and, apart, its text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[object] = []
        self.text: list[str] = []
        self.urls: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert f" {tag} " in ALLOWED_TAGS
        assert not any(name.startswith("on") or name == "style" for name, _ in attrs)
        self.tags.append((tag, [(name, None if name in FREE else value) for name, value in attrs]))
        self.urls += [value or "" for name, value in attrs if name in ("src", "href")]
        self.text += [value or "" for name, value in attrs if name == "alt"]

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


def test_no_hostile_text_becomes_markup(run_of: Callable[[str], RunReport], hostile: str) -> None:
    harmless, page = Skeleton(render_page(run_of("harmless"))), Skeleton(render_page(run_of(hostile)))
    assert page.tags == harmless.tags
    assert sum(visible(hostile)[:100] in text for text in page.text) >= 20  # it is all there, to be read


def test_no_text_at_all_becomes_markup(run_of: Callable[[str], RunReport]) -> None:
    harmless = Skeleton(render_page(run_of("harmless"))).tags

    @settings(max_examples=25, deadline=None)
    @given(st.text(st.characters(), min_size=1))
    def holds(text: str) -> None:
        assume(not _cite(text))  # the name of a known data set brings its reference
        page = render_page(run_of(text))
        page.encode()
        assert Skeleton(page).tags == harmless

    holds()


def test_the_page_is_self_contained_and_forbids_everything_else(sample_run: RunReport) -> None:
    page = render_page(sample_run)
    parsed = Skeleton(page)
    assert {
        re.match(r"data:image/png;base64,|#(analysis-\d+|reference-\d+|methods|not-run|provenance)$", url) is not None
        for url in parsed.urls
    } == {True}
    assert "http" not in page.replace("http-equiv", "")
    assert "url(" not in page
    assert "@import" not in page
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert policy is not None
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1].split("; ")[:3] == ["default-src 'none'", "img-src data:", f"style-src 'sha256-{digest}'"]


def test_the_page_shows_tables_statuses_options_and_provenance(sample_run: RunReport) -> None:
    text = " ".join(" ".join(Skeleton(render_page(sample_run)).text).split())
    for expected in (
        "Table 1.",
        "61.4%",
        "Figure 4.",
        "Not run Inversion. inversion needs gradients",
        "Failed. IndexError",
        "c-values 1e-05, 0.0001",
        "3 min 24 s",
        "100 → 256 → 128 → 64 → 3",
        "3 → 64 → 128 → 256 → 1",
        "32 × 32 colour images",  # noqa: RUF001  # the page's own sign
        "torch 2.10.0",
        "9f2c4be1" * 8,
        "train/cat/0001.jpg: truncated",
        "Ships are recognised best",
    ):
        assert expected in text.replace(" . ", ". "), expected


def test_a_run_without_checkpoint_or_result_has_a_page() -> None:
    text = " ".join(Skeleton(render_page(RunReport({}, {}, []))).text)
    assert "No analysis has ended yet." in text
    assert "gan-probe report" in text


@pytest.mark.parametrize("role", ["generator", "discriminator"])
@pytest.mark.parametrize(
    "entry", ["a name", ["conv", "conv"], [1, {}], {"layers": 3}, 7, [{}], [{"shape": []}], [{"shape": 4}]]
)
def test_a_card_with_anything_under_a_networks_name_has_a_page(role: str, entry: object) -> None:
    text = " ".join(Skeleton(render_page(RunReport({"name": "odd", role: entry}, {}, []))).text)
    assert "odd" in text
    if entry in ("a name", {"layers": 3}, 7):
        assert role in text  # shown as the fact it is


def test_long_lists_are_cut_and_the_rest_counted() -> None:
    page = render_page(RunReport({}, {"skipped": [f"{i}.png" for i in range(1000)]}, []))
    assert "19.png" in page
    assert "20.png" not in page
    assert "… and 980 more" in page


def test_a_notebook_shows_a_report_with_its_own_scoped_style(sample_run: RunReport) -> None:
    fragment = sample_run["linear-probe"]._repr_html_()
    assert fragment.startswith('<div class="gan-probe">')
    style = re.search(r"<style>(.*?)</style>", fragment, re.DOTALL)
    assert style is not None
    selectors = [s.strip() for rule in re.findall(r"([^{}]+)\{", style[1]) for s in rule.split(",")]
    assert all(selector.startswith(".gan-probe") for selector in selectors)
    assert "tables/" not in fragment  # no file lies beside a notebook
    assert sample_run._repr_html_().count('<div class="gan-probe">') == 4


def test_an_empty_report_shows_itself() -> None:
    assert "Report" in Report()._repr_html_()


def test_a_cell_leads_to_the_part_that_its_table_names() -> None:
    rows = [{"item": "Figure 4", "here": "smooth"}, {"item": "elsewhere", "here": "Figure 4"}]
    table = Table("t", rows, links={"Figure 4": "walk", "elsewhere": "no such part"})
    page = render_page(RunReport({}, {}, [Report(name="paper", tables=[table]), Report(name="walk")]))
    assert page.count('<th scope="row"><a href="#analysis-2">Figure 4</a></th>') == 1
    assert '<th scope="row">elsewhere</th>' in page


def test_a_table_of_sentences_names_its_columns_in_every_cell_for_phones() -> None:
    rows = [{"item": "a", "here": "b", "why": "<c>"}]
    page = render_page(RunReport({}, {}, [Report(tables=[Table("t", rows)])]))
    assert "gp-table gp-prose" in page
    assert '<td data-column="why">&lt;c&gt;</td>' in page
    numbers = render_page(RunReport({}, {}, [Report(tables=[Table("t", [rows[0] | {"n": 3}])])]))
    assert "data-column=" not in numbers.partition("</style>")[2]


def test_a_title_that_asks_gets_no_full_stop() -> None:
    page = render_analysis(
        Report(tables=[Table("t", [{"a": 1}], title="Whole?"), Table("u", [{"a": 1}], title="Half")])
    )
    assert ">Whole?</span>" in page
    assert ">Half.</span>" in page


def test_a_runs_own_title_heads_its_page() -> None:
    assert "<h1>The paper</h1>" in render_page(RunReport({"name": "digits"}, {}, [], "The paper"))


def test_findings_stand_before_the_tables_and_the_first_beside_the_contents() -> None:
    reports = [
        Report(name=name, title=name, tables=[Table("t", [{"x": 1}])], findings=[f"{name} holds.", f"{name} is tall."])
        for name in "ab"
    ]
    text = " ".join(Skeleton(render_page(RunReport({}, {}, reports))).text)
    at = 0
    for words in ("Contents", "a holds.", "b holds.", "a holds.", "a is tall.", "Table 1", "b holds.", "b is tall."):
        at = text.index(words, at) + 1
    assert text.count("a is tall.") == 1


def test_of_endless_findings_the_page_and_the_notebook_show_a_part() -> None:
    report = Report(name="a", title="a", findings=["", "x" * 100_000, *(f"finding {i}" for i in range(999))])
    fragment = report._repr_html_()
    pages = [render_page(RunReport({}, {}, [report, report])), fragment]
    assert max(map(len, pages)) < 50_000
    text = " ".join(Skeleton(fragment).text)
    assert "finding 18" in text
    assert "finding 19" not in text
    assert "… and 980 more" in text


def test_long_tables_but_the_first_stand_behind_the_notes_and_are_numbered_as_they_stand() -> None:
    rows = [{"x": number} for number in range(40)]
    tables = [Table("first", rows), Table("long", rows), Table("short", rows[:3])]
    page = Skeleton(render_page(RunReport({}, {}, [Report(name="a", tables=tables, notes=["Holds."])])))
    text = " ".join(page.text)
    places = [text.index(words) for words in ("Table 1", "first.", "Table 2", "short.", "Holds.", "Table 3", "long.")]
    assert places == sorted(places)
