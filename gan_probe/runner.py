"""Runs analyses: checks what they need, seeds, times, contains failures, and hands each report on as it ends."""

from __future__ import annotations

import copy
import dataclasses
import time
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gan_probe.analysis import NEEDS, Context
from gan_probe.errors import BadInputError, GanProbeError, OutputError, UsageError, one_line
from gan_probe.isolation import contained
from gan_probe.options import parse_options
from gan_probe.provenance import provenance
from gan_probe.report import Report, RunReport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gan_probe.data import Data
    from gan_probe.gan import GAN
    from gan_probe.plugins import Registered


@dataclass
class Run:
    """One run of analyses over one checkpoint: what the command line and `gan_probe.run` both build and start."""

    gan: GAN | None
    analyses: Sequence[Registered]
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by analysis' name
    data: Data | None = None
    seed: int = 0
    device: str = "cpu"
    batch_size: int = 128
    command: str = ""
    progress: Callable[[int, int, str], None] | None = None
    on_traceback: Callable[[str], None] | None = None  # receives the traceback of a failed analysis

    def __post_init__(self) -> None:
        self.errors: list[Exception] = []
        self.parsed = {
            r.analysis.name: parse_options(r.analysis.Options, dict(self.options.get(r.analysis.name, {})))
            for r in self.analyses
        }

    def refusal(self, analysis: Registered) -> str:
        """Why this analysis cannot run here, in one sentence; empty where it can."""
        needs = analysis.analysis.needs
        given = (self.gan.gives if self.gan else frozenset()) | ({"data"} if self.data is not None else frozenset())
        missing = [NEEDS[need] for need in NEEDS if need in needs and need not in given]
        if not missing:
            return ""
        if self.gan is None and needs - {"data"}:
            return f"{analysis.analysis.name} needs a checkpoint: name one behind the options"
        return f"{analysis.analysis.name} needs {' and '.join(missing)}"

    def check(self) -> None:
        """Raise BadInputError if no analysis at all can run here."""
        refusals = [self.refusal(registered) for registered in self.analyses]
        if refusals and all(refusals):
            raise BadInputError(one_line("; ".join(refusals)))

    def start(self, on_report: Callable[[RunReport, Report], None] | None = None) -> RunReport:
        """Run every analysis; `on_report` receives the growing report as each one ends.

        Raises BadInputError before anything runs if no analysis can run, and OutputError if `on_report` cannot write.
        """
        self.check()
        refusals = {r.analysis.name: self.refusal(r) for r in self.analyses}
        # where the networks are: what onnxruntime runs stays on the CPU, whatever was asked for
        device = self.gan.device if self.gan else self.device
        record = provenance(self.command, self.seed, device, self.data.name if self.data else None)
        result = RunReport(self.gan.card.to_dict() if self.gan else {}, record | {"batch_size": self.batch_size})
        for registered in self.analyses:
            name = registered.analysis.name
            if refusals[name]:
                report = Report(status="refused", error=one_line(refusals[name]))
                self.errors.append(BadInputError(report.error))
            else:
                report = self._run_one(registered, result)
            report = dataclasses.replace(
                report,
                name=name,
                title=registered.analysis.title or name,
                plugin=registered.distribution,
                options=dataclasses.asdict(self.parsed[name]),
            )
            result.analyses.append(report)
            if on_report is not None:
                on_report(result, report)
        return result

    def _run_one(self, registered: Registered, result: RunReport) -> Report:
        from gan_probe.report.check import check_report

        analysis = registered.analysis()
        context = Context(
            seed=self.seed, device=self.device, batch_size=self.batch_size, data=self.data, loaded=result.run["images"]
        )
        if self.progress is not None:
            context = dataclasses.replace(context, progress=self.progress)
        began = time.perf_counter()
        restored: list[str] = []
        try:
            with contained(self.gan) as restored:
                report = check_report(analysis.run(_handed_out(self.gan), self.parsed[analysis.name], context))
        except (KeyboardInterrupt, OutputError):
            raise
        # an analysis may fail in any way, sys.exit included, and must not take the others' results with it
        except BaseException as error:
            if self.on_traceback is not None:
                self.on_traceback(traceback.format_exc())
            mendable = isinstance(error, GanProbeError)
            reason = one_line(error if mendable else f"{type(error).__name__}: {error}")
            self.errors.append(error if isinstance(error, Exception) else GanProbeError(reason))
            report = Report(status="failed", error=reason)
        notes = [*report.notes]
        if restored:
            notes.append(f"Put back after this analysis: {', '.join(dict.fromkeys(restored))}.")
        return dataclasses.replace(report, notes=notes, seconds=round(time.perf_counter() - began, 3))


def _handed_out(gan: GAN | None) -> GAN | None:
    """A handle of its own on the same networks: what an analysis assigns to it, nobody else sees."""
    if gan is None:
        return None
    handle = copy.copy(gan)
    handle.card = copy.deepcopy(gan.card)
    return handle


def default_data(gan: GAN | None, analyses: Sequence[Registered], open_data: Callable[[str], Data]) -> Data | None:
    """The data that the checkpoint's card names, if an analysis can use them and they are there; None otherwise."""
    if gan is None or not gan.card.training_data:
        return None
    if not any("data" in r.analysis.needs | r.analysis.takes for r in analyses):
        return None
    try:
        return open_data(gan.card.training_data)
    except (BadInputError, UsageError):
        return None
