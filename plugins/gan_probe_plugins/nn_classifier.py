"""The paper's Table 3: a nearest-neighbour classifier fitted on conditional samples, scored on real test images.

The samples are a stream: generated, compared with all test images, forgotten, so that there may be ten million.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gan_probe import Analysis, BadInputError, Figure, Measure, Options, Report, Table, hookimpl, option
from gan_probe_plugins.references import works

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy as np

    from gan_probe import GAN, Context
    from gan_probe.data import Data, Images
    from gan_probe.report import Cell

# training set, its size, test error: the paper's Table 3, for MNIST
PUBLISHED = (
    ("AlignMNIST", 10_000_000, 0.014),
    ("InfiMNIST", 10_000_000, 0.026),
    ("real data", 50_000, 0.031),
    ("GAN", 50_000, 0.0628),
    ("GAN", 10_000_000, 0.0565),
    ("DCGAN", 50_000, 0.0298),
    ("DCGAN", 10_000_000, 0.0148),
)
SAMPLES, REAL = "samples", "real data"
SHARED = 10_000  # samples that other analyses of the run may use too
CHUNK = 4096  # samples held at a time beyond those


@dataclass(frozen=True)
class NNClassifierOptions(Options):
    """Options of `nn-classifier`."""

    sizes: tuple[int, ...] = option((10_000, 50_000), "samples to fit on, such as 10000,50000,10000000", min=1)
    test_size: int | None = option(None, "test images: a seeded, stratified draw (default: all)", min=2)


class NNClassifier(Analysis[NNClassifierOptions]):
    """Fit a nearest-neighbour classifier on conditional samples and score it on real test images."""

    name = "nn-classifier"
    title = "Nearest-neighbour classifier fitted on samples"
    needs = frozenset({"sample", "labels", "data"})
    references = works("bonett2012", "radford2016", "wilson1927")
    examples = (
        "gan-probe run --plugin nn-classifier mnist-conditional-dcgan --data mnist --download",
        "gan-probe run --plugin nn-classifier ckpt.pt --data mnist --sizes 10000,100000,1000000",
    )
    Options = NNClassifierOptions

    def check(self, gan: GAN | None, options: NNClassifierOptions, data: Data | None) -> None:  # noqa: ARG002
        """The data need labels, of the model's own classes."""
        if gan is not None and data is not None:
            if data.train.labels is None:
                raise BadInputError(f"{data.name} has no labels to score by: use class sub-folders, or --labels")
            _matched(gan.card.classes, data.train.classes, data.name)

    def run(self, gan: GAN | None, options: NNClassifierOptions, ctx: Context) -> Report:
        """Compare every sample, and every real training image, with the test images, and forget it."""
        import numpy as np

        assert gan is not None  # noqa: S101  # `needs` says so
        assert ctx.data is not None  # noqa: S101  # as above
        train, test = ctx.data.train_test(ctx.rng("nn-classifier/split"))
        if options.test_size is not None:
            test = test.take(options.test_size, ctx.rng("nn-classifier/test"))
        to_data = _matched(gan.card.classes, train.classes, ctx.data.name)
        seen, judged = ctx.images(train, gan.card), ctx.images(test, gan.card)
        truth = _labels(judged)
        order = ctx.rng("nn-classifier/order").permutation(len(seen))
        labels = _labels(seen)[order]
        sizes = sorted(set(options.sizes))
        real_sizes = sorted({n for n in sizes if n < len(seen)} | {len(seen)})
        real = _predictions(
            judged, (seen.images[order[i : i + CHUNK]] for i in range(0, len(order), CHUNK)), real_sizes, ctx, REAL
        )
        drawn = _predictions(judged, _stream(gan, sizes[-1], ctx), sizes, ctx, SAMPLES)
        right = {
            SAMPLES: {n: to_data[near % len(to_data)] == truth for n, near in drawn.items()},
            REAL: {n: labels[near] == truth for n, near in real.items()},
        }
        chance = np.bincount(truth).max() / len(truth)
        notes = [f"Always naming the commonest class would err on {1 - chance:.1%} of these test images."]
        return _report(gan, right, to_data[drawn[sizes[-1]] % len(to_data)], judged, ctx.data.name, notes)


