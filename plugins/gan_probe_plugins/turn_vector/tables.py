"""The response by step, its steadiness by latent, and both beside random directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gan_probe import Table
from gan_probe.arithmetic import bootstrap_means, rises, spearman
from gan_probe.measures.intervals import paired_difference, wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.report import Cell
    from gan_probe_plugins.turn_vector import TurnVectorOptions
    from gan_probe_plugins.turn_vector.turning import Axes, Turned

SLACK = 0.05  # by which a response may fall and still count as rising: a saturated judge trembles
FEW = 30  # latents below which nothing is said but that it holds
AXIS, CONTROL = "the axis", "random directions"


def _responses(turned: Turned) -> tuple[np.ndarray, np.ndarray]:
    assert turned.responses is not None  # noqa: S101  # a judge was asked
    assert turned.control is not None  # noqa: S101
    return turned.responses, turned.control


def response(turned: Turned, rng: np.random.Generator) -> Table:
    """The mean response at every step."""
    own, control = _responses(turned)
    columns = [*bootstrap_means(own, rng), *bootstrap_means(control, rng)]  # six of (S,)
    names = ("response", "low", "high", "control", "control low", "control high")
    first, second = turned.axes.ends
    return Table(
        "response",
        [
            {"position": float(position)}
            | {name: float(column[i]) for name, column in zip(names, columns, strict=True)}
            for i, position in enumerate(turned.positions)
        ],
        title="The judge's response along the axis",
        caption=f"Mean over {len(own)} new latents of (1 + P({second}) - P({first})) / 2; positions in lengths of the "
        "axis, 0 the original. 95 % intervals: percentile bootstrap over latents. Control: random directions, each as "
        "long as its latent's axis.",
        formats=dict.fromkeys(names, ".3f") | {"position": "+.1f"},
    )


def steadiness(turned: Turned, rng: np.random.Generator) -> Table:
    """Rank correlation with the step, and the share of latents whose response never falls."""
    rows: list[dict[str, Cell]] = []
    for name, responses in zip((AXIS, CONTROL), _responses(turned), strict=True):
        mean, low, high = (float(v[0]) for v in bootstrap_means(spearman(responses)[:, None], rng))
        rising = rises(responses, SLACK)
        below, above = wilson(int(rising.sum()), len(rising))
        rows.append(
            {
                "along": name,
                "spearman": mean,
                "low": low,
                "high": high,
                "monotone": float(rising.mean()),
                "from": below,
                "to": above,
                "latents": len(responses),
            }
        )
    return Table(
        "steadiness",
        rows,
        title="How steadily single latents turn",
        caption="Spearman: mean over latents of the rank correlation of response and step; 95 % percentile bootstrap "
        f"over latents. Monotone: share of latents whose response rises by more than {SLACK} in all and is never more "
        f"than {SLACK} below an earlier step; from and to: 95 % Wilson.",
        formats=dict.fromkeys(("spearman", "low", "high"), "+.2f")
        | dict.fromkeys(("monotone", "from", "to"), ".1%")
        | {"latents": ","},
    )


def difference(turned: Turned) -> Table:
    """The share of monotone latents, against random directions from the same latents."""
    own, control = (rises(responses, SLACK) for responses in _responses(turned))
    value, low, high = paired_difference(own, control)
    return Table(
        "difference",
        [
            {
                "comparison": f"monotone along {AXIS} minus {CONTROL}",
                "difference": value,
                "low": low,
                "high": high,
                "latents": len(own),
            }
        ],
        title="Against random directions",
        caption="Same latents. 95 % interval: Bonett-Price adjusted Wald for paired proportions.",
        formats=dict.fromkeys(("difference", "low", "high"), "+.1%") | {"latents": ","},
    )


def exemplars(axes: Axes, options: TurnVectorOptions) -> Table:
    """Which samples the axis that is shown lies between."""
    pools: tuple[int | None, ...] = axes.pools or (None, None)
    return Table(
        "exemplars",
        [
            {"end": end, "n": numbers.shape[1], "pool": pool, "samples": ", ".join(map(str, numbers[0]))}
            for end, numbers, pool in zip(axes.ends, axes.numbers, pools, strict=True)
        ],
        title="Exemplars of the axis shown",
        caption="Numbers of the run's samples. "
        + (
            "As marked by hand."
            if axes.pools is None
            else f"Pool: those of the first {options.candidates:,} of which the judge is at least "
            f"{options.confidence:.0%} sure; every latent but those shown has an axis from other exemplars."
        ),
        formats={"pool": ","},
    )


def mean_rises(means: Sequence[float]) -> bool:
    """Whether the mean response at each step rises as a single latent's must: a judge that trembles may let it dip."""
    return bool(rises(np.array([means]), SLACK)[0])


def verdict(response: Table, steadiness: Table, turned: Turned) -> str:
    """One sentence on whether the mean response rises, and single latents turn oftener than chance makes them.

    It fails where latents surely turn less often than along random directions: of a mean that does not rise there is no
    interval to say so.
    """
    means = np.array([float(row["response"] or 0) for row in response.rows])
    rising = int((np.diff(means) > 0).sum())
    axis, control = steadiness.rows
    apart = difference(turned).rows[0]
    more, low, high = (100 * float(apart[name] or 0) for name in ("difference", "low", "high"))
    n = int(axis["latents"] or 0)
    holds = low > 0 and mean_rises(means.tolist())
    word = "Holds" if holds else "Undecided" if n < FEW else "Fails" if high < 0 else "Not shown"
    first, second = turned.axes.ends
    return (
        f"{word} by the judge: from {first} to {second} the mean response goes from "
        f"{means[0]:.2f} to {means[-1]:.2f} and rises at {rising} of {len(means) - 1} steps; {axis['monotone']:.0%} of "
        f"{n:,} latents turn monotonely, {control['monotone']:.0%} along random directions as long "
        f"({more:+z.0f} points, {low:+z.0f} to {high:+z.0f}). Interval: 95 %."
    )
