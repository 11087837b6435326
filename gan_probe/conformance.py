"""The contract of an analysis as a test that anybody can run on their own: `gan_probe.testing.check_analysis`."""

from __future__ import annotations

import contextlib
import io
import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gan_probe.analysis import Analysis, Context
from gan_probe.isolation import contained
from gan_probe.options import declared, parse_options
from gan_probe.report.check import check_report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import nn

    from gan_probe.data import Data
    from gan_probe.gan import GAN
    from gan_probe.options import Options
    from gan_probe.report import Artifact, Report

BATCH_SIZES = 16, 7
STRANGERS = 40  # samples that another analysis has asked for before
DPI = 40  # at which figures are compared


def check_analysis(
    analysis: type[Analysis[Any]], gan: GAN | None = None, data: Data | None = None, rtol: float = 1e-3, **options: Any
) -> Report:
    """Run an analysis four times, then half-way; raise AssertionError with what breaks the contract.

    Returns the first report. The same seed must give the same tables, figures, artifacts and measures. After another
    analysis, with other global random states and with another batch size, tables and measures must be the same, numbers
    within `rtol` of each other. Nothing may be printed. The networks (weights, modes, hooks), the process and the
    global random states must be left as they were, also when a network fails half-way. Names, needs and options must be
    declared and documented, and what `methods` cites must be among the `references`. `gan` and `data` default to
    `tiny_gan` and a small set, each only where the analysis needs it; `options` are the analysis' own.
    """
    from gan_probe.testing import tiny_data, tiny_gan

    name = _declared_well(analysis)
    if gan is None and analysis.needs - {"data"}:
        gan = tiny_gan(classes=10 if "labels" in analysis.needs else 0)
    if data is None and "data" in analysis.needs:
        data = tiny_data()
    parsed = parse_options(analysis.Options, options)
    analysis().check(gan, parsed, data)
    trial = _Trial(analysis, gan, data, parsed)
    first = trial.run()
    again, steps = trial.counted()
    _same(again, first, f"{name}: the same seed gives another result")
    # G may run in other batches where another analysis had asked for samples before
    before = f"{name}: the result depends on what ran before or on global random states"
    _alike(trial.run(disturbed=True), first, rtol, before)
    _alike(trial.run(batch_size=BATCH_SIZES[1]), first, rtol, f"{name}: the result depends on the batch size")
    trial.fail(steps)
    return first


def _declared_well(analysis: type[Analysis[Any]]) -> str:
    from gan_probe.plugins import check_declaration

    try:
        check_declaration(analysis)
    except (TypeError, ValueError) as error:
        raise AssertionError(str(error)) from error
    _require(analysis.__doc__, f"{analysis.name}: its class has no docstring, whose first line is its help")
    for option in declared(analysis.Options):
        _require(option.help.strip(), f"{analysis.name}: option {option.name} has no help")
    return analysis.name


@dataclass
class _Trial:
    """An analysis with all that it is run on."""

    analysis: type[Analysis[Any]]
    gan: GAN | None
    data: Data | None
    options: Options

    @property
    def networks(self) -> list[nn.Module]:
        """Those that can be made to fail."""
        import torch

        nets: list[object] = [self.gan.generator, self.gan.discriminator] if self.gan is not None else []
        return [net for net in nets if isinstance(net, torch.nn.Module)]

    def run(self, batch_size: int = BATCH_SIZES[0], disturbed: bool = False, told: list[int] | None = None) -> Report:
        """Its report; AssertionError if it leaves a trace. `told` receives what progress is told."""
        progress = _stopping([] if told is None else told, math.inf)
        context = Context(batch_size=batch_size, data=self.data, progress=progress)
        if disturbed:
            _reseed(7)
            if self.gan is not None and self.gan.generator is not None:
                context.samples(self.gan, STRANGERS)
        name, printed = self.analysis.name, io.StringIO()
        with contained(self.gan) as restored:
            before = _random_states()
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                report = _checked(self.analysis, self.analysis().run(self.gan, self.options, context))
            # importing a library may draw random numbers, once: the first run is not held to it
            touched = disturbed and not _equal(before, _random_states())
        _require(not printed.getvalue(), f"{name}: it prints {printed.getvalue()[:80]!r}: return notes instead")
        _require(not touched, f"{name}: it draws from a global random state: use ctx.rng or ctx.torch_generator")
        _require(not restored, f"{name}: it leaves changed {', '.join(restored)}")
        return report

    def counted(self) -> tuple[Report, list[int]]:
        """Its report, and how often each network has run; without one, how often progress was told."""
        told: list[int] = []
        with contextlib.ExitStack() as stack:
            calls = [stack.enter_context(_failing(net, after=math.inf)) for net in self.networks]
            report = self.run(told=told)
        return report, [len(made) for made in calls or [told]]

    def fail(self, steps: list[int]) -> None:
        """AssertionError if it leaves a trace when it fails half-way through these steps, which `counted` counted."""
        for net, count in zip(self.networks, steps, strict=False):
            with _failing(net, after=count / 2):
                self._fail(Context(batch_size=BATCH_SIZES[0], data=self.data))
        if not self.networks:
            progress = _stopping([], steps[0] / 2)
            self._fail(Context(batch_size=BATCH_SIZES[0], data=self.data, progress=progress))

    def _fail(self, context: Context) -> None:
        _reseed(7)
        with contained(self.gan) as restored:
            before = _random_states()
            with contextlib.suppress(_FailedError), contextlib.redirect_stdout(io.StringIO()):
                self.analysis().run(self.gan, self.options, context)
            touched = not _equal(before, _random_states())
        name = self.analysis.name
        _require(not restored, f"{name}: after an error it leaves changed {', '.join(restored)}")
        _require(not touched, f"{name}: after an error a global random state is another")