def _matched(classes: tuple[str, ...], theirs: tuple[str, ...], data: str) -> np.ndarray:
    """The data's index (K,) of each of the model's classes, which have the same names."""
    import numpy as np

    if set(classes) != set(theirs):
        odd = sorted(set(classes) ^ set(theirs))[0]
        raise BadInputError(f"class {odd!r:.40} is not both the model's and {data:.40}'s: pass data of its classes")
    return np.array([theirs.index(name) for name in classes])


def _stream(gan: GAN, n: int, ctx: Context) -> Iterator[np.ndarray]:
    """The run's first n samples (B, H, W, C) uint8, sample i of class i modulo the number of classes."""
    import torch

    shared = ctx.samples(gan, min(n, SHARED))
    yield shared.pixels
    rng = ctx.rng("samples/z")  # the same latents, one after another
    gan.latent(len(shared), rng)
    for start in range(len(shared), n, CHUNK):
        labels = torch.arange(start, min(start + CHUNK, n)) % len(gan.card.classes)
        yield gan.to_uint8(gan.sample(gan.latent(len(labels), rng), labels, ctx.batch_size))


def _predictions(
    judged: Images, stream: Iterable[np.ndarray], sizes: Sequence[int], ctx: Context, what: str
) -> dict[int, np.ndarray]:
    """The position (M,) of each test image's nearest among the first n of the stream, for each size n."""
    from gan_probe.neighbors import Search

    search = Search(judged.images.reshape(len(judged), -1), device=str(ctx.device))
    found: dict[int, np.ndarray] = {}
    for images in stream:
        rows = images.reshape(len(images), -1)
        while len(rows):
            stop = min(n for n in sizes if n > search.seen) - search.seen
            search.add(rows[:stop])
            rows = rows[stop:]
            if search.seen in sizes:
                found[search.seen] = search.found().indices[:, 0]
            ctx.progress(search.seen, sizes[-1], f"nearest of {what}")
    return found


def _report(
    gan: GAN,
    right: Mapping[str, Mapping[int, np.ndarray]],
    predicted: np.ndarray,
    judged: Images,
    data: str,
    notes: list[str],
) -> Report:
    from gan_probe.measures.intervals import paired_difference, proportion
    from gan_probe.report.figures import confusion_chart, curve_chart, unwritten

    truth = _labels(judged)
    rows: list[dict[str, Cell]] = []
    if "mnist" in data.lower() and "fashion" not in data.lower():
        rows += [_row(name, "published", n, error) for name, n, error in PUBLISHED]
    source = " Published rows are as the paper prints them, for MNIST." if rows else ""
    lines: dict[str, list[tuple[float, float, float, float]]] = {}
    for what, by_size in right.items():
        name = f"samples of {gan.card.name}" if what == SAMPLES else what
        for n, hits in by_size.items():
            error = proportion(int((~hits).sum()), len(hits))
            rows.append(_row(name, "measured here", n, error.value, error.low, error.high, len(hits)))
            lines.setdefault(name, []).append((float(n), error.value, error.low, error.high))
    whole = max(right[REAL])
    differences: list[dict[str, Cell]] = []
    for n, hits in right[SAMPLES].items():
        for m in sorted({n, whole} & set(right[REAL])):
            difference, low, high = paired_difference(~hits, ~right[REAL][m])
            row: dict[str, Cell] = {"samples": n, "real images": m, "difference": difference}
            differences.append(row | {"low": low, "high": high, "n_test": len(hits)})
    most = max(right[SAMPLES])
    caption = (
        f"Error of the nearest neighbour in pixels on {len(truth):,} real test images of {data}, by what it was fitted "
        "on. Intervals: 95 %, Wilson, over test images. Control: real training images in the samples' place."
    )
    counts = _confusion(truth, predicted, len(judged.classes))
    finding = _finding(right[SAMPLES][most], right[REAL][whole], most, whole)
    return Report(
        findings=[finding],
        tables=[
            Table(
                "errors",
                rows,
                title="Test error by training set",
                caption=f"{caption}{source}",
                formats=dict.fromkeys(("test error", "low", "high"), ".2%") | dict.fromkeys(("n", "n_test"), ","),
            ),
            Table(
                "differences",
                differences,
                title="Samples against real images",
                caption="Error when fitted on samples minus error when fitted on real images, on the same test images. "
                "Intervals: 95 %, Bonett-Price adjusted Wald for paired proportions, over test images.",
                formats=dict.fromkeys(("difference", "low", "high"), "+.2%")
                | dict.fromkeys(("samples", "real images", "n_test"), ","),
            ),
        ],
        figures=[
            Figure(
                "errors",
                curve_chart(lines, "images fitted on", "test error", spec=".1%"),
                title="Test error by the number of images fitted on",
                caption=caption + unwritten(list(lines)),
                alt=f"Test error falls to {float((~right[SAMPLES][most]).mean()):.1%} with {most:,} samples, and to "
                f"{float((~right[REAL][whole]).mean()):.1%} with {whole:,} real images.",
            ),
            Figure(
                "confusion",
                confusion_chart(counts, judged.classes),
                title="Which classes are taken for which",
                caption=f"Fitted on {most:,} samples: true classes in rows, predicted ones in columns, as shares of "
                f"{len(truth):,} test images' classes. Control and intervals: the row of real data in the table of "
                f"errors.{unwritten(judged.classes)}",
                alt="Matrix of true against predicted classes.",
            ),
        ],
        measures=[
            Measure(
                f"error-{n}",
                ~hits,
                f"Test error, fitted on {n:,} samples",
                "test image",
                f"test images {judged.fingerprint[:12]}",
                better="lower",
                format=".2%",
            )
            for n, hits in right[SAMPLES].items()
        ],
        methods=_methods(right, len(truth)),
        notes=notes,
    )


