"""The page in a real browser: a person draws boxes and ticks exemplars, and the files say so to the pixel."""

import json

import pytest

from gan_probe.annotations import Box, read_boxes, read_concepts
from gan_probe.annotations.folder import AnnotationFolder

from .webdriver import CHROMIUM, DRIVER, browser

pytestmark = pytest.mark.skipif(not CHROMIUM or not DRIVER, reason="no Chromium with its driver is installed")

HOSTILE = ["<script>document.title='owned'</script>", "<img src=x onerror=\"document.title='owned'\">", "__proto__"]
HOSTILE += ["constructor", "\"'`${7*7}", "javascript:alert(1)", "עברית & <b>"]
BOXES = [(3, [(5, 6, 20, 14), (30, 30, 1, 34), (0, 0, 64, 64)]), (4, [(10, 40, 9, 8), (11, 41, 9, 8)])]
BOXES += [(8, [(60, 0, 4, 3), (1, 2, 3, 4), (50, 50, 14, 14)]), (9, [(7, 7, 7, 7), (33, 1, 2, 60)])]


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        opened.resize(1280, 900)
        yield opened


@pytest.fixture
def page(window, serve):
    """The page, opened; what was saved is waited for when it is left."""
    with serve() as server:
        window.open(server.address)
        window.wait("document.querySelectorAll('.sample').length === 10 && document.body.className")
        yield window
        window.open("about:blank")


def add(page, *names):
    for name in names:
        page.press("n")
        page.type("#name", name)
        page.press("Enter")


def saved(page):
    page.wait("document.querySelector('#status').textContent === 'Saved'")


def draw(page, x, y, width, height):
    """Drag from one corner of a box of the image to the other."""
    left, top, side = page.script(
        "document.querySelector('#canvas').scrollIntoView({block: 'nearest'});"
        "const r = document.querySelector('#overlay').getBoundingClientRect(); return [r.left, r.top, r.width]"
    )
    scale = side / 64
    assert scale >= 4  # pixels of the window to one of the image
    start, end = ((left + a * scale, top + b * scale) for a, b in ((x, y), (x + width, y + height)))
    page.drag(start, end)


def go(page, index):
    page.click(f"#grid li:nth-child({index + 1}) button")


def test_ten_boxes_and_nine_exemplars_land_in_the_files_to_the_pixel(page, card, tmp_path):
    page.press("b")
    add(page, "window", "door")
    for index, drawn in BOXES:
        go(page, index)
        for number, box in enumerate(drawn):
            page.press("12"[number % 2])
            draw(page, *box)
    page.press("Left")  # from 9 to 8
    page.press("Left")
    page.press(" ")  # nothing on 7
    page.press("c")
    add(page, "smiling woman", "neutral woman", "neutral man")
    for number, indices in enumerate([(0, 1, 2), (3, 4, 5), (2, 6, 9)]):
        page.press(str(number + 1))
        for index in indices:
            go(page, index)  # a click ticks
    saved(page)

    folder = tmp_path / "marks"
    names = ("window", "door")
    drawn = {i: tuple(Box(names[k % 2], *box) for k, box in enumerate(boxes)) for i, boxes in BOXES}
    ticked = {"smiling woman": (0, 1, 2), "neutral woman": (3, 4, 5), "neutral man": (2, 6, 9)}
    assert read_boxes(folder / "boxes.json", card, seed=0).samples == {**drawn, 7: ()}
    assert read_concepts(folder / "concepts.json", card, seed=0).exemplars == ticked
    document = json.loads((folder / "boxes.json").read_text())
    assert document["info"]["checkpoint"] == card.sha256
    assert {"id": 10, "file_name": "sample-000009.png", "width": 64, "height": 64, "z_index": 9} in document["images"]


def test_edges_snap_to_the_nearest_pixel_from_any_corner_and_end_at_the_picture(page, card, tmp_path):
    page.press("b")
    add(page, "window")
    draw(page, 10.4, 20.4, 10.2, 9.2)
    draw(page, 40.3, 50.3, -9.9, -20.6)
    draw(page, 60, 61, 9, -70)
    draw(page, 5.2, 5.2, 0.1, 9)  # no width: a click, on no box
    saved(page)
    drawn = (Box("window", 10, 20, 11, 10), Box("window", 30, 30, 10, 20), Box("window", 60, 0, 4, 61))
    assert read_boxes(tmp_path / "marks/boxes.json", card).samples == {0: drawn}


