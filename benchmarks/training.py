"""Images a second of our training against a plain loop as PyTorch's DCGAN tutorial has it, alternating in one run.

    python benchmarks/training.py [--shared FOLDER] [--device D] [--threads N] [--rounds N] [--steps N] [--width N]

The same network (64 pixels, kernel 4, width 64), batch, Adam and images (UTKFace, as JPEG files). Plain: ImageFolder
and a DataLoader with 2 workers, eager, float32, contiguous, a sigmoid and BCELoss, the tutorial's order of updates and
its looks at losses and scores. Ours: `gan_probe.training.loop.train` on the images decoded beforehand (`load_seconds`),
in float32 and in bfloat16, without monitor and states. In memory: the plain loop on the same decoded images, so that
where a GPU waits for two processes that decode, it can be seen what is the step's. Every round starts all anew; their
first steps are not timed. The last line is JSON; `ratio` compares float32 with float32 on a CPU and bfloat16 with
float32 on a GPU, as medians over rounds, and `ratio_in_memory` likewise with the loop in memory.
`matmul_share` is the arithmetic that the step's products need, by the rate of a large matrix product here.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

import gan_probe
from gan_probe.dcgan import discriminator_stages, generator_stages
from gan_probe.network import Network
from gan_probe.training import Recipe
from gan_probe.training.loop import train

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np

SIZE, LATENT, BATCH = 64, 100, 128


class Enough(Exception):  # noqa: N818  # no error: it ends a training that would go on for days
    """Thrown out of the training when its steps have been timed."""


class Clock:
    """Images a second over `steps` steps behind the first `warm` ones."""

    def __init__(self, device: torch.device, warm: int, steps: int) -> None:
        self.device, self.warm, self.steps = device, warm, steps
        self.rate = 0.0
        self._began = 0.0

    def __call__(self, done: int, *_: object) -> None:
        """Called behind every step; raises Enough behind the last."""
        if done not in (self.warm, self.warm + self.steps):
            return
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        now = time.perf_counter()
        if done > self.warm:
            self.rate = self.steps * BATCH / (now - self._began)
            raise Enough
        self._began = now


def ours(images: np.ndarray, recipe: Recipe, clock: Clock) -> None:
    """Our training's loop, without what `gan-probe train` looks at and saves on the way."""
    train(images, recipe, device=clock.device, progress=clock)


def plain_networks(width: int) -> tuple[nn.Sequential, nn.Sequential]:
    """The tutorial's generator and discriminator, initialised as it does."""

    def up(inputs: int, outputs: int, stride: int = 2, padding: int = 1) -> list[nn.Module]:
        deconvolution = nn.ConvTranspose2d(inputs, outputs, 4, stride, padding, bias=False)
        return [deconvolution, nn.BatchNorm2d(outputs), nn.ReLU(True)]

    def down(inputs: int, outputs: int) -> list[nn.Module]:
        convolution = nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False)
        return [convolution, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2, inplace=True)]

    generator = nn.Sequential(
        *up(LATENT, width * 8, 1, 0),
        *up(width * 8, width * 4),
        *up(width * 4, width * 2),
        *up(width * 2, width),
        nn.ConvTranspose2d(width, 3, 4, 2, 1, bias=False),
        nn.Tanh(),
    )
    discriminator = nn.Sequential(
        nn.Conv2d(3, width, 4, 2, 1, bias=False),
        nn.LeakyReLU(0.2, inplace=True),
        *down(width, width * 2),
        *down(width * 2, width * 4),
        *down(width * 4, width * 8),
        nn.Conv2d(width * 8, 1, 4, 1, 0, bias=False),
        nn.Sigmoid(),
    )
    for module in (*generator, *discriminator):
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
        elif isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
    return generator, discriminator


def from_files(folder: Path) -> Callable[[], Iterable[torch.Tensor]]:
    """Epochs of minibatches as the tutorial reads them."""
    from torchvision import datasets, transforms

    steps = [transforms.Resize(SIZE), transforms.CenterCrop(SIZE), transforms.ToTensor()]
    steps.append(transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)))
    dataset = datasets.ImageFolder(str(folder), transforms.Compose(steps))
    loader = torch.utils.data.DataLoader(dataset, BATCH, shuffle=True, num_workers=2, drop_last=True)
    return lambda: (images for images, _ in loader)


