from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_probe.checkpoints.native import load_checkpoint, save_checkpoint
from gan_probe.data import Data, Split
from gan_probe.feature_space import open_space
from gan_probe.report.model import Report
from gan_probe.testing import tiny_gan
from gan_probe.training import Recipe
from gan_probe.training.checkpoint import train_checkpoint
from gan_probe.training.grids import SampleGrids
from gan_probe.training.history import History
from gan_probe.training.monitor import MEASURES, Look, Monitor
from gan_probe.training.report import training_report
from gan_probe.training.verdict import Verdict

TINY = Recipe(epochs=3, width=4, z_size=8, batch_size=16)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    images = np.random.default_rng(0).integers(0, 256, (128, 16, 16, 1), dtype=np.uint8)
    out = tmp_path_factory.mktemp("trained") / "a.pt"
    train_checkpoint(Data("noise", Split.from_arrays("noise", images)), out, TINY)
    return out


def test_the_verdict_stands_first_with_its_evidence(trained: Path) -> None:
    report = json.loads((trained.parent / "a-training" / "report.json").read_text())
    (analysis,) = report["analyses"]
    assert [table["name"] for table in analysis["tables"]] == ["verdict", "losses", "measures"]
    assert analysis["tables"][0]["title"].startswith("Verdict: too early to tell")
    (finding,) = analysis["findings"]
    words, batch = analysis["tables"][0]["title"].removeprefix("Verdict: t"), analysis["options"]["batch_size"]
    assert finding.startswith(f"T{words}, and hardly a sample lies among real images (precision 0.000, ")
    assert finding.endswith(f"). 24 steps, each of {batch} of the 128 training images.")
    assert [figure["name"] for figure in analysis["figures"]] == [
        "losses",
        "signals",
        "samples-over-training",
        "samples",
    ]
    assert any("images a second" in note for note in analysis["notes"])
    page = (trained.parent / "a-training" / "index.html").read_text()
    assert page.index("Verdict: too early to tell") < page.index("Losses")


def test_the_signals_can_be_queried_later(trained: Path) -> None:
    lines = (trained.parent / "a-training" / "artifacts" / "training-monitor.csv").read_text().splitlines()
    assert lines[0] == "step,diversity,kinds,duplicates"
    assert [line.split(",")[0] for line in lines[1:]] == ["0", "1", "2", "4", "8", "16", "18", "20", "22", "24"]


def test_the_animation_shows_the_same_latents_over_training(trained: Path) -> None:
    content = (trained.parent / "a-training" / "artifacts" / "training-samples-over-training.webp").read_bytes()
    with Image.open(io.BytesIO(content)) as film:
        assert film.n_frames == 10


def test_the_card_keeps_the_verdict_and_info_shows_it(trained: Path, gan_probe_command) -> None:
    verdict = load_checkpoint(trained)[0].card.training["verdict"]
    assert (verdict["kind"], verdict["step"]) == ("unformed", None)
    code, out, _ = gan_probe_command("info", trained)
    assert code == 0
    assert verdict["words"][:17] in out


@pytest.mark.parametrize("verdict", ["steady", 3, None, {"words": ["steady"]}, {"kind": "steady"}, []])
def test_info_survives_a_verdict_of_another_kind(tmp_path: Path, gan_probe_command, verdict: object) -> None:
    gan = tiny_gan()
    gan.card.training["verdict"] = verdict
    save_checkpoint(gan, tmp_path / "a.pt")
    assert gan_probe_command("info", tmp_path / "a.pt")[0] == 0


def made(kind: str, words: str, look: Look | None = None) -> Report:
    """The report of a training of 10 steps on images of noise, after this look."""
    gan, rng = tiny_gan(), np.random.default_rng(0)
    grids, size = SampleGrids(1, rng), gan.card.image_size
    images = rng.integers(0, 256, (200, size, size, 1), np.uint8)
    monitor = Monitor(images, rng, open_space("pixels", size, 1))
    grids(0, gan)
    monitor(0, gan)
    monitor.looks += [] if look is None else [look]
    ran = {"recipe": {"batch_size": 128}, "steps": 10, "images": 200, "seconds": 2.0, "machine": "CPU"}
    gan.card.training.update(ran)
    return training_report(History(), gan, grids, monitor, Verdict(kind, None, words))


@pytest.mark.parametrize(
    ("kind", "words", "precision", "begins"),
    [
        ("steady", "steady", 0.0, "Steady, but hardly a sample lies among real images (precision 0.000, real images "),
        ("collapsed", "collapsed", 0.0, "Collapsed, and hardly a sample lies among real images (precision 0.000, "),
        ("steady", "steady", 0.9, "Steady. 10 steps"),
    ],
)
def test_a_steady_training_to_samples_like_nothing_real_is_told_as_such(
    kind: str, words: str, precision: float, begins: str
) -> None:
    measures = {name + end: precision for name in MEASURES for end in ("", "_low", "_high")}
    signals = {"diversity": 1.0, "kinds": 1.0, "duplicates": 0.0}
    (finding,) = made(kind, words, Look(10, signals, measures)).findings
    assert finding.startswith(begins)
    assert (", in pixels). 10 steps" in finding) == (precision == 0)


def test_the_speed_counts_the_images_of_minibatches_that_take_in_all_there_are() -> None:
    gan, rng = tiny_gan(), np.random.default_rng(0)
    grids, size = SampleGrids(1, rng), gan.card.image_size
    monitor = Monitor(np.zeros((40, size, size, 1), np.uint8), rng, open_space("pixels", size, 1))
    grids(0, gan)
    monitor(0, gan)
    ran = {"recipe": {"batch_size": 128}, "steps": 10, "images": 40, "seconds": 2.0, "machine": "CPU"}
    gan.card.training.update(ran)
    report = training_report(History(), gan, grids, monitor, Verdict("unformed", None, "too early to tell"))
    assert "Trained on CPU at 200 images a second, all told." in report.notes
