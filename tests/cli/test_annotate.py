"""`gan-probe annotate`: what it prints, when it ends, and that its samples are those of every analysis."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gan_probe import GAN, Context
from gan_probe.annotations.server import PageServer
from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.testing import tiny_gan


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "tiny.pt"
    save_checkpoint(tiny_gan(classes=3), path)
    return path


@pytest.fixture
def person(monkeypatch):
    """What a person does while the page is served, who then presses Ctrl-C: `person(function of the server)`."""

    def act(does):
        def serve_forever(server):
            does(server)
            raise KeyboardInterrupt

        monkeypatch.setattr(PageServer, "serve_forever", serve_forever)

    return act


def tick(*samples):
    def does(server):
        state = {"revision": 0, "objects": [], "samples": [], "concepts": [["man", list(samples)]]}
        server.folder.save(state)

    return does


def test_ctrl_c_ends_well_and_says_where_the_files_are(gan_probe_command, checkpoint, person):
    person(tick(1))
    code, out, _ = gan_probe_command("annotate", checkpoint, "-n", 5)
    assert code == 0
    address, file = out.splitlines()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", address)
    assert Path(file) == Path("tiny-annotations/concepts.json")
    assert json.loads(Path(file).read_text())["concepts"] == {"man": [1]}


def test_nothing_marked_is_nothing_written(gan_probe_command, checkpoint, person):
    person(lambda _: None)
    code, _, err = gan_probe_command("annotate", checkpoint, "-n", 5, "--out", "a")
    assert code == 0
    assert "nothing was written" in err
    assert not Path("a").exists()


def test_the_samples_are_the_runs_stream_whatever_the_batch_size(gan_probe_command, checkpoint, person):
    shown = []
    person(lambda server: shown.append(server.pixels))
    for batch_size in (3, 128):
        gan_probe_command("annotate", checkpoint, "-n", 8, "--seed", 5, "--batch-size", batch_size)
    samples = Context(5).samples(tiny_gan(classes=3), 8)
    for pixels in shown:
        np.testing.assert_array_equal(pixels, samples.pixels)


def test_a_later_start_shows_at_least_what_was_marked(gan_probe_command, checkpoint, person):
    person(tick(11))
    gan_probe_command("annotate", checkpoint, "-n", 12)
    shown = []
    person(lambda server: shown.append(len(server.pixels)))
    gan_probe_command("annotate", checkpoint, "-n", 4)
    assert shown == [12]


def test_another_tools_boxes_are_gone_on_with(gan_probe_command, checkpoint, person):
    coco = {"images": [{"id": 1, "file_name": "sample-000006_png.rf.1a.jpg", "width": 32, "height": 32}]}
    coco["annotations"] = [{"id": 1, "image_id": 1, "category_id": 5, "bbox": [4, 6, 8, 10]}]
    coco["categories"] = [{"id": 5, "name": "door"}]
    Path("theirs.json").write_text(json.dumps(coco))
    shown = []
    person(lambda server: shown.append((server.folder.state(), len(server.pixels))))
    code, out, _ = gan_probe_command("annotate", checkpoint, "-n", 4, "--boxes", "theirs.json", "--out", "a")
    assert (code, out.splitlines()[1:]) == (0, [os.path.join("a", "boxes.json")])
    gan_probe_command("annotate", checkpoint, "-n", 4, "--out", "a")  # they are this checkpoint's now
    assert shown[0] == shown[1]
    assert shown[0][0]["samples"] == [[6, [[0, 2, 3, 4, 5]]]]
    assert shown[0][1] == 7
    code, _, err = gan_probe_command("annotate", checkpoint, "--boxes", "theirs.json", "--out", "a")
    assert code == 3
    assert "is there already" in err


def test_no_browser_is_opened_without_a_terminal(gan_probe_command, checkpoint, person, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    person(lambda _: None)
    gan_probe_command("annotate", checkpoint, "-n", 4)
    assert opened == []


def test_what_cannot_be_used_is_one_line(gan_probe_command, checkpoint, person, tmp_path):
    person(lambda _: pytest.fail("it was served"))
    gan = tiny_gan()
    save_checkpoint(GAN(gan.card, None, gan.discriminator), tmp_path / "d.pt")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "boxes.json").write_text("my notes")
    for code, words in (
        (2, (tmp_path / "d.pt",)),
        (3, (checkpoint, "--out", tmp_path / "a")),
        (5, (checkpoint, "--out", checkpoint)),
        (2, (checkpoint, "-n", 0)),
        (2, (checkpoint, "--port", 70_000)),
        (2, ()),
    ):
        answer, out, err = gan_probe_command("annotate", *words)
        assert (answer, out) == (code, "")
        assert len(err.splitlines()) == 1
    assert (tmp_path / "a" / "boxes.json").read_text() == "my notes"


@pytest.mark.skipif(os.name != "posix", reason="signals as terminals send them")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 0), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)]
)
def test_a_signal_ends_the_real_command(number, code, checkpoint, tmp_path):
    line = [sys.executable, "-m", "gan_probe", "annotate", str(checkpoint), "-n", "5"]
    with subprocess.Popen(line, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            found = re.fullmatch(r"http://(.*?)(/.*)\n", process.stdout.readline())
            with contextlib.closing(http.client.HTTPConnection(found[1], timeout=20)) as connection:
                connection.request("GET", f"{found[2]}state")
                assert json.load(connection.getresponse())["count"] == 5
                # the connection stays open, as a browser keeps it
                process.send_signal(number)
                _, err = process.communicate(timeout=60)
            assert process.returncode == code
            assert "Traceback" not in err
        finally:
            process.kill()
