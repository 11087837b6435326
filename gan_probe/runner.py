"""Runs analyses: checks what they need, seeds, times, contains failures, and hands each report on as it ends."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from gan_probe.analysis import NEEDS, Analysis, Context
from gan_probe.data.names import short
from gan_probe.errors import BadInputError, GanProbeError, OutputError, UsageError, described, one_line
from gan_probe.options import parse_options
from gan_probe.own_process import CrashedError, Job, Limits, lent, perform, perform_apart
from gan_probe.plugins import stranger
from gan_probe.provenance import provenance
from gan_probe.report import Report, RunReport

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Hashable, Mapping, Sequence

    from gan_probe.data import Data
    from gan_probe.gan import GAN
    from gan_probe.options import Options
    from gan_probe.own_process import Opened, Outcome
    from gan_probe.plugins import Registered


@dataclass
class Run:
    """One run of analyses over one checkpoint: what the command line and `gan_probe.run` both build and start."""

    gan: GAN | None
    analyses: Sequence[Registered]
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by analysis' name
    data: Data | None = None
    no_data: str = ""  # why the data that the card names are not used
    seed: int = 0
    device: str = "cpu"
    batch_size: int = 128
    command: str = ""
    progress: Callable[[int, int, str], None] | None = None
    on_traceback: Callable[[str], None] | None = None  # receives the traceback of a failed analysis
    open_data: Callable[[str, str | None], Data] | None = None  # opens further sets that analyses' options name
    reopen: Callable[[], Opened] | None = None  # opens all this again in a process of an analysis' own
    isolate: Literal["strangers", "all", "none"] = "strangers"  # whose analyses get one, where `reopen` is given
    limits: Limits = field(default_factory=Limits)  # of such a process
    shared: dict[Hashable, Any] | None = None  # of the runs that this one is compared with: what was made for all

    def __post_init__(self) -> None:
        self.errors: list[Exception] = []
        self._shared: dict[Hashable, Any] = {} if self.shared is None else self.shared
        self.parsed: dict[str, Options] = {}
        self._recorded: dict[str, dict[str, Any]] = {}  # the options as they were before anything ran
        self._unusable: dict[str, GanProbeError] = {}
        for name, registered in ((r.analysis.name, r) for r in self.analyses):
            try:
                self.parsed[name] = parse_options(registered.analysis.Options, dict(self.options.get(name, {})))
                self._recorded[name] = dataclasses.asdict(self.parsed[name])
            except GanProbeError:
                raise
            except Exception as error:  # its own bug, which must cost nobody else a result
                self._unusable[name] = GanProbeError(one_line(f"{name}: its options failed, {described(error)}"))

    def obstacle(self, registered: Registered) -> GanProbeError | None:
        """Why this analysis cannot run here, in one sentence; None where it can."""
        analysis = registered.analysis
        if analysis.name in self._unusable:
            return self._unusable[analysis.name]
        needs = analysis.needs
        given = (self.gan.gives if self.gan else frozenset()) | ({"data"} if self.data is not None else frozenset())
        obstacle = ""
        if self.gan is not None and "gradients" in needs - given:
            try:
                self.gan.differentiable()
                given |= {"gradients"}
            except BadInputError as error:
                obstacle = f" ({error})"
        if missing := [NEEDS[need] for need in NEEDS if need in needs and need not in given]:
            if self.gan is None and needs - {"data"}:
                return BadInputError(f"{analysis.name} needs a checkpoint: name one behind the options")
            cause = f" ({self.no_data})" if self.no_data and NEEDS["data"] in missing else ""
            return BadInputError(one_line(f"{analysis.name} needs {' and '.join(missing)}{cause}{obstacle}"))
        return self._checked(registered)

    def _checked(self, registered: Registered) -> GanProbeError | None:
        """What its own check says."""
        from gan_probe.isolation import contained
        from gan_probe.lent_stream import printing_aside

        analysis = registered.analysis
        if analysis.check is Analysis.check:
            return None
        guard = contained(self.gan) if stranger(registered) else contextlib.nullcontext()
        try:
            with guard, printing_aside():
                analysis().check(lent(self.gan), self.parsed[analysis.name], self.data)
        except GanProbeError as error:
            return error
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # its own bug, sys.exit included, which must cost nobody else a result
            return GanProbeError(one_line(f"{analysis.name}: its check failed, {described(error)}"))
        return None

    def fitting(self) -> list[Registered]:
        """The analyses that can run here; where there is a checkpoint, those alone that are about one."""
        about = [r for r in self.analyses if self.gan is None or r.analysis.needs_checkpoint()]
        return [r for r in about if self.obstacle(r) is None]

    def check(self) -> None:
        """Raise what stands in the way, if no analysis at all can run here."""
        obstacles = [self.obstacle(registered) for registered in self.analyses]
        found = [obstacle for obstacle in obstacles if obstacle is not None]
        if obstacles and len(found) == len(obstacles):
            raise found[0] if len(found) == 1 else BadInputError(one_line("; ".join(map(str, found))))

    def start(self, on_report: Callable[[RunReport, Report], None] | None = None) -> RunReport:
        """Run every analysis; `on_report` receives the growing report as each one ends.

        Raises what stands in the way before anything runs if no analysis can run, and OutputError if `on_report` cannot
        write. A KeyboardInterrupt passes once the analyses that have not ended have been handed on as `interrupted`.
        """
        self.check()
        obstacles = {r.analysis.name: self.obstacle(r) for r in self.analyses}
        # where the networks are: what onnxruntime runs stays on the CPU, whatever was asked for
        device = self.gan.device if self.gan else self.device
        record = provenance(self.command, self.seed, device, self.data.name if self.data else None)
        result = RunReport(self.gan.card.to_dict() if self.gan else {}, record | {"batch_size": self.batch_size})
        landed: list[str] = []

        def land(registered: Registered, report: Report) -> None:
            name = registered.analysis.name
            report = dataclasses.replace(
                report,
                name=name,
                title=registered.analysis.title or name,
                plugin=registered.distribution,
                options=self._recorded.get(name, {}),
            )
            result.analyses.append(report)
            if on_report is not None:
                try:
                    on_report(result, report)
                except (GanProbeError, OSError):
                    raise
                except Exception as error:  # a part of it cannot be written after all
                    lost = self._failure(error)
                    result.analyses[-1] = dataclasses.replace(
                        lost, name=name, title=report.title, plugin=report.plugin, options=report.options
                    )
                    on_report(result, result.analyses[-1])
            landed.append(name)

        try:
            for registered in self.analyses:
                if obstacle := obstacles[registered.analysis.name]:
                    self.errors.append(obstacle)
                    land(registered, Report(status="refused", error=one_line(obstacle)))
                else:
                    land(registered, self._run_one(registered, result))
        except KeyboardInterrupt:
            # what had been computed is not lost: it is handed on again, for it may be half written
            for report in [report for report in result.analyses if report.name not in landed]:
                if on_report is not None:
                    on_report(result, report)
                landed.append(report.name)
            # a report that lacks what was asked for must not look whole
            for registered in self.analyses:
                if registered.analysis.name not in landed:
                    land(registered, Report(status="interrupted", error="the run was stopped before it had ended"))
            raise
        return result

    def _run_one(self, registered: Registered, result: RunReport) -> Report:
        began = time.perf_counter()
        restored, rebuilt = [], False
        try:
            outcome = self._perform(registered, result.run["images"])
            report, restored, rebuilt = outcome.report, outcome.restored, outcome.rebuilt
        except KeyboardInterrupt:
            raise
        # an analysis may fail in any way, sys.exit included, and must not take the others' results with it
        except BaseException as error:
            if isinstance(error, OutputError) and not stranger(registered):
                raise  # our own have met a full disk: what follows could not be written either
            report = self._failure(error)
        notes = [*report.notes]
        if rebuilt:
            notes.append("This analysis needs gradients: it ran on networks rebuilt in torch from the ONNX graphs.")
        if restored:
            notes.append(f"Put back after {registered.analysis.name}: {', '.join(dict.fromkeys(restored))}.")
        return dataclasses.replace(report, notes=notes, seconds=round(time.perf_counter() - began, 3))

    def _failure(self, error: BaseException) -> Report:
        """The report of an analysis that failed with this error, which is told on."""
        if self.on_traceback is not None:
            self.on_traceback("".join(traceback.format_exception(error)))
        reason = described(error)
        if isinstance(error, GanProbeError | CrashedError):
            reason = reason.partition(": ")[2] or reason
        self.errors.append(error if isinstance(error, Exception) else GanProbeError(reason))
        return Report(status="failed", error=one_line(reason))

    def _perform(self, registered: Registered, loaded: list[dict[str, Any]]) -> Outcome:
        """Run it here or, where it is to be kept apart and can be, in a process of its own."""
        options = self.parsed[registered.analysis.name]
        if self.reopen is not None and (
            self.isolate == "all" or (self.isolate == "strangers" and stranger(registered))
        ):
            import torch

            from gan_probe.report.check import check_report

            sha256 = self.gan.card.sha256 if self.gan is not None else ""
            job = Job(
                self.reopen,
                registered.analysis.name,
                options,
                self.seed,
                self.device,
                self.batch_size,
                torch.get_num_threads(),
                sha256,
            )
            outcome = perform_apart(job, self.limits, self.progress)
            loaded += [line for line in outcome.loaded if line not in loaded]
            return dataclasses.replace(outcome, report=check_report(outcome.report))
        context = Context(self.seed, self.device, self.batch_size, self.data, loaded=loaded, shared=self._shared)
        context = dataclasses.replace(context, keeps_images=self.shared is not None)
        if stranger(registered):  # nothing that it leaves there meets the others
            data = None if self.data is None else self.data.lent()
            context = dataclasses.replace(context, data=data, loaded=[], shared={})
        if self.progress is not None:
            context = dataclasses.replace(context, progress=self.progress)
        if self.open_data is not None:
            context = dataclasses.replace(context, open_data=self.open_data)
        # what strangers' figures do when they are drawn belongs to their run, as all their code does
        drawn = self.reopen is not None and stranger(registered)
        outcome = perform(registered.analysis, self.gan, options, context, drawn)
        loaded += [line for line in outcome.loaded if line not in loaded]
        return outcome


def default_data(
    gan: GAN | None, analyses: Sequence[Registered], names: Container[str], open_data: Callable[[str], Data]
) -> tuple[Data | None, str]:
    """The data that the checkpoint's card names, if an analysis can use them, and why not where they cannot be had.

    A card may be a stranger's: only the `names` of registered sets count, never a path, and `open_data` should
    download nothing.
    """
    if gan is None or not gan.card.training_data:
        return None, ""
    if not any("data" in r.analysis.needs | r.analysis.takes for r in analyses):
        return None, ""
    named = str(gan.card.training_data)
    if named not in names:
        return None, f"the card names {short(named, 40)!r}, which is no registered set: to use it, pass it yourself"
    try:
        return open_data(named), ""
    except (BadInputError, UsageError) as error:
        return None, f"the card names {named}, but: {error}"