def test_reopening_shows_what_was_marked_and_goes_on(window, serve, card, tmp_path):
    with AnnotationFolder(tmp_path / "marks", card) as folder:
        samples = [[3, [[0, 5, 6, 20, 14], [0, 1, 2, 3, 4]]], [5, []]]
        folder.save({"revision": 0, "objects": ["window"], "samples": samples, "concepts": [["man", [2, 7]]]})
    with serve() as server:
        window.open(server.address)
        window.wait("document.querySelectorAll('.sample[aria-pressed=true]').length === 2")
        window.press("b")
        infos = "[...document.querySelectorAll('.info')].map(e => e.textContent).join()"
        window.wait(f"{infos} === ',,,2 boxes,,nothing,,,,'")
        go(window, 3)
        shown = "[...document.querySelectorAll('#boxes .place')].map(e => e.textContent).join('; ')"
        window.wait(f"{shown} === '5, 6 · 20 × 14; 1, 2 · 3 × 4'")  # noqa: RUF001  # the right sign
        draw(window, 40, 40, 8, 8)
        saved(window)
        assert len(server.folder.boxes.samples[3]) == 3
        window.open("about:blank")


def test_everything_can_be_done_with_the_keyboard(page, card, tmp_path):
    page.press("b")
    add(page, "window")
    page.press("Right")
    page.press("Enter")  # 16 x 16 in the middle: 24, 24
    page.press("Shift", "Left")
    page.press("Shift", "Down")
    page.press("Shift", "Alt", "Right")
    page.press("Enter")
    page.press("Delete")
    page.press("Right")
    page.press(" ")
    page.press("Right")
    page.press("Enter")
    page.press("u")
    page.press("c")
    add(page, "man")
    page.press(" ")
    page.press("Home")
    page.press(" ")
    page.press("Right")
    page.press(" ")
    page.press(" ")
    saved(page)
    assert read_boxes(tmp_path / "marks/boxes.json", card).samples == {1: (Box("window", 23, 25, 17, 16),), 2: ()}
    assert read_concepts(tmp_path / "marks/concepts.json", card).exemplars == {"man": (0, 3)}


def test_a_name_can_be_mended_and_taken_away_and_all_be_undone(page, card, tmp_path):
    page.press("b")
    add(page, "windw", "door")
    page.press("1")
    draw(page, 1, 2, 3, 4)
    page.press("2")
    draw(page, 10, 20, 30, 40)
    page.press("1")
    page.type("#name", "window")
    page.click("#rename")
    page.press("2")
    page.click("#remove")
    saved(page)
    assert read_boxes(tmp_path / "marks/boxes.json", card).samples == {0: (Box("window", 1, 2, 3, 4),)}
    page.press("u")
    saved(page)
    both = (Box("window", 1, 2, 3, 4), Box("door", 10, 20, 30, 40))
    assert read_boxes(tmp_path / "marks/boxes.json", card).samples == {0: both}


def test_hostile_names_are_shown_as_text_and_stay_inert(window, serve, card, tmp_path):
    for _ in range(2):  # typed in, then read from the files
        with serve() as server:
            window.open(server.address)
            window.wait("document.querySelectorAll('.sample').length === 10 && document.body.className")
            for mode in "bc":
                window.press(mode)
                if not server.folder.last + 1 or len(server.folder.concepts.names) < len(HOSTILE):
                    add(window, *HOSTILE)
                    window.press("1")
                    window.press("Enter" if mode == "b" else " ")
                shown = window.script("return [...document.querySelectorAll('#names bdi')].map(e => e.textContent)")
                assert shown == HOSTILE
            saved(window)
            assert window.script("return document.title") == "rooms · gan-probe annotate"
            assert window.script("return document.querySelectorAll('script, main img[src=x], b').length") == 1
            window.open("about:blank")
    assert read_boxes(tmp_path / "marks/boxes.json", card).names == tuple(HOSTILE)
    assert read_concepts(tmp_path / "marks/concepts.json", card).names == tuple(HOSTILE)
    assert window.call("/se/log", {"type": "browser"}) == []  # no policy was violated, nothing failed to load


def test_a_second_tab_that_is_behind_says_that_nothing_was_saved(page):
    add(page, "man")
    saved(page)
    page.script(
        "const text = JSON.stringify({revision: 1, objects: ['lamp'], samples: [], concepts: []});"
        "return fetch('state', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: text})"
        ".then(answer => answer.status)"
    )
    page.press(" ")
    page.wait("document.querySelector('#status.bad')?.textContent.includes('reload this page')")
    page.call("/se/log", {"type": "browser"})  # the refusal


@pytest.mark.parametrize("width", [1280, 480])
def test_nothing_scrolls_sideways(page, width):
    add(page, "a concept of a long name " * 4, *"abcdefghijklm")
    page.press("b")
    add(page, "x" * 100)
    page.press("Enter")
    page.resize(width, 900)
    try:
        for mode in "bc":
            page.press(mode)
            inner, outer = page.script(
                "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            )
            assert inner <= outer
    finally:
        page.resize(1280, 900)
