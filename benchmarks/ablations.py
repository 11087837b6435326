"""Which of the paper's constraints, when dropped, makes training fail: one run for each of them and each seed.

    python benchmarks/ablations.py [--shared FOLDER] [--data PATH] [--out FILE.csv] [--seeds N] [--epochs N] ...

Every run is `gan-probe train` at small scale: one thing differs from the paper's recipe. The table is written after
each run; called again, the runs that stand in it are not repeated, so that it can be stopped at any time. It ends with
a summary in Markdown. No judge has been trained: samples and as many images from the test split are compared as pixels.

- `kid`: kernel Inception distance's formula (cubic kernel, unbiased) between samples and test images, times 1000; the
  control `kid_real` is that between training and test images.
- `diversity`: mean distance between two samples, by that between two test images.
- `d_real`, `d_fake`: D's mean probabilities over the last steps; 1 and 0 when it has won.

A run has failed when a loss or weight stops being finite, when its KID is above twice the median of the paper's runs
(little learnt), or when diversity is below a half (collapsed). What a KID is before training depends on the seed
and the recipe: it stands in the file, and is no yardstick.
"""

from __future__ import annotations

import argparse
import csv
import io
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import gan_probe
from gan_probe.analysis import Context
from gan_probe.disk import write_text
from gan_probe.errors import BadInputError
from gan_probe.training import Recipe
from gan_probe.training.loop import train

if TYPE_CHECKING:
    from gan_probe.data import Images
    from gan_probe.gan import GAN

ABLATIONS: dict[str, dict[str, Any]] = {
    "none: the paper": {},
    "pooling, no strides": {"resampling": "pooling"},
    "no batch norm": {"batch_norm": "none"},
    "batch norm everywhere": {"batch_norm": "everywhere"},
    "dense hidden layers": {"dense": 256},
    "ReLU in D": {"d_activation": "relu"},
    "sigmoid output": {"output": "sigmoid"},
    "learning rate 1e-3": {"learning_rate": 1e-3},
    "release": {"recipe": "release"},
}
PAPER = next(iter(ABLATIONS))
KEY = ("ablation", "seed", "data", "images", "image_size", "width", "epochs", "batch_size")
COMPARED = 1000  # samples and test images


def kid(x: np.ndarray, y: np.ndarray) -> float:
    """Unbiased squared MMD of rows (N, F) and (M, F) under (x y / F + 1)^3, times 1000 (Binkowski et al. 2018)."""

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.asarray((a @ b.T / a.shape[1] + 1) ** 3)

    def within(a: np.ndarray) -> float:
        k = kernel(a, a)
        return float((k.sum() - np.trace(k)) / (len(a) * (len(a) - 1)))

    return 1000 * (within(x) + within(y) - 2 * float(kernel(x, y).mean()))


def spread(x: np.ndarray) -> float:
    """Mean distance between two different rows (N, F)."""
    squares = (x**2).sum(1)
    distances = np.sqrt(np.clip(squares[:, None] + squares - 2 * x @ x.T, 0, None))
    return float(distances.sum() / (len(x) * (len(x) - 1)))


def rows(images: np.ndarray) -> np.ndarray:
    """Images (N, H, W, C) uint8 as rows (N, H * W * C) in [-1, 1], whatever the recipe's own value range."""
    return images.reshape(len(images), -1).astype(np.float64) / 127.5 - 1


def run(key: dict[str, Any], real: Images, test: np.ndarray) -> dict[str, Any]:
    """Train once and measure."""
    common = {name: key[name] for name in ("image_size", "width", "epochs", "batch_size")}
    recipe = Recipe(**{**common, **ABLATIONS[key["ablation"]]})
    latents: list[torch.Tensor] = []
    before: list[float] = []

    def draw(gan: GAN) -> np.ndarray:
        if not latents:
            latents.append(gan.latent(len(test), Context(key["seed"]).rng("judged")))
        return rows(gan.to_uint8(gan.sample(latents[0], batch_size=128)))

    def untrained(epoch: int, gan: GAN) -> None:
        if epoch == 0:
            before.append(kid(draw(gan), test))

    began = time.perf_counter()
    found: dict[str, Any] = {"kid_real": kid(rows(real.images[: len(test)]), test)}
    try:
        gan, history = train(real.images, recipe, seed=key["seed"], on_epoch=untrained)
    except BadInputError as error:
        if "diverged" not in str(error):
            raise
        found |= {"failed": True, "why": "not finite"}
    else:
        samples, last = draw(gan), history.rows[-1]
        distance, diversity = kid(samples, test), spread(samples) / spread(test)
        found |= {"kid": distance, "kid_untrained": before[0], "diversity": diversity}
        found |= {name: getattr(last, name) for name in ("d_loss", "g_loss", "d_real", "d_fake")}
    return key | found | {"seconds": time.perf_counter() - began}


