"""Runs tasks: checks what they need, seeds, times, contains failures, and hands each report on as it ends."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from gan_probe.analysis import NEEDS, Analysis, Context
from gan_probe.errors import BadInputError, GanProbeError, OutputError, described, one_line
from gan_probe.own_process import CrashedError, Job, Limits, lent, perform, perform_apart
from gan_probe.plugins import stranger
from gan_probe.provenance import provenance
from gan_probe.report import Report, RunReport
from gan_probe.tasks import key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from gan_probe.data import Data
    from gan_probe.gan import GAN
    from gan_probe.own_process import Outcome
    from gan_probe.tasks import Task


@dataclass
class Run:
    """One run of tasks over one checkpoint: what the command line and `gan_probe.run` both build and start.

    `summary`, where there is one, makes the part that stands first out of those that have ended, by task's name, anew
    whenever one ends.
    """

    gan: GAN | None
    tasks: Sequence[Task]
    data: str | None = None  # the data's name, for the record
    seed: int = 0
    device: str = "cpu"
    batch_size: int = 128
    command: str = ""
    title: str = ""  # of the report; without, the checkpoint's name
    summary: Callable[[Mapping[str, Report]], Report] | None = None
    progress: Callable[[int, int, str], None] | None = None
    on_begin: Callable[[Task], None] | None = None
    on_traceback: Callable[[str], None] | None = None  # receives the traceback of a failed analysis
    open_data: Callable[[str, str | None], Data] | None = None  # opens further sets that analyses' options name
    isolate: Literal["strangers", "all", "none"] = "strangers"  # who gets a process of its own, if it can be reopened
    limits: Limits = field(default_factory=Limits)  # of such a process
    shared: dict[Hashable, Any] | None = None  # of the runs that this one is compared with: what was made for all

    def __post_init__(self) -> None:
        self.errors: list[Exception] = []
        self.keys: dict[str, str] = {}  # by task's name: what its result depends on
        self._shared: dict[Hashable, Any] = {} if self.shared is None else self.shared

    def obstacle(self, task: Task) -> GanProbeError | None:
        """Why this task cannot run here, in one sentence; None where it can."""
        if task.missing:
            return BadInputError(one_line(task.missing, 400))
        if task.fault:
            return GanProbeError(task.fault)
        analysis, gan = task.analysis, task.gan or self.gan
        needs = analysis.needs
        given = (gan.gives if gan else frozenset()) | ({"data"} if task.data is not None else frozenset())
        obstacle = ""
        if gan is not None and "gradients" in needs - given:
            try:
                gan.differentiable()
                given |= {"gradients"}
            except BadInputError as error:
                obstacle = f" ({error})"
        lacking = [need for need in NEEDS if need in needs and need not in given]
        if "layers" in lacking:  # says it of the discriminator, too
            lacking = [need for need in lacking if need != "discriminator"]
        if missing := [NEEDS[need] for need in lacking]:
            if gan is None and needs - {"data"}:
                return BadInputError(f"{analysis.name} needs a checkpoint: name one behind the options")
            cause = f" ({task.no_data})" if task.no_data and NEEDS["data"] in missing else ""
            return BadInputError(one_line(f"{analysis.name} needs {' and '.join(missing)}{cause}{obstacle}"))
        return self._checked(task, gan)

    def _checked(self, task: Task, gan: GAN | None) -> GanProbeError | None:
        """What its own check says."""
        from gan_probe.isolation import contained
        from gan_probe.lent_stream import printing_aside

        if task.analysis.check is Analysis.check:
            return None
        foreign = stranger(task.registered)
        data = task.data.lent() if foreign and task.data is not None else task.data
        guard = contained(gan) if foreign else contextlib.nullcontext()
        try:
            with guard, printing_aside():
                task.analysis().check(lent(gan), task.options, data)
        except GanProbeError as error:
            return error
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # its own bug, sys.exit included, which must cost nobody else a result
            return GanProbeError(one_line(f"{task.analysis.name}: its check failed, {described(error)}"))
        return None

    def fitting(self) -> list[Task]:
        """The tasks that can run here; where there is a checkpoint, those alone that are about one."""
        about = [task for task in self.tasks if self.gan is None or task.analysis.needs_checkpoint()]
        return [task for task in about if self.obstacle(task) is None]

    def check(self) -> None:
        """Raise what stands in the way, if no task at all can run here."""
        obstacles = [self.obstacle(task) for task in self.tasks]
        found = [obstacle for obstacle in obstacles if obstacle is not None]
        if obstacles and len(found) == len(obstacles):
            raise found[0] if len(found) == 1 else BadInputError(one_line("; ".join(map(str, found))))

    def resumable(self, earlier: RunReport | None) -> dict[str, Report]:
        """The parts of an earlier report, by task's name, that these tasks would bring forth again."""
        self.keys = {task.name: key_of(task, self.gan, self.seed) for task in self.tasks}
        parts = {part.name: part for part in earlier.analyses if part.key and part.status == "ok"} if earlier else {}
        return {name: parts[name] for name, key in self.keys.items() if name in parts and parts[name].key == key}

    def start(
        self,
        on_report: Callable[[RunReport, Report], None] | None = None,
        done: Mapping[str, Report] | None = None,
        images: Sequence[dict[str, Any]] = (),
    ) -> RunReport:
        """Run every task that is not `done`; `on_report` receives the growing report as each one ends.

        `done` holds parts of an earlier run, by task's name, and `images` what that run had read. Raises what stands in
        the way before anything runs if no task can run, and OutputError if `on_report` cannot write. A
        KeyboardInterrupt passes once the tasks that have not ended have been handed on as `interrupted`.
        """
        self.check()
        obstacles = {task.name: self.obstacle(task) for task in self.tasks}
        # where the networks are: what onnxruntime runs stays on the CPU, whatever was asked for
        device = self.gan.device if self.gan else self.device
        record = provenance(self.command, self.seed, device, self.data) | {"batch_size": self.batch_size}
        result = RunReport(self.gan.card.to_dict() if self.gan else {}, record, title=self.title)
        record["images"] += images
        parts = dict(done or {})
        if parts:
            record["taken_over"] = list(parts)
        landed: set[str] = set()

        def assemble() -> None:
            first = [] if self.summary is None else [self.summary(parts)]
            result.analyses = [*first, *(parts[task.name] for task in self.tasks if task.name in parts)]

        def hand_on(names: Iterable[str]) -> None:
            assemble()
            for name in names:
                if on_report is not None:
                    on_report(result, parts[name])
                landed.add(name)

        def land(task: Task, report: Report) -> None:
            parts[task.name] = self._signed(task, report)
            try:
                hand_on([task.name])
            except (GanProbeError, OSError):
                raise
            except Exception as error:  # a part of it cannot be written after all
                parts[task.name] = self._signed(task, self._failure(task, error))
                hand_on([task.name])

        try:
            hand_on(list(parts))
            for task in self.tasks:
                if task.name in landed:
                    continue
                if obstacle := obstacles[task.name]:
                    self.errors.append(obstacle)
                    land(task, Report(status="refused", error=one_line(obstacle, 400)))
                else:
                    if self.on_begin is not None:
                        self.on_begin(task)
                    land(task, self._run_one(task, record["images"]))
        except KeyboardInterrupt:
            # what had been computed is not lost: it is handed on again, for it may be half written
            hand_on([name for name in parts if name not in landed])
            # a report that lacks what was asked for must not look whole
            lacking = [task for task in self.tasks if task.name not in parts]
            stopped = Report(status="interrupted", error="the run was stopped before it had ended")
            parts.update({task.name: self._signed(task, stopped) for task in lacking})
            hand_on([task.name for task in lacking])
            raise
        return result

    def _signed(self, task: Task, report: Report) -> Report:
        """The part with what the runner knows of it."""
        signed = dataclasses.replace(
            report,
            name=task.name,
            title=task.title,
            analysis=task.analysis.title or task.analysis.name,
            plugin=task.registered.distribution,
            options=task.recorded,
            key=self.keys.get(task.name, "") if report.status == "ok" else "",
        )
        return signed if task.complete is None else task.complete(signed)

    def _run_one(self, task: Task, loaded: list[dict[str, Any]]) -> Report:
        began = time.perf_counter()
        restored, rebuilt = [], False
        try:
            outcome = self._perform(task, loaded)
            report, restored, rebuilt = outcome.report, outcome.restored, outcome.rebuilt
        except KeyboardInterrupt:
            raise
        # an analysis may fail in any way, sys.exit included, and must not take the others' results with it
        except BaseException as error:
            if isinstance(error, OutputError) and not stranger(task.registered):
                raise  # our own have met a full disk: what follows could not be written either
            report = self._failure(task, error)
        notes = [*report.notes]
        if rebuilt:
            notes.append("This analysis needs gradients: it ran on networks rebuilt in torch from the ONNX graphs.")
        if restored:
            notes.append(f"Put back after {task.analysis.name}: {', '.join(dict.fromkeys(restored))}.")
        return dataclasses.replace(report, notes=notes, seconds=round(time.perf_counter() - began, 3))

    def _failure(self, task: Task, error: BaseException) -> Report:
        """The report of an analysis that failed with this error, which is told on."""
        if self.on_traceback is not None:
            self.on_traceback("".join(traceback.format_exception(error)))
        reason = described(error, task.analysis.__module__)
        if isinstance(error, GanProbeError | CrashedError):
            reason = described(error).partition(": ")[2] or reason  # no bug of its own, or told there already
        self.errors.append(error if isinstance(error, Exception) else GanProbeError(reason))
        return Report(status="failed", error=one_line(reason))

    def _perform(self, task: Task, loaded: list[dict[str, Any]]) -> Outcome:
        """Run it here or, where it is to be kept apart and can be, in a process of its own."""
        gan = task.gan or self.gan
        apart = self.isolate == "all" or (self.isolate == "strangers" and stranger(task.registered))
        if task.reopen is not None and apart:
            import torch

            from gan_probe.report.check import check_report

            sha256 = gan.card.sha256 if gan is not None else ""
            threads = torch.get_num_threads()
            job = Job(
                task.reopen, task.analysis.name, task.options, self.seed, self.device, self.batch_size, threads, sha256
            )
            outcome = perform_apart(job, self.limits, self.progress)
            loaded += [line for line in outcome.loaded if line not in loaded]
            return dataclasses.replace(outcome, report=check_report(outcome.report))
        context = Context(self.seed, self.device, self.batch_size, task.data, loaded=loaded, shared=self._shared)
        context = dataclasses.replace(context, keeps_images=self.shared is not None)
        if stranger(task.registered):  # nothing that it leaves there meets the others
            data = None if task.data is None else task.data.lent()
            context = dataclasses.replace(context, data=data, loaded=[], shared={})
        if self.progress is not None:
            context = dataclasses.replace(context, progress=self.progress)
        if self.open_data is not None:
            context = dataclasses.replace(context, open_data=self.open_data)
        # what strangers' figures do when they are drawn belongs to their run, as all their code does
        drawn = task.reopen is not None and stranger(task.registered)
        outcome = perform(task.analysis, gan, task.options, context, drawn)
        loaded += [line for line in outcome.loaded if line not in loaded]
        return outcome