def _finding(on_samples: np.ndarray, on_real: np.ndarray, most: int, whole: int) -> str:
    from gan_probe.measures.intervals import paired_difference, proportion

    (mine, real), n = (proportion(int((~hits).sum()), len(hits)) for hits in (on_samples, on_real)), len(on_samples)
    more, low, high = (100 * share for share in paired_difference(~on_samples, ~on_real))
    return (
        f"Fitted on {most:,} sample{'' if most == 1 else 's'}, the nearest neighbour errs on {mine.value:.2%} "
        f"({mine.low:.2%} to {mine.high:.2%}) of {n:,} real test images; fitted on {whole:,} real images, on "
        f"{real.value:.2%} ({real.low:.2%} to {real.high:.2%}): a difference of {more:+z.2f} points ({low:+z.2f} to "
        f"{high:+z.2f}{': not told apart' if low <= 0 <= high else ''}). Intervals: 95 %, over "
        "test images; one stream of samples."
    )


def _methods(right: Mapping[str, Mapping[int, np.ndarray]], n_test: int) -> str:
    drawn, real = (" and ".join(f"{n:,}" for n in right[what]) for what in (SAMPLES, REAL))
    return (
        f"Following [@radford2016], a nearest-neighbour classifier in pixels (Euclidean distance) was fitted on the "
        f"first {drawn} conditional samples, as many of each class, and scored on {n_test:,} real test images. As a "
        f"control, the same classifier was fitted on {real} real training images. Intervals are 95 % over test images: "
        "Wilson's [@wilson1927] for errors, Bonett and Price's [@bonett2012] for paired differences."
    )


def _row(
    name: str,
    source: str,
    n: int,
    error: float,
    low: float | None = None,
    high: float | None = None,
    n_test: int | None = None,
) -> dict[str, Cell]:
    return {
        "training set": name,
        "source": source,
        "n": n,
        "test error": error,
        "low": low,
        "high": high,
        "n_test": n_test,
    }


def _confusion(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    import numpy as np

    counts = np.zeros((classes, classes), dtype=np.int64)  # (true, predicted)
    np.add.at(counts, (truth, predicted), 1)
    return counts


def _labels(images: Images) -> np.ndarray:
    assert images.labels is not None  # noqa: S101  # the split had labels
    return images.labels


@hookimpl
def register_analyses() -> Iterable[type[Analysis[Any]]]:
    """The analysis of this file."""
    return [NNClassifier]
