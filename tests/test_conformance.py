"""The conformance kit passes what keeps the contract and names what breaks it."""

import dataclasses
import itertools
import random
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from gan_probe import Analysis, Figure, Options, Report, Table, option
from gan_probe.report import Artifact, Measure
from gan_probe.testing import check_analysis

RUNS = itertools.count()


@dataclass(frozen=True)
class SpreadOptions(Options):
    count: int = option(24, "samples", min=2)


class Spread(Analysis[SpreadOptions]):
    """How much samples differ."""

    name = "spread"
    needs = frozenset({"sample"})
    Options = SpreadOptions

    def run(self, gan, options, ctx):
        images = ctx.samples(gan, options.count).pixels
        noise = ctx.rng("spread/noise").normal()
        return Report(
            tables=[Table("spread", [{"std": float(images.std()) + noise}])],
            figures=[Figure("first", images[0, :, :, 0])],
        )


class Leaving(Spread):
    """Leaves something behind: set `leave`."""

    leave = staticmethod(lambda _gan, _ctx: None)

    def run(self, gan, options, ctx):
        report = super().run(gan, options, ctx)
        self.leave(gan, ctx)
        return report


def test_an_analysis_that_keeps_the_contract_passes_and_its_report_is_returned():
    assert check_analysis(Spread, count=12).table("spread").rows[0]["std"] > 0


@pytest.mark.parametrize(
    ("leave", "said"),
    [
        (lambda gan, _: gan.generator.train(), "networks"),
        (lambda gan, _: gan.generator.register_forward_hook(lambda *_: None), "networks"),
        (lambda gan, _: next(gan.generator.parameters()).data.add_(1), "networks"),
        (lambda *_: torch.set_default_dtype(torch.float64), "global modes"),
        (lambda *_: np.random.rand(), "global random state"),  # noqa: NPY002  # that is the fault
        (lambda *_: torch.rand(3), "global random state"),
        (lambda *_: random.random(), "global random state"),  # noqa: S311
        (lambda *_: print("done"), "prints 'done"),
    ],
)
def test_what_is_left_behind_is_named(leave, said):
    class Careless(Leaving):
        """Careless."""

        name = "careless"

    Careless.leave = staticmethod(leave)
    with pytest.raises(AssertionError, match=said):
        check_analysis(Careless)


class Answering(Spread):
    """Answers with one number: set `answer`."""

    answer = staticmethod(lambda _ctx: 0.0)

    def run(self, gan, options, ctx):  # noqa: ARG002  # the contract's signature
        return Report(tables=[Table("t", [{"x": self.answer(ctx)}])])


class Counting(Answering):
    """Differs from run to run."""

    answer = staticmethod(lambda _ctx: float(next(RUNS)))


class Batched(Answering):
    """Depends on the batch size."""

    answer = staticmethod(lambda ctx: float(ctx.batch_size))


class Ordered(Answering):
    """Depends on who ran before."""

    answer = staticmethod(lambda ctx: float(len(ctx.shared)))


class Hooked(Spread):
    """Removes its hook only where nothing fails."""

    def run(self, gan, options, ctx):
        hook = gan.generator.register_forward_hook(lambda *_: None)
        report = super().run(gan, options, ctx)
        hook.remove()
        return report


class Reseeding(Spread):
    """Draws from a global random state, and sets it back only where nothing fails."""

    def run(self, gan, options, ctx):
        state = random.getstate()
        random.random()  # noqa: S311  # that is the fault
        report = super().run(gan, options, ctx)
        random.setstate(state)
        return report


class Moving(Answering):
    """Is about data, and moves only back where nothing fails."""

    needs = frozenset({"data"})

    def run(self, gan, options, ctx):
        before = np.geterr()
        np.seterr(all="raise")
        ctx.data.train.load(8, 1, ctx.progress)
        np.seterr(**before)
        return super().run(gan, options, ctx)


class Nameless(Spread):  # that is the fault
    __doc__ = None


class Undocumented(Spread):
    """Has an option without help."""

    @dataclass(frozen=True)
    class Options(Options):
        count: int = option(3, " ")


class Needy(Spread):
    """Needs what nobody gives."""

    needs = frozenset({"luck"})


class Returning(Spread):
    """Returns one part: set `part`."""

    part = staticmethod(dict)

    def run(self, gan, options, ctx):  # noqa: ARG002
        return Report(**self.part())


class Ragged(Returning):
    """Has rows of different columns."""

    part = staticmethod(lambda: {"tables": [Table("t", [{"a": 1}, {"b": 1}])]})


class Widening(Returning):
    """Has one column more each time, of which None is told."""

    part = staticmethod(lambda: {"tables": [Table("t", [{"a": 1} | {f"{i}": None for i in range(next(RUNS))}])]})


class Shortening(Returning):
    """Has one row more each time."""

    part = staticmethod(lambda: {"tables": [Table("t", [{"a": 1}] * next(RUNS))]})


class Drawing(Returning):
    """Draws another picture each time."""

    part = staticmethod(lambda: {"figures": [Figure("f", np.full((2, 2), next(RUNS) % 256, np.uint8))]})


class Filing(Returning):
    """Gives another file each time."""

    part = staticmethod(lambda: {"artifacts": [Artifact("a", b"%d" % next(RUNS))]})


class Measuring(Returning):
    """Measures something else each time."""

    part = staticmethod(lambda: {"measures": [Measure("m", np.full(3, float(next(RUNS))))]})


class Remarking(Returning):
    """Notes something else each time."""

    part = staticmethod(lambda: {"notes": [f"this is run {next(RUNS)}"]})


class Describing(Returning):
    """Did something else each time."""

    part = staticmethod(lambda: {"methods": f"We ran it {next(RUNS)} times."})


@pytest.mark.parametrize(
    ("analysis", "said"),
    [
        (Counting, "same seed gives another result"),
        (Batched, "depends on the batch size"),
        (Ordered, "depends on what ran before"),
        (Hooked, "after an error"),
        (Reseeding, "after an error a global random state"),
        (Moving, "after an error it leaves changed numpy's settings"),
        (Nameless, "no docstring"),
        (Undocumented, "option count has no help"),
        (Needy, "needs 'luck'"),
        (Ragged, "row 2 and row 1 differ"),
        (Widening, "same seed gives another result: table t has"),
        (Shortening, "same seed gives another result: table t has"),
        (Drawing, "same seed gives another result: figure f"),
        (Filing, "same seed gives another result: artifact a"),
        (Measuring, "same seed gives another result: measure m"),
        (Remarking, "same seed gives another result: methods, findings or notes"),
        (Describing, "same seed gives another result: methods, findings or notes"),
    ],
)
def test_what_breaks_the_contract_is_named(analysis, said):
    with pytest.raises(AssertionError, match=said):
        check_analysis(analysis)


def test_a_citation_needs_its_reference():
    class Citing(Spread):
        """Cites."""

        name = "citing"

        def run(self, gan, options, ctx):
            return dataclasses.replace(super().run(gan, options, ctx), methods="As others do [@somebody2016].")

    with pytest.raises(AssertionError, match="citing: its methods cite 'somebody2016', which is not among"):
        check_analysis(Citing)
    Citing.references = ("@misc{somebody2016, title = {What Others Do}}",)
    assert "What Others Do" in check_analysis(Citing).references[0]
