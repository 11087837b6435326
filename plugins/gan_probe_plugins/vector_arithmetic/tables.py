"""The tables: success by method, differences to the controls, and each criterion by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gan_probe import Table
from gan_probe.measures.intervals import Estimate, paired_difference, proportion, t_mean, wilson
from gan_probe_plugins.vector_arithmetic.trial import AROUND, CONTROLS, MEAN, PIXELS, SCALED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from gan_probe.report import Cell
    from gan_probe_plugins.vector_arithmetic import VectorArithmeticOptions
    from gan_probe_plugins.vector_arithmetic.rates import Scored

INTERVAL = ("low", "high")
FEW = 30  # draws below which nothing is said but that it holds
OURS = (SCALED,)  # controls beyond the paper's, which the verdict does not ask for


def equations(scored: Sequence[Scored]) -> Table:
    """The equations, what each should show, and how often its sum does."""
    rows: list[dict[str, Cell]] = []
    for number, s in enumerate(scored, 1):
        hits = s.success(MEAN)
        low, high = wilson(int(hits.sum()), len(hits))
        rows.append(
            {
                "number": number,
                "equation": s.trial.equation,
                "should show": wanted(s),
                "success": float(hits.mean()),
                "low": low,
                "high": high,
                "draws": len(hits),
            }
        )
    return Table(
        "equations",
        rows,
        title="The equations",
        caption="Success of the mean of exemplars, as in the next table. 95 % intervals over draws, Wilson. A sum "
        f"holds if its rate lies above those of all controls but {', '.join(OURS)}, which is ours.",
        formats=dict.fromkeys(("success", *INTERVAL), ".1%") | {"draws": ","},
    )


def success(scored: Sequence[Scored], k: int) -> Table:
    """The rate of success of each equation by each method."""
    rows: list[dict[str, Cell]] = []
    for number, s in enumerate(scored, 1):
        for method in (MEAN, AROUND, *CONTROLS):
            found = rate(s, method)
            rows.append(
                {
                    "equation": number,
                    "method": method,
                    "success": found.value,
                    "low": found.low,
                    "high": found.high,
                    "interval": found.method,
                    "draws": len(s.around),
                    "length": s.trial.lengths.get(method),
                }
            )
    return Table(
        "success",
        rows,
        title="How often the sum shows what it should",
        caption=f"Success: every class expected is the judge's first, and the image is plausible: as near to the "
        f"data as 95 % of others of it, and no overlay of several. {k} exemplars a concept; no sample serves "
        "twice. 95 % intervals over draws. Controls: one exemplar of each concept, also brought to a sample's length; "
        "sums of the exemplars' pixels; the third concept's mean without the rest; random samples. Length: of the "
        "latents, in typical ones.",
        formats=dict.fromkeys(("success", *INTERVAL), ".1%") | {"draws": ",", "length": ".2f"},
    )


def rate(s: Scored, method: str) -> Estimate:
    """How often a method succeeds, over draws; neighbours' successes are a share in each draw."""
    hits = s.around if method == AROUND else s.success(method)
    # shares that are all none, or all whole, have no spread for Student's t
    if method != AROUND or (hits == 0).all() or (hits == 1).all():
        return proportion(int(hits.sum()), len(hits))
    mean, low, high = t_mean(hits)
    return Estimate(mean, max(0.0, low), min(1.0, high), "Student's t")


def differences(scored: Sequence[Scored]) -> Table:
    """The paper's method minus each control, on the same draws."""
    rows: list[dict[str, Cell]] = []
    for number, s in enumerate(scored, 1):
        for control in CONTROLS:
            for criterion, of in (("success", s.success), ("shown, plausible or not", s.shown)):
                difference, low, high = paired_difference(of(MEAN), of(control))
                rows.append(
                    {
                        "equation": number,
                        "criterion": criterion,
                        "comparison": f"minus {control}",
                        "difference": difference,
                        "low": low,
                        "high": high,
                        "draws": len(s.around),
                    }
                )
    return Table(
        "differences",
        rows,
        title="The mean of exemplars against the controls",
        caption="Difference of rates over the same draws. 95 % intervals: Bonett-Price adjusted Wald, paired; each by "
        "itself, not corrected for their number.",
        formats=dict.fromkeys(("difference", *INTERVAL), "+.1%") | {"draws": ","},
    )


