"""A stream of 3,000,000 images: images a second, memory, and what a training step loses by it.

    python benchmarks/stream.py [--images N ...] [--workers N] [--seconds S] [--folder DIR]

One tar shard of 100,000 small JPEGs is written, and hard links stand for the others: 0.2 GB on disk, which the system
soon holds in its cache, so that what is measured is the work, not the disk. Each number of images has a process of its
own. Memory is the resident set: of the training process when the set is opened, at the first batch and, at its
highest, at the end; and of the decoding processes. The last line is JSON.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gan_probe.data import open_data
from gan_probe.training.source import InMemory, Source
from gan_probe.training.stream import Stream

SHARD = 100_000
SIZE, BATCH = 32, 128
STEPS = 30


def write_shard(path: Path) -> None:
    """100,000 images of 1,000 contents: smooth noise, a kilobyte of JPEG each, as a photograph is."""
    rng = np.random.default_rng(0)
    contents = []
    for _ in range(1000):
        coarse = Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8))
        file = io.BytesIO()
        coarse.resize((SIZE, SIZE), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
        contents.append(file.getvalue())
    with tarfile.open(path, "w") as tar:
        for i in range(SHARD):
            member = tarfile.TarInfo(f"{i:08}.jpg")
            member.size = len(contents[i % 1000])
            tar.addfile(member, io.BytesIO(contents[i % 1000]))


def resident(pid: int | str = "self") -> int:
    """Resident memory in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


def children() -> list[int]:
    """The process ids of the decoders."""
    found = Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split()
    return [int(pid) for pid in found]


def one(folder: Path, n: int, workers: int, seconds: float) -> dict[str, Any]:
    """Open `n` images and read them for that long."""
    shards = max(1, n // SHARD)
    before = resident()
    clock = time.perf_counter()
    split = open_data(str(folder / f"part-{{000..{shards - 1:03}}}.tar")).train
    opening = time.perf_counter() - clock
    opened = resident()
    source = Stream(split, SIZE, 3, workers=workers)
    naming = time.perf_counter() - clock - opening
    clock = time.perf_counter()
    batches = source.epoch(np.random.default_rng(0), BATCH)
    next(batches)
    first_batch = time.perf_counter() - clock
    first = highest = resident()
    done, clock, spent = 0, time.perf_counter(), os.times()
    while time.perf_counter() - clock < seconds:
        done += len(next(batches)[0])
        highest = max(highest, resident())
    speed = done / (time.perf_counter() - clock)
    used = os.times()
    decoders = [resident(pid) for pid in children()]
    batches.close()
    clock = time.perf_counter()
    resumed = source.epoch(np.random.default_rng(0), BATCH, len(source) // BATCH - 10)
    next(resumed)
    resuming = time.perf_counter() - clock
    resumed.close()
    return {
        "images": len(source),
        "open_s": round(opening, 1),
        "fingerprint_s": round(naming, 1),
        "first_batch_s": round(first_batch, 2),
        "resume_near_the_end_s": round(resuming, 2),
        "images_per_second": round(speed),
        "read": done,
        "trainer_cpu_us_per_image": round((used.user + used.system - spent.user - spent.system) / done * 1e6, 1),
        "mb": {"python": before, "opened": opened, "first_batch": first, "highest": highest, "decoders": decoders},
    }


def step_speed(folder: Path, workers: int) -> dict[str, float]:
    """Images a second of a training step at 32 pixels, width 64, from memory and from the stream, alternating."""
    import torch

    from gan_probe.analysis import Context
    from gan_probe.training.recipe import BETAS, Recipe
    from gan_probe.training.step import adversarial_step
    from gan_probe.training.untrained import untrained

    device = "cuda" if torch.cuda.is_available() else "cpu"
    split = open_data(str(folder / "part-{000..000}.tar")).train.subset(np.arange(10_000))
    images = split.load(SIZE, 3).images
    gan, generator, discriminator = untrained(InMemory(images), Recipe(image_size=SIZE, width=64), Context())
    gan.to(device)
    optimisers = [torch.optim.Adam(net.parameters(), lr=2e-4, betas=BETAS) for net in (generator, discriminator)]
    sources: dict[str, Source] = {"memory": InMemory(images), "stream": Stream(split, SIZE, 3, workers=workers)}
    speeds: dict[str, list[float]] = {name: [] for name in sources}
    for round_ in range(3):
        for name, source in sources.items():
            batches = source.epoch(np.random.default_rng(round_), BATCH)
            next(batches)
            clock = time.perf_counter()
            for _ in range(STEPS):
                real = gan.from_uint8(next(batches)[0]).to(device)
                z = gan.latent(BATCH, np.random.default_rng(round_)).to(device)
                measured = adversarial_step(generator, discriminator, *optimisers, real, z)
            measured.sum().item()  # waits for the device
            speeds[name].append(STEPS * BATCH / (time.perf_counter() - clock))
            batches.close()
    return {"device": device} | {name: round(max(found), 1) for name, found in speeds.items()}


def main() -> None:
    """Make the shards, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[100_000, 1_000_000, 3_000_000])
    parser.add_argument("--workers", type=int, default=None, help="decoding processes; default: half of the cores")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--folder", type=Path, default=None, help="where the shards are made; default: a temporary one")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)  # started by itself
    arguments = parser.parse_args()
    from gan_probe.data.decoders import default_workers

    workers = arguments.workers or default_workers()
    if arguments.one is not None:
        result = one(arguments.folder, arguments.one, workers, arguments.seconds) if arguments.one else None
        print(json.dumps(result or step_speed(arguments.folder, workers)))
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        write_shard(folder / "part-000.tar")
        for i in range(1, max(arguments.images) // SHARD):
            os.link(folder / "part-000.tar", folder / f"part-{i:03}.tar")
        again = [sys.executable, __file__, "--folder", str(folder), "--workers", str(workers)]
        again += ["--seconds", str(arguments.seconds)]
        runs = []
        for n in [*arguments.images, 0]:
            done = subprocess.run([*again, "--one", str(n)], check=True, stdout=subprocess.PIPE, text=True)
            runs.append(json.loads(done.stdout.splitlines()[-1]))
            print(json.dumps(runs[-1]), flush=True)
        print(json.dumps({"workers": workers, "cores": os.cpu_count(), "runs": runs[:-1], "step": runs[-1]}))


if __name__ == "__main__":
    main()
