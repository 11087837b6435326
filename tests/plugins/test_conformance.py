"""Every built-in analysis keeps the contract that strangers' are held to, and could be printed as it is."""

import functools
import re
from pathlib import Path

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.text import Text

import gan_probe_plugins
from gan_probe.plugins import host
from gan_probe.report.bibtex import parse
from gan_probe.report.drawing import pdf
from gan_probe.report.figures import (
    BLUE,
    COLUMN,
    FAINT,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PAGE,
    PURPLE,
    SKY,
    VERMILION,
    new_figure,
)
from gan_probe.testing import check_analysis, tiny_data

BOXES = str(Path(__file__).with_name("boxes.json"))  # drawn on a dozen samples of 16 pixels
CONCEPTS = str(Path(__file__).with_name("concepts.json"))  # of a few of the same

# what makes each quick on a tiny GAN; an analysis that is not here is run as it comes
OPTIONS = {
    "collapse": {"feature_space": "pixels", "judge": "none", "most": 128},
    "dedup": {"steps": 5, "planted": 10},
    "directions": {"count": 2, "samples": 30, "tried": 8},
    "filter-dropout": {"boxes": BOXES, "samples": 50, "draws": 3, "feature_space": "pixels"},
    "linear-probe": {"c": (1e-3,), "store": False},
    "nearest-neighbors": {"count": 30, "feature_space": "pixels", "shift": 1},
    "nn-classifier": {"sizes": (20, 150)},
    "quality": {"feature_space": "pixels"},
    "samples": {"count": 9},
    "turn-vector": {"concepts": CONCEPTS, "ends": "dark,light", "latents": 5},
    "vector-arithmetic": {"concepts": CONCEPTS, "equations": "dark - light + round"},
}


IMAGES = {"filters": 420}  # of which selectivity needs 400
BUILT_IN = sorted(n for n, r in host().analyses.items() if r.distribution.startswith("gan-probe "))
PALETTE = {c.lower() for c in (BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE, INK, GREY, FAINT, "#ffffff")}
every = pytest.mark.parametrize("name", BUILT_IN)


@functools.cache
def checked(name):
    data = tiny_data(IMAGES[name], 80) if name in IMAGES else None
    return check_analysis(host().find(name).analysis, data=data, **OPTIONS.get(name, {}))


@every
def test_a_built_in_keeps_the_contract(name):
    assert checked(name).tables or checked(name).figures


@every
def test_every_figure_has_a_title_a_caption_and_a_description(name):
    for figure in checked(name).figures:
        for text in (figure.title, figure.caption, figure.alt):
            assert len(text) > 5, figure.name


@every
def test_a_chart_states_n_interval_and_control(name):
    for figure in checked(name).figures:
        if isinstance(figure.content, MatplotlibFigure) and any(a.get_xlabel() for a in figure.content.axes):
            for wanted in (r"\d", "(?i)interval", "(?i)control"):
                assert re.search(wanted, figure.caption), (figure.name, wanted, figure.caption)


def within_its_edges(drawing):
    """Whether all that is drawn lies on the page, to a hundredth of an inch."""
    drawing.draw_without_rendering()
    drawn, (width, height) = drawing.get_tightbbox(), drawing.get_size_inches()
    return min(drawn.x0, drawn.y0, width - drawn.x1, height - drawn.y1) > -0.01


def test_what_is_cut_off_is_seen():
    drawing = new_figure()
    axes = drawing.subplots()
    assert within_its_edges(drawing)
    axes.set_xlabel("far too long for a column " * 5)
    assert not within_its_edges(drawing)


@every
def test_a_drawing_fits_a_paper(name):
    for figure in checked(name).figures:
        content = pdf(figure)
        assert (b"/FontFile2" in content) == isinstance(figure.content, MatplotlibFigure)
        assert b"/Type3" not in content
        if isinstance(figure.content, MatplotlibFigure):
            assert figure.content.get_size_inches()[0] in (COLUMN, PAGE), figure.name
            sizes = {t.get_fontsize() for t in figure.content.findobj(Text) if t.get_visible() and t.get_text()}
            assert all(7 <= size <= 9 for size in sizes), (figure.name, sizes)
            assert within_its_edges(figure.content), figure.name


@every
def test_colours_are_of_the_palette(name):
    for figure in checked(name).figures:
        if isinstance(figure.content, MatplotlibFigure):
            found = {t.get_color() for t in figure.content.findobj(Text) if t.get_text()}
            for axes in figure.content.axes:
                found |= {line.get_color() for line in axes.lines}
                for drawn in (*axes.patches, *axes.collections):
                    found |= {tuple(c) for c in _colours(drawn) if c[3] > 0}
            assert {to_hex(c) for c in found} <= PALETTE, figure.name


def _colours(drawn):
    faces, edges = drawn.get_facecolor(), drawn.get_edgecolor()
    return [tuple(c) for part in (faces, edges) for c in ([part] if len(part) and isinstance(part[0], float) else part)]


@every
def test_the_methods_could_be_printed(name):
    report = checked(name)
    sentences = re.split(r"(?<=[.])\s+(?=[A-Z])", report.methods)
    assert 1 <= len(sentences) <= 6
    assert re.search(r"\d", report.methods)
    assert report.references  # check_analysis holds that each citation has one
    assert "  " not in report.methods


def test_every_reference_is_cited_by_some_analysis():
    text = Path(gan_probe_plugins.__file__).with_name("references.bib").read_text("ascii")
    entries = [parse(entry) for entry in re.split(r"\n(?=@)", text)]
    keys = [entry.key for entry in entries]
    assert keys == sorted(set(keys))
    declared = {parse(r).key for name in BUILT_IN for r in host().find(name).analysis.references}
    assert set(keys) == declared
    source = "".join(f.read_text("utf-8") for f in Path(gan_probe_plugins.__file__).parent.rglob("*.py"))
    assert all(f"[@{key}]" in source for key in keys)
