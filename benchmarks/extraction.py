"""Images a second of our feature extraction against onnxruntime's, on the same weights, alternating in one run.

    python benchmarks/extraction.py [CHECKPOINT] [--images N] [--threads N] [--rounds N]

Without a checkpoint: the paper's six-layer 3x3 discriminator at 32 pixels, random weights. onnxruntime runs the graph
that `gan-probe export` writes, in two forms: with its layers as outputs, pooled behind it (`layers`), and with the
pooling as nodes of the graph (`pooled`), the most that it can do. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import torch

import gan_probe
from gan_probe.checkpoints.onnx.surgery import exposed
from gan_probe.checkpoints.onnx.write import to_onnx
from gan_probe.dcgan import discriminator_stages
from gan_probe.features import batches, pooled, pooled_rows, recalibrate
from gan_probe.gan import GAN, Card
from gan_probe.network import Network, initialise

if TYPE_CHECKING:
    from collections.abc import Callable

GRID = 4
BATCH = 32  # the fastest for onnxruntime too


def six_layers() -> GAN:
    """The paper's six-layer discriminator, 128 to 512 maps, with random weights."""
    stages = discriminator_stages(32, 3, width=128, kernel=3, depth=2)
    net = initialise(Network(stages, 32), torch.Generator().manual_seed(0)).eval().requires_grad_(False)
    return GAN(Card("six layers", "random", 32, 3, discriminator=stages), discriminator=net)


def session(model: onnx.ModelProto, threads: int) -> onnxruntime.InferenceSession:
    """The graph at onnxruntime's best: all optimisations, this many threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def with_pooling(model: onnx.ModelProto, sizes: dict[str, int]) -> onnx.ModelProto:
    """The graph with each layer max-pooled to the grid as its outputs."""
    names = []
    for name, size in sizes.items():
        side = size // GRID
        window = {"kernel_shape": [side] * 2, "strides": [side] * 2}
        model.graph.node.append(onnx.helper.make_node("MaxPool", [name], [f"{name}.pooled"], **window))
        names.append(f"{name}.pooled")
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return model


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", nargs="?")
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    gan = gan_probe.load(chosen.checkpoint) if chosen.checkpoint else six_layers()
    net = gan.discriminator
    if not isinstance(net, Network):
        parser.error("a checkpoint with a discriminator that torch runs, please")
    shape = (chosen.images, gan.card.image_size, gan.card.image_size, gan.card.channels)
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    net.statistics = recalibrate(net, batches(gan, images, np.arange(len(images)), 128))
    sizes = {layer.name: layer.size for layer in net.layers if layer.kind == "conv"}
    layers = list(sizes)
    graph = to_onnx(net, "discriminator")
    plain = session(exposed(graph, layers), chosen.threads)
    fused = session(with_pooling(exposed(graph, layers), sizes), chosen.threads)

    def ours() -> np.ndarray:
        rows = pooled_rows(gan, net, images, layers, grid=GRID)
        return np.concatenate(list(rows))

    def runtime(session: onnxruntime.InferenceSession) -> np.ndarray:
        parts = []
        for start in range(0, len(images), BATCH):
            x = gan.from_uint8(images[start : start + BATCH]).numpy()
            found = map(torch.from_numpy, session.run(None, {"image": x}))
            maps = [f if f.shape[2] == GRID else torch.nn.functional.max_pool2d(f, f.shape[2] // GRID) for f in found]
            parts.append(torch.cat([m.flatten(1) for m in maps], 1).numpy())
        return np.concatenate(parts)

    contestants: dict[str, Callable[[], np.ndarray]] = {
        "ours": ours,
        "layers": lambda: runtime(plain),
        "pooled": lambda: runtime(fused),
    }
    reference, _ = pooled(gan, net, images, layers, grid=GRID)
    difference = max(float(np.abs(run() - reference).max()) for run in contestants.values())
    result: dict[str, float] = {"threads": chosen.threads, "largest_difference": difference}
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants}  # (seconds, processor seconds)
    for _ in range(chosen.rounds):
        for name, run in contestants.items():
            began = time.perf_counter(), time.process_time()
            run()
            took[name].append((time.perf_counter() - began[0], time.process_time() - began[1]))
    for name, each in took.items():
        wall, processor = (len(images) / statistics.median(seconds) for seconds in zip(*each, strict=True))
        print(f"{name:>8}: {wall:8.0f} images a second, {processor:8.0f} a processor second")
    for i, clock in enumerate(("", "_processor")):  # where other programs are busy, trust the processor's
        for name in ("layers", "pooled"):
            pairs = zip(took[name], took["ours"], strict=True)
            result[f"ratio_{name}{clock}"] = round(statistics.median(a[i] / b[i] for a, b in pairs), 3)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