def criteria(scored: Sequence[Scored]) -> Table:
    """Each expected class, all together, and plausibility, by method."""
    rows: list[dict[str, Cell]] = []
    for number, s in enumerate(scored, 1):
        for method in (MEAN, *CONTROLS):
            parts = {f"shows {s.expected[judge]}": hit for judge, hit in s.shows[method].items()}
            if len(parts) > 1:
                parts["shows all"] = s.shown(method)
            for criterion, hit in (parts | {**s.looks[method], "plausible": s.plausible(method)}).items():
                low, high = wilson(int(hit.sum()), len(hit))
                rows.append(
                    {
                        "equation": number,
                        "method": method,
                        "criterion": criterion,
                        "share": float(hit.mean()),
                        "low": low,
                        "high": high,
                        "draws": len(hit),
                    }
                )
    return Table(
        "criteria",
        rows,
        title="By criterion",
        caption="Shares of draws that meet each criterion by itself. Near to the data: as near as 95 % of others. "
        "One image: no overlay of several, to the last judge. Plausible: both. 95 % intervals, Wilson.",
        formats=dict.fromkeys(("share", *INTERVAL), ".1%") | {"draws": ","},
    )


def exemplars(scored: Sequence[Scored], options: VectorArithmeticOptions) -> Table:
    """Where the exemplars come from, and those of the draw that is shown."""
    return Table(
        "exemplars",
        [
            {
                "equation": number,
                "concept": f"{sign} {term}",
                "pool": pool,
                "shown": ", ".join(map(str, numbers[0])),
            }
            for number, s in enumerate(scored, 1)
            for sign, term, pool, numbers in zip("+-+", s.trial.terms, s.pools, s.trial.numbers, strict=True)
        ],
        title="Exemplars",
        caption=f"Pool: those of the run's first {options.candidates:,} samples that every judge is at least "
        f"{options.confidence:.0%} sure of. Shown: numbers of the samples in the first draw.",
        formats={"pool": ","},
    )


def verdict(s: Scored) -> str:
    """One sentence on whether the arithmetic holds against its controls, or surely falls behind one of them."""
    word, against = _outcome(s)
    hits, n = int(s.success(MEAN).sum()), len(s.around)
    low, high = wilson(hits, n)
    beside = "; ".join(f"{how} {', '.join(controls)}" for how, controls in against.items())
    rate = f"{hits / n:.0%} ({low:.0%} to {high:.0%})"
    return f"{word}: {s.trial.equation} gives {wanted(s)} in {rate} of {n:,} draws: {beside}. Intervals: 95 %, paired."


def overall(scored: Sequence[Scored]) -> list[str]:
    """How many of several sums hold: the first of them alone would be a choice."""
    if len(scored) < 2:
        return []
    controls = ", ".join(control for control in CONTROLS if control not in OURS)
    held = sum(_outcome(s)[0] == "Holds" for s in scored)
    # sums of pixels can hardly be plausible, so a reader must know what is left of the verdict without that
    shown = sum(_outcome(s, s.shown)[0] == "Holds" for s in scored)
    return [
        f"{held} of {len(scored)} sums {_hold(held)}: above each of {controls}. Intervals: 95 %, each by itself. By "
        f"what they show, plausible or not, {shown} of {len(scored)} {_hold(shown)}; the classifier of overlays was "
        "trained on such sums of pixels."
    ]


def _hold(n: int) -> str:
    return "holds" if n == 1 else "hold"


def _outcome(s: Scored, of: Callable[[str], np.ndarray] | None = None) -> tuple[str, dict[str, list[str]]]:
    """The verdict's word, and the controls, with their rates, by how the sum stands to them; `of` is s.success."""
    of = of or s.success
    against: dict[str, list[str]] = {}
    held, failed = True, False
    for control in CONTROLS:
        _, low, high = paired_difference(of(MEAN), of(control))
        how = "above" if low > 0 else "below" if high < 0 else "not told apart from"
        shown = f"; shown in {s.shown(control).mean():.0%}" if control == PIXELS else ""
        against.setdefault(how, []).append(f"{control} ({of(control).mean():.0%}{shown})")
        held &= low > 0 or control in OURS
        failed |= high < 0 and control not in OURS
    word = "Holds" if held else "Undecided" if len(s.around) < FEW else "Fails" if failed else "Not shown"
    return word, against


def wanted(s: Scored) -> str:
    """The classes expected, joined as in an equation."""
    return " & ".join(s.expected.values())
