"""The paper's probe at full size: extraction and a path of five values of C, their time and their memory.

    python benchmarks/full_size.py [CHECKPOINT] [--data CIFAR10] [--images N]

Without a checkpoint: `imagenet32-dcgan`, six layers, 28,672 features of 50,000 images, 5.7 GB in a scratch folder. One
process does both, as the analysis does. Memory: what the process held of its own at most, and with the pages of the
features' file, which are the system's to take back. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from solver import Peak

import gan_probe
from gan_probe import l2svm
from gan_probe.analysis import Context
from gan_probe.features import Calibration, extract
from gan_probe.features.store import FeatureStore

GRID = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3)
RANKING_GAP = 1e-4  # as the analysis chooses C by


def main() -> None:
    """Extract, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", nargs="?", default="imagenet32-dcgan")
    parser.add_argument("--data", default=".cache/cifar10")
    parser.add_argument("--images", type=int, default=50_000)
    asked = parser.parse_args()
    gan, data, ctx = gan_probe.load(asked.checkpoint), gan_probe.open_data(asked.data), Context()
    assert gan.discriminator is not None
    assert data.test is not None
    rng = np.random.default_rng(0)
    split = data.train if len(data.train) <= asked.images else data.train.take(asked.images, rng)
    train, test = ctx.images(split, gan.card), ctx.images(data.test, gan.card)
    assert train.labels is not None
    layers = [layer.name for layer in gan.discriminator.layers if layer.kind == "conv"]
    with tempfile.TemporaryDirectory() as folder, Peak() as peak:
        began = time.perf_counter()
        calibration = Calibration(train, rng.permutation(len(train.images))[:10_000])
        seen, held_out = (
            found.array
            for found in extract(
                gan, gan.discriminator, (train, test), layers, calibration=calibration, store=FeatureStore(Path(folder))
            )
        )
        extraction = time.perf_counter() - began
        print(f"{seen.shape[0]:,} x {seen.shape[1]:,} and {len(held_out):,} features in {extraction:.0f} s", flush=True)
        solver, began, gap = 0.0, time.perf_counter(), 0.0
        for svm in l2svm.fit_path(seen, train.labels, GRID, gap=RANKING_GAP):
            took, gap = time.perf_counter() - began, max(gap, float(svm.gap.max()))
            solver += took
            right = float((svm.predict(held_out) == test.labels).mean())
            print(f"C {svm.C:g}: {took:.0f} s, {svm.readings} readings so far, accuracy {right:.4f}", flush=True)
            began = time.perf_counter()
    whole = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20 * 2**30 / 1e9
    told = {"extraction_s": round(extraction), "solver_s": round(solver), "readings": svm.readings, "gap": gap}
    print(json.dumps({**told, "own_memory_gb": round(peak.gigabytes, 2), "with_file_pages_gb": round(whole, 2)}))


if __name__ == "__main__":
    main()