def judged(done: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The runs with `failed` and `why`, by the KID of the paper's."""
    paper = [float(row["kid"]) for row in done if row["ablation"] == PAPER and row.get("kid") not in (None, "")]
    line = 2 * statistics.median(paper) if paper else float("inf")
    found = []
    for row in done:
        why = str(row.get("why", ""))
        if row.get("kid") not in (None, ""):
            why = "little learnt" if float(row["kid"]) > line else "collapsed" if float(row["diversity"]) < 0.5 else ""
        found.append(row | {"failed": bool(why), "why": why})
    return found


COLUMNS = (*KEY, "failed", "why", "kid", "kid_untrained", "kid_real", "diversity")
COLUMNS += ("d_loss", "g_loss", "d_real", "d_fake", "seconds")


def table(done: list[dict[str, Any]]) -> str:
    """The runs as CSV."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(
        {k: f"{v:.5g}" if isinstance(v, float) else v for k, v in row.items() if k in COLUMNS} for row in done
    )
    return buffer.getvalue()


def summary(done: list[dict[str, Any]]) -> str:
    """One line for each ablation: failures, and medians with the smallest and the largest value."""

    def cell(group: list[dict[str, Any]], name: str, digits: int) -> str:
        values = [float(row[name]) for row in group if row.get(name) not in (None, "")]
        if not values:
            return "-"
        low, middle, high = (f"{f(values):.{digits}f}" for f in (min, statistics.median, max))
        return f"{middle} ({low} to {high})"

    lines = ["| dropped | failed | why | KID x 1000 | diversity | D(real) | D(fake) |", "|---|---|---|---|---|---|---|"]
    for name in ABLATIONS:
        group = [row for row in done if row["ablation"] == name]
        if group:
            failed = [row for row in group if str(row["failed"]) == "True"]
            why = ", ".join(sorted({str(row["why"]) for row in failed}))
            cells = [cell(group, "kid", 1), *(cell(group, key, 2) for key in ("diversity", "d_real", "d_fake"))]
            lines.append(f"| {name} | {len(failed)} of {len(group)} | {why} | {' | '.join(cells)} |")
    if any(row["ablation"] == PAPER and str(row["failed"]) == "True" for row in done):
        lines.append("\nThe paper's own recipe failed: at this scale the table tells slow from failed no better.")
    controls = [float(row["kid_real"]) for row in done]
    lines.append(f"\nControl: training against test images, KID x 1000 is {statistics.median(controls):.2f}.")
    return "\n".join(lines)


def main() -> None:
    """Run what is missing, and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[2] / "shared")
    parser.add_argument("--data", default="cifar10", help="a set of the shared folder, or any path with a test split")
    parser.add_argument("--out", type=Path, default=Path("ablations.csv"))
    parser.add_argument("--only", default="", help="comma-separated words: runs whose names hold one of them")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=128)
    chosen = parser.parse_args()
    done: list[dict[str, Any]] = []
    if chosen.out.exists():
        done = list(csv.DictReader(io.StringIO(chosen.out.read_text(encoding="utf-8"))))
    settings = {name: getattr(chosen, name) for name in KEY[2:]}
    if strange := [row for row in done if any(row[name] != str(value) for name, value in settings.items())]:
        parser.error(f"{chosen.out} holds runs of other settings ({strange[0]['ablation']}): choose another --out")
    words = [word.strip() for word in chosen.only.split(",") if word.strip()]
    names = [name for name in ABLATIONS if not words or any(word in name for word in words)]
    finished = {(row["ablation"], int(row["seed"])) for row in done}
    missing = [(name, seed) for seed in range(chosen.seeds) for name in names if (name, seed) not in finished]
    if missing:
        real, test = images_of(chosen)
    for name, seed in missing:
        row = run({"ablation": name, "seed": seed, **settings}, real, test)
        done = judged([*done, row])
        write_text(chosen.out, table(done))
        print(f"{name}, seed {seed}: {done[-1]['why'] or 'fine'}, {row['seconds']:.0f} s", file=sys.stderr, flush=True)
    print(summary(judged(done)))


def images_of(chosen: argparse.Namespace) -> tuple[Images, np.ndarray]:
    """Training images, the same for every run, and rows of test images."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(chosen.data)
        if not path.exists():
            subprocess.run([sys.executable, chosen.shared / "data" / "unpack", scratch, chosen.data], check=True)
            path = next(Path(scratch).iterdir())
        data = gan_probe.open_data(path)
        assert data.test is not None, "choose data with a test split"
        rng = np.random.default_rng(0)
        channels = data.train.native_shape()[1]
        real = data.train.take(min(chosen.images, len(data.train)), rng).load(chosen.image_size, channels)
        test = data.test.take(min(COMPARED, len(data.test)), rng).load(chosen.image_size, channels)
    return real, rows(test.images)


if __name__ == "__main__":
    main()