class _FailedError(Exception):
    pass


def _require(kept: object, broken: str) -> None:
    if not kept:
        raise AssertionError(broken)


@contextlib.contextmanager
def _failing(net: nn.Module, after: float) -> Iterator[list[int]]:
    """Within the block, the network's first layer raises once it has run so often; yields the calls made."""
    stage: Any = next(net.children())
    forward: Callable[..., Any] = stage.forward
    calls: list[int] = []

    def counting(*args: Any, **kwargs: Any) -> Any:
        calls.append(len(calls))
        if len(calls) > after:
            raise _FailedError
        return forward(*args, **kwargs)

    stage.forward = counting
    try:
        yield calls
    finally:
        del stage.forward


def _stopping(told: list[int], after: float) -> Callable[[int, int, str], None]:
    """A progress callback that raises once it has been told so often."""

    def progress(done: int, _total: int, _what: str) -> None:
        told.append(done)
        if len(told) > after:
            raise _FailedError

    return progress


def _checked(analysis: type[Analysis[Any]], report: object) -> Report:
    try:
        return check_report(report, analysis.references)
    except (TypeError, ValueError) as error:
        raise AssertionError(f"{analysis.name}: {error}") from error


def _random_states() -> tuple[Any, ...]:
    import numpy as np
    import torch

    return random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002  # others use it


def _reseed(seed: int) -> None:
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)


def _equal(a: Any, b: Any) -> bool:
    import numpy as np

    if isinstance(a, tuple):
        return all(_equal(x, y) for x, y in zip(a, b, strict=True))
    return bool(np.array_equal(a, b))


def _same(report: Report, first: Report, what: str) -> None:
    from gan_probe.report.drawing import png

    _alike(report, first, 0.0, what)
    words, earlier_words = ((r.methods, [*r.findings], [*r.notes]) for r in (report, first))
    _require(words == earlier_words, f"{what}: methods, findings or notes")
    for measure, old in zip(report.measures, first.measures, strict=True):
        _require(_equal(measure.values, old.values), f"{what}: measure {measure.name}")
    for figure, before in zip(report.figures, first.figures, strict=True):
        _require(png(figure, DPI) == png(before, DPI), f"{what}: figure {figure.name}")
    for artifact, earlier in zip(report.artifacts, first.artifacts, strict=True):
        _require(_bytes(artifact) == _bytes(earlier), f"{what}: artifact {artifact.name}")


def _bytes(artifact: Artifact) -> bytes:
    return artifact.content if isinstance(artifact.content, bytes) else artifact.content.read_bytes()


def _alike(report: Report, first: Report, rtol: float, what: str) -> None:
    names = [
        [[part.name for part in parts] for parts in (r.tables, r.figures, r.artifacts, r.measures)]
        for r in (report, first)
    ]
    _require(names[0] == names[1], f"{what}: {names[0]} and {names[1]}")
    for mine, theirs in zip(report.measures, first.measures, strict=True):
        where = f"{what}: measure {mine.name}"
        _require(mine.units == theirs.units, f"{where}: its units are {mine.units!r} and {theirs.units!r}")
        _require(len(mine.values) == len(theirs.values), f"{where}: {len(mine.values)} and {len(theirs.values)} values")
        _require(_cells_alike(mine.value, theirs.value, rtol), f"{where}: {mine.value!r} and {theirs.value!r}")
    for new, old in zip(report.tables, first.tables, strict=True):
        _require(
            len(new.rows) == len(old.rows), f"{what}: table {new.name} has {len(new.rows)} rows, not {len(old.rows)}"
        )
        _require(new.columns == old.columns, f"{what}: table {new.name} has {new.columns}, not {old.columns}")
        for number, (row, before) in enumerate(zip(new.rows, old.rows, strict=True), 1):
            for column, cell in row.items():
                where = f"{what}: table {new.name}, row {number}, {column}: {cell!r} and {before[column]!r}"
                _require(_cells_alike(cell, before[column], rtol), where)


def _cells_alike(a: Any, b: Any, rtol: float) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=rtol, abs_tol=rtol)
    return bool(a == b)
