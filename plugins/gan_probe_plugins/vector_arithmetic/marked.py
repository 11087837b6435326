"""Arithmetic on the exemplars that a person marked: pictures, and no rate, for there is one draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gan_probe import BadInputError, Report, Table
from gan_probe.annotations import read_concepts
from gan_probe.arithmetic import parse_equation
from gan_probe_plugins.vector_arithmetic.pictures import equation_figure
from gan_probe_plugins.vector_arithmetic.trial import work_out

if TYPE_CHECKING:
    from gan_probe import GAN, Context
    from gan_probe_plugins.vector_arithmetic import VectorArithmeticOptions


def with_marks(gan: GAN, options: VectorArithmeticOptions, ctx: Context) -> Report:
    """A picture for every equation, from all exemplars of each concept."""
    marked = read_concepts(options.concepts or "", gan.card, ctx.seed)
    equations = [parse_equation(text) for text in options.equations or ()]
    names = dict.fromkeys(term for terms in equations for term in terms)
    for name in names:
        if not marked.of(name):
            raise BadInputError(f"the concept {name[:60]!r} has no exemplars: mark some in gan-probe annotate")
    numbers = [[np.array([marked.of(term)], dtype=np.int64) for term in terms] for terms in equations]
    samples = ctx.samples(gan, 1 + max(int(n.max()) for draw in numbers for n in draw))
    trials = [work_out(gan, samples, terms, draw, ctx) for terms, draw in zip(equations, numbers, strict=True)]
    return Report(
        tables=[
            Table(
                "exemplars",
                [{"concept": name, "n": len(marked.of(name)), "samples": _listed(marked.of(name))} for name in names],
                title="Exemplars",
                caption=f"Numbers of the run's samples, seed {ctx.seed}, as marked by hand.",
            )
        ],
        figures=[equation_figure(trial, samples, i + 1, "as marked by hand") for i, trial in enumerate(trials)],
        methods=(
            "As in section 6.3.2 of [@radford2016], a concept's latent is the mean of its exemplars, marked by hand "
            f"({', '.join(str(len(marked.of(name))) for name in names)} of {len(names)} concepts), and "
            f"{len(equations)} sum{'s' if len(equations) > 1 else ''} A - B + C of concepts, worked out once each, are "
            "shown amid 8 neighbours. The control is the same sum of the exemplars' pixels."
        ),
        notes=[
            "The exemplars were marked by hand: each equation is one draw, and no rate can be told from it. "
            "With --judges it is drawn many times and scored."
        ],
    )


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))
