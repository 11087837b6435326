"""Exact nearest neighbours against faiss' IndexFlatL2 and scikit-learn's brute force, in one run.

    python benchmarks/neighbors.py [--shared FOLDER] [--samples N] [--rounds N]

The 5 nearest of CIFAR-10's 60,000 images (3,072 bytes each) to samples of cifar10-dcgan. Ours reads the images from a
mapped file: as bytes, as they are, and in float32, as the others take them. They take turns, each time in a process of
its own; least times are compared, by the clock and, for a machine that is shared, of the processor. faiss is not
charged for its index, and is left out where it is not installed (`pip install faiss-cpu`). Neighbours of eight samples
are checked against a float64 brute force. The last line is JSON.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from solver import Peak

K = 5


def images(folder: Path, shared: Path, n: int) -> None:
    """CIFAR-10's images and n samples into files in the folder, as bytes and in float32."""
    import gan_probe
    from gan_probe.analysis import Context

    subprocess.run([sys.executable, shared / "data" / "unpack", folder, "cifar10"], check=True)
    data, gan, ctx = gan_probe.open_data(folder / "cifar10"), gan_probe.load("cifar10-dcgan"), Context()
    assert data.test is not None
    real = np.concatenate([ctx.images(split, gan.card).images for split in (data.train, data.test)])
    fake = gan.to_uint8(gan.sample(gan.latent(n, ctx.rng("benchmark"))))
    for name, array in (("images", real), ("samples", fake)):
        np.save(folder / f"{name}-uint8.npy", array.reshape(len(array), -1))
        np.save(folder / f"{name}-float32.npy", array.reshape(len(array), -1).astype(np.float32))


def search(name: str, folder: Path) -> dict[str, Any]:
    """One search in this process: seconds, and for ours the peak memory beyond the data; indices into a file."""
    kind = "uint8" if name == "ours" else "float32"
    queries = np.load(folder / f"samples-{kind}.npy")
    rows = np.load(folder / f"images-{kind}.npy", mmap_mode="r" if name.startswith("ours") else None)
    threads = (
        len(os.sched_getaffinity(0)) if "OMP_NUM_THREADS" not in os.environ else int(os.environ["OMP_NUM_THREADS"])
    )
    if name.startswith("ours"):
        from gan_probe.neighbors import nearest

        nearest(queries[:10], rows[:10], 1)  # libraries are loaded by now

        def work() -> Any:
            return nearest(queries, rows, K).indices

    elif name == "faiss":
        import faiss

        faiss.omp_set_num_threads(threads)
        index = faiss.IndexFlatL2(rows.shape[1])
        index.add(rows)

        def work() -> Any:
            return index.search(queries, K)[1]

    else:
        from sklearn.neighbors import NearestNeighbors

        model = NearestNeighbors(n_neighbors=K, algorithm="brute", n_jobs=threads).fit(rows)

        def work() -> Any:
            return model.kneighbors(queries, return_distance=False)

    with Peak() as peak:
        started, busy = time.perf_counter(), time.process_time()
        found = work()
        seconds, busy = time.perf_counter() - started, time.process_time() - busy
    np.save(folder / f"found-{name}.npy", found)
    told = {"name": name, "seconds": round(seconds, 2), "cpu_seconds": round(busy, 2), "threads": threads}
    return {**told, "own_memory_gb": round(peak.gigabytes, 3)}


def exact(folder: Path, name: str) -> bool:
    """Whether eight samples' neighbours are those of a brute force in float64."""
    queries, rows = np.load(folder / "samples-uint8.npy"), np.load(folder / "images-uint8.npy", mmap_mode="r")
    found = np.load(folder / f"found-{name}.npy")
    for i in np.linspace(0, len(queries) - 1, 8).astype(int):
        apart = np.concatenate(
            [np.square(part.astype(np.float64) - queries[i]).sum(1) for part in np.array_split(rows, 60)]
        )
        if not np.array_equal(np.argsort(apart, kind="stable")[:K], found[i]):
            return False
    return True


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[2] / "shared")
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--search", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.search:
        print(json.dumps(search(asked.search, asked.folder)))
        return
    names = ["ours", "faiss", "ours float32", "sklearn"]
    if importlib.util.find_spec("faiss") is None:
        names.remove("faiss")
    best: dict[str, dict[str, float]] = {name: {} for name in names}
    peak = 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images(folder, asked.shared, asked.samples)
        for _ in range(asked.rounds):
            for contestant in names:
                call = [sys.executable, __file__, "--search", contestant, "--folder", name]
                done = subprocess.run(call, check=True, stdout=subprocess.PIPE)
                print(done.stdout.decode().strip(), flush=True)
                told = json.loads(done.stdout.splitlines()[-1])
                for clock in ("seconds", "cpu_seconds"):
                    best[contestant][clock] = min(best[contestant].get(clock, np.inf), told[clock])
                if contestant.startswith("ours"):
                    peak = max(peak, told["own_memory_gb"])
        checks = {ours: exact(folder, ours) for ours in ("ours", "ours float32")}

    def ratio(theirs: str, ours: str, clock: str = "seconds") -> float | None:
        return round(best[theirs][clock] / best[ours][clock], 2) if theirs in best else None

    found = {
        "ratio_faiss": ratio("faiss", "ours"),
        "ratio_sklearn": ratio("sklearn", "ours"),
        "peak_gb": peak,
        "exact": all(checks.values()),
        "cpu_ratio_faiss": ratio("faiss", "ours", "cpu_seconds"),
        "cpu_ratio_sklearn": ratio("sklearn", "ours", "cpu_seconds"),
        "float32": {
            "ratio_faiss": ratio("faiss", "ours float32"),
            "ratio_sklearn": ratio("sklearn", "ours float32"),
            "cpu_ratio_faiss": ratio("faiss", "ours float32", "cpu_seconds"),
            "cpu_ratio_sklearn": ratio("sklearn", "ours float32", "cpu_seconds"),
        },
        "best": best,
        "samples": asked.samples,
        "threads": told["threads"],
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
