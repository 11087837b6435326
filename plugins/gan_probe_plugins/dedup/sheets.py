"""Pictures to judge by eye: the largest groups, random pairs with numbers, and where the limit lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import FuncFormatter

from gan_probe import Figure
from gan_probe.report.figures import COLUMN, PAGE, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure as MatplotlibFigure

    from gan_probe_plugins.dedup.methods import Method, Methods
    from gan_probe_plugins.dedup.world import Seen

ROWS, MEMBERS = 16, 12  # groups on the sheet, and images of each
PAIRS_IN_ROW = 8
GAP = 2  # pixels


def groups_sheet(seen: Seen, method: Method) -> Figure:
    """The largest groups, a row each: the image kept, then images left out."""
    shown = method.groups[:ROWS]
    places = max(4, min(MEMBERS, len(shown[0])))
    figure = new_figure(PAGE, 0.3 + 0.48 * len(shown)) if places > 5 else new_figure(COLUMN, 0.3 + 0.48 * len(shown))
    axes = figure.subplots(len(shown), 1, squeeze=False)[:, 0]
    for axis, (number, group) in zip(axes, enumerate(shown, 1), strict=True):
        _show(axis, _strip([seen.images[i] for i in group[:MEMBERS]], places))
        axis.set_ylabel(f"{number}. {len(group):,} images", rotation=0, ha="right", va="center", labelpad=6)
    axes[0].set_title("kept, then left out", loc="left")
    in_groups = sum(map(len, method.groups))
    return Figure(
        "groups",
        figure,
        title="The largest groups",
        caption=f"The first of each group is kept; up to {MEMBERS} of its images are shown. "
        f"{len(shown)} of {len(method.groups):,} groups by {method.name}, which hold {in_groups:,} of "
        f"{len(seen.images):,} images.",
        alt="Rows of images that were taken for duplicates of each other, the largest groups first.",
    )


def pairs_sheet(seen: Seen, pairs: np.ndarray, of: int, method: Method) -> Figure:
    """Numbered pairs of an image kept and one left out for it."""
    return Figure(
        "pairs",
        _numbered([(seen.images[a], seen.images[b]) for a, b in pairs.tolist()]),
        title="Random pairs to judge",
        caption=f"{len(pairs)} random pairs of the {of:,} images that {method.name} leaves out: kept on the left, left "
        "out on the right. Write yes or no after each number in pairs.csv and pass it as --judged: the same data and "
        "seed draw the same pairs.",
        alt="Numbered pairs of images that were taken for duplicates.",
    )


def test_sheet(train: Seen, test: Seen, pairs: np.ndarray, agreements: np.ndarray, of: int) -> Figure:
    """Pairs (P, 2) of a test image and its like in the training set, a random few, the best agreement first."""
    shown = pairs[np.argsort(-agreements, kind="stable")]
    return Figure(
        "test-pairs",
        _numbered([(test.images[a], train.images[b]) for a, b in shown.tolist()]),
        title="Test images that the training set holds",
        caption=f"{len(shown)} of {of:,}, drawn at random: test images on the left, training images on the right; "
        "those that agree best come first.",
        alt="Numbered pairs of a test image and a training image taken for its duplicate.",
    )


def agreement_chart(methods: Methods, turned: np.ndarray) -> Figure:
    """Each image's best agreement with another of the set, the limit, and the control's (M,)."""
    search = methods.search
    assert search.limit is not None  # noqa: S101  # set by the search
    bins = np.linspace(0, 1, 51)
    figure = new_figure(COLUMN, 2.3)
    axes = figure.subplots()
    for values, name, style in ((search.best, "images of the set", "-"), (turned, "control: turned by 180°", "--")):
        share = np.histogram(np.clip(values, 0, 1), bins)[0] / len(values)
        axes.stairs(np.where(share > 0, share, np.nan), bins, label=name, linestyle=style, linewidth=1.4, baseline=None)
    axes.axvline(search.limit, color="#222222", linewidth=1, linestyle=":", label=f"limit, {search.limit:.3f}")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g}%"))
    axes.set_xlabel("best agreement with another image")
    axes.set_ylabel("share of images")
    figure.legend(loc="outside upper left", ncols=2, frameon=False)
    return Figure(
        "agreement",
        figure,
        title="Where the limit lies",
        caption=f"Best agreement of each of {len(search.best):,} images with another, and of {len(turned):,} turned by "
        "180 degrees, which are copies of none: the control. Shares of single images, without intervals. Images right "
        "of the limit are duplicates.",
        alt="Histograms of agreement on a logarithmic scale; duplicates lie right of the limit.",
    )


def _numbered(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> MatplotlibFigure:
    rows = -(-len(pairs) // PAIRS_IN_ROW)
    columns = min(PAIRS_IN_ROW, len(pairs))
    figure = new_figure(PAGE if columns > 4 else COLUMN, 0.6 * rows + 0.1)
    for number, (axis, pair) in enumerate(zip(figure.subplots(rows, columns, squeeze=False).flat, pairs), 1):  # noqa: B905  # the last row may have gaps
        _show(axis, _strip(pair, 2))
        axis.set_title(str(number), fontsize=7.5, pad=1.5)
    for axis in figure.axes[len(pairs) :]:
        axis.set_visible(False)
    return figure


def _show(axis: Any, picture: np.ndarray) -> None:
    axis.imshow(picture, interpolation="nearest")
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)


def _strip(images: Sequence[np.ndarray], places: int) -> np.ndarray:
    """Images (H, W, 3) side by side on white, with room for so many."""
    height, width = images[0].shape[:2]
    strip = np.full((height, places * (width + GAP) - GAP, 3), 255, np.uint8)
    for place, image in enumerate(images):
        left = place * (width + GAP)
        strip[:, left : left + width] = image
    return strip