def from_memory(images: np.ndarray) -> Callable[[], Iterable[torch.Tensor]]:
    """The same of images in memory, normalised beforehand: what is left of the difference is the step's."""
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().float().div_(127.5).sub_(1)

    def epoch() -> Iterable[torch.Tensor]:
        order = torch.randperm(len(pixels))
        return (pixels[chosen] for chosen in order[: len(order) // BATCH * BATCH].split(BATCH))

    return epoch


def plain(epoch: Callable[[], Iterable[torch.Tensor]], width: int, clock: Clock) -> None:
    """The tutorial's loop."""
    device = clock.device
    generator, discriminator = (net.to(device) for net in plain_networks(width))
    criterion = nn.BCELoss()
    d_adam, g_adam = (
        torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (discriminator, generator)
    )
    done = 0
    while True:
        for images in epoch():
            discriminator.zero_grad()
            real = images.to(device)
            label = torch.full((BATCH,), 1.0, device=device)
            output = discriminator(real).view(-1)
            d_real = criterion(output, label)
            d_real.backward()
            output.mean().item()  # D(x), as the tutorial looks at it in every step
            fake = generator(torch.randn(BATCH, LATENT, 1, 1, device=device))
            label.fill_(0.0)
            output = discriminator(fake.detach()).view(-1)
            d_fake = criterion(output, label)
            d_fake.backward()
            output.mean().item()
            d_adam.step()
            generator.zero_grad()
            label.fill_(1.0)
            output = discriminator(fake).view(-1)
            g_loss = criterion(output, label)
            g_loss.backward()
            output.mean().item()
            g_adam.step()
            (d_real + d_fake).item(), g_loss.item()
            done += 1
            clock(done)


def arithmetic(width: int) -> float:
    """Floating-point operations of the products that one image needs in one step."""

    def macs(network: Network) -> list[int]:
        found, size = [], network.input_size
        for stage in network.stages:
            pixels = size if stage.op == "conv_transpose" else 1 if stage.op == "linear" else stage.size(size)
            found.append(stage.inputs * stage.outputs * stage.kernel**2 * pixels**2)
            size = stage.size(size)
        return found

    g = sum(macs(Network(generator_stages(SIZE, 3, LATENT, width, 4), 1)))
    first, *rest = macs(Network(discriminator_stages(SIZE, 3, width, 4), SIZE))
    d = first + sum(rest)
    # G forward and twice backward; D so for real and generated images, whose own gradients nobody wants, and once more
    # forward and back to the image for G
    return 2.0 * (3 * g + 2 * (3 * d - first) + 2 * d)


def matmul_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations a second of a large square matrix product; the best of six."""
    n = 8192 if device.type == "cuda" else 2048
    a, b = (torch.randn(n, n, device=device).to(dtype) for _ in range(2))
    best = 0.0
    for _ in range(6):
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        began = time.perf_counter()
        (a @ b)[0, 0].item()
        best = max(best, 2 * n**3 / (time.perf_counter() - began))
    return best


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[2] / "shared")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, help="default: torch's own number")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, help="timed ones; default 3, on a GPU 200")
    parser.add_argument("--width", type=int, default=64)
    chosen = parser.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    device = torch.device(chosen.device)
    on_gpu = device.type == "cuda"
    warm, steps = (20, chosen.steps or 200) if on_gpu else (1, chosen.steps or 3)
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run([sys.executable, chosen.shared / "data" / "unpack", scratch, "utkface64"], check=True)
        began = time.perf_counter()
        images = gan_probe.open_data(Path(scratch) / "utkface64").train.load(SIZE, 3).images
        load_seconds = time.perf_counter() - began
        recipe = Recipe(epochs=10**6, image_size=SIZE, width=chosen.width, kernel=4, batch_size=BATCH)
        low = Recipe(**{**vars(recipe), "precision": "bfloat16"})
        contestants: dict[str, Callable[[Clock], None]] = {
            "float32": lambda clock: ours(images, recipe, clock),
            "plain": lambda clock: plain(from_files(Path(scratch)), chosen.width, clock),
            "in memory": lambda clock: plain(from_memory(images), chosen.width, clock),
            "bfloat16": lambda clock: ours(images, low, clock),
        }
        rates: dict[str, list[float]] = {name: [] for name in contestants}
        products: list[float] = []
        for number in range(chosen.rounds):
            for name, run in contestants.items():
                clock = Clock(device, warm, steps)
                try:
                    run(clock)
                except Enough:
                    rates[name].append(clock.rate)
                products.append(matmul_rate(device, torch.bfloat16 if on_gpu else torch.float32))
                print(f"round {number + 1}: {name:>8} {clock.rate:10,.1f} images a second", flush=True)

    def ratio(name: str, other: str = "plain") -> float:
        return round(statistics.median(a / b for a, b in zip(rates[name], rates[other], strict=True)), 3)

    medians = {name: statistics.median(values) for name, values in rates.items()}
    precision = "bfloat16" if on_gpu else "float32"
    share = medians[precision] * arithmetic(chosen.width) / statistics.median(products)
    result = {
        "ratio": ratio(precision),
        "device": torch.cuda.get_device_name(device) if on_gpu else f"CPU, {torch.get_num_threads()} threads",
        "ours_ips": round(medians[precision], 1),
        "plain_ips": round(medians["plain"], 1),
        "precision": precision,
        "ratio_float32": ratio("float32"),
        "ratio_bfloat16": ratio("bfloat16"),
        "ratio_in_memory": ratio(precision, "in memory"),
        "matmul_share": round(share, 3),
        "load_seconds": round(load_seconds, 2),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
