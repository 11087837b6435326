"""Arithmetic on exemplars that judges choose: how often a result shows what it should, by every method."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from gan_probe import BadInputError, Measure, Report
from gan_probe.arithmetic import disjoint_draws, implied, parse_concept, parse_equation
from gan_probe_plugins.concepts import Gallery, domain_note, doubts, judges_table, known_classes, open_judges, says
from gan_probe_plugins.vector_arithmetic import tables
from gan_probe_plugins.vector_arithmetic.looks import OVERLAY, looks_of
from gan_probe_plugins.vector_arithmetic.pictures import draws_figure, equation_figure, success_figure
from gan_probe_plugins.vector_arithmetic.trial import MEAN, PIXELS, RANDOM, Trial, work_out

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gan_probe import GAN, Context
    from gan_probe.judge import Judge
    from gan_probe_plugins.vector_arithmetic import VectorArithmeticOptions
    from gan_probe_plugins.vector_arithmetic.looks import Looks


@dataclass(frozen=True, eq=False)
class Scored:
    """A trial and its scores by method.

    `shows` holds each expected class' (R,) bool, `looks` that of each criterion of plausibility; `around` (R,) is the
    share of the sum's eight neighbours that succeed, and `pools` the numbers of samples that each term's exemplars
    were drawn from.
    """

    trial: Trial
    expected: Mapping[str, str]
    shows: Mapping[str, Mapping[str, np.ndarray]]
    looks: Mapping[str, Mapping[str, np.ndarray]]
    around: np.ndarray
    pools: tuple[int, ...]

    def shown(self, method: str) -> np.ndarray:
        """Whether each draw shows every class expected of it, (R,) bool."""
        return np.asarray(np.all(list(self.shows[method].values()), axis=0))

    def plausible(self, method: str) -> np.ndarray:
        """Whether each meets every criterion of plausibility, (R,) bool."""
        return np.asarray(np.all(list(self.looks[method].values()), axis=0))

    def success(self, method: str) -> np.ndarray:
        """Whether each shows what it should, plausibly, (R,) bool."""
        return np.asarray(self.shown(method) & self.plausible(method))


def with_judges(gan: GAN, options: VectorArithmeticOptions, ctx: Context) -> Report:
    """Draw exemplars many times, score every method, and set the paper's against its controls."""
    specs = options.judges or ()
    classes = known_classes(specs, ctx)
    equations = [parse_equation(text) for text in options.equations or default_equations(classes)]
    expected = [implied(*(parse_concept(term, classes) for term in terms)) for terms in equations]
    judges = open_judges(specs, gan.card, ctx)
    gallery = Gallery.judged(ctx.samples(gan, options.candidates), judges)
    looks = looks_of(gan, gallery, options, ctx)
    scored: list[Scored] = []
    left_out: list[BadInputError] = []
    for i, (terms, left) in enumerate(zip(equations, expected, strict=True)):
        ctx.progress(i, len(equations), "equations")
        try:
            numbers, pools = _exemplars(gallery, terms, options, ctx)
        except BadInputError as error:  # the other equations may have enough
            left_out.append(error)
            continue
        trial = work_out(gan, gallery.samples, terms, list(numbers), ctx)
        scored.append(_score(trial, left, judges, looks, pools))
    ctx.progress(len(equations), len(equations), "equations")
    if not scored:
        raise left_out[0]
    figures = []
    for i, s in enumerate(scored, 1):
        figures += [
            equation_figure(s.trial, gallery.samples, i, f"the first of {len(s.around)} draws, not chosen"),
            draws_figure(s, i),
            success_figure(s, i),
        ]
    return Report(
        findings=[*tables.overall(scored), *map(tables.verdict, scored)],
        tables=[
            tables.equations(scored),
            tables.success(scored, options.exemplars),
            tables.differences(scored),
            tables.criteria(scored),
            tables.exemplars(scored, options),
            judges_table(
                {**judges, OVERLAY: looks.overlay},
                {**gallery.probabilities, OVERLAY: looks.overlay(gallery.samples.pixels)},
            ),
        ],
        figures=figures,
        measures=[
            Measure(
                f"success-{i}",
                s.success(MEAN),
                f"Success of {s.trial.equation}",
                "draw of exemplars",
                # chosen among this generator's own samples: with those of another one they do not pair
                f"exemplars of {gan.card.sha256 or gan.card.name}, seed {ctx.seed}",
                better="higher",
                format=".1%",
            )
            for i, s in enumerate(scored, 1)
        ],
        methods=_methods(scored, judges, options),
        notes=[
            *doubts(judges, gallery.probabilities),
            *(f"Left out: {error}." for error in left_out),
            *_cautions(scored),
            looks.note,
            domain_note(judges, "generated images and sums"),
        ],
    )


def _methods(scored: Sequence[Scored], judges: Mapping[str, Judge], options: VectorArithmeticOptions) -> str:
    draws = sorted({len(s.around) for s in scored})
    return (
        f"As in section 6.3.2 of [@radford2016], a concept's latent is the mean of {options.exemplars} exemplars, and "
        f"sums A - B + C of concepts were worked out for {len(scored)} equation{'s' if len(scored) > 1 else ''}, "
        f"{' to '.join(dict.fromkeys(f'{n:,}' for n in (draws[0], draws[-1])))} times each with other exemplars. "
        f"{len(judges)} classifier{'s' if len(judges) > 1 else ''} of labelled images chose the exemplars among "
        f"{options.candidates:,} samples, at a confidence of {options.confidence:.0%}, and said whether a sum shows "
        "the classes expected; a sum succeeds if it does and is plausible: as near to reference images as 95 % of "
        "others of their kind, and no overlay to a classifier that learned such images from sums of their pixels. "
        "Controls are single exemplars, also brought to a sample's length, sums of the exemplars' pixels, the third "
        "concept alone, and random latents. Intervals are 95 % over draws: Wilson's [@wilson1927] for rates, Student's "
        "t for the sum's neighbours, Bonett and Price's [@bonett2012] for paired differences."
    )


def default_equations(classes: Mapping[str, Sequence[str]]) -> list[str]:
    """Each judge's last class given to the next judge's, or to its own first where there is one judge alone."""
    ends = [(known[0], known[-1]) for known in classes.values()]
    if len(ends) == 1:
        without, with_ = ends[0]
        return [f"{with_} - {without} + {without}"]
    return [f"{a} & {no_b} - {no_a} & {no_b} + {no_a} & {b}" for (no_a, a), (no_b, b) in pairwise(ends)]


def _exemplars(
    gallery: Gallery, terms: tuple[str, str, str], options: VectorArithmeticOptions, ctx: Context
) -> tuple[np.ndarray, tuple[int, ...]]:
    pools = [gallery.pool(term, options.confidence) for term in terms]
    rng = ctx.rng(f"vector-arithmetic/exemplars/{' - '.join(terms)}")
    numbers = disjoint_draws(pools, options.exemplars, options.draws, rng)
    if numbers.shape[1] < 2:
        rarest = int(np.argmin([len(pool) for pool in pools]))
        raise BadInputError(
            f"too few samples for two draws: {len(pools[rarest])} of {options.candidates:,} show "
            f"{terms[rarest][:50]!r} at {options.confidence:.0%}; try more --candidates or less --confidence"
        )
    return numbers, tuple(map(len, pools))


def _score(
    trial: Trial,
    expected: Mapping[str, str],
    judges: Mapping[str, Judge],
    looks: Looks,
    pools: tuple[int, ...],
) -> Scored:
    def shows(images: np.ndarray) -> dict[str, np.ndarray]:
        return {judge: says(judges[judge], images, value) for judge, value in expected.items()}

    n = len(trial.around)
    others = np.delete(trial.around, 4, axis=1)  # (R, 8, H, W, C)
    flat = others.reshape(-1, *others.shape[2:])
    around = np.all([*shows(flat).values(), *looks(flat).values()], axis=0)
    return Scored(
        trial,
        expected,
        {method: shows(images) for method, images in trial.images.items()},
        {method: looks(images) for method, images in trial.images.items()},
        around.reshape(n, 8).mean(1),
        pools,
    )


def _cautions(scored: list[Scored]) -> list[str]:
    notes = []
    if few := [s.trial.equation for s in scored if len(s.around) < tables.FEW]:
        notes.append(
            f"Fewer than {tables.FEW} draws, so wide intervals: {'; '.join(few)}. More --candidates allow more."
        )
    rate = float(np.mean([s.plausible(RANDOM).mean() for s in scored]))
    if rate < 0.5:
        notes.append(
            f"Only {rate:.0%} of random samples are plausible here: the generator draws other images than those that "
            "plausibility was calibrated on. Compare what is shown, in the table by criterion."
        )
    if any(s.shown(PIXELS).mean() > s.shown(MEAN).mean() for s in scored):
        notes.append(
            "Where pixels show the classes as often as latents or oftener, the objects of the images lie over each "
            "other: adding an object's pixels then draws it, as an overlay."
        )
    return notes
