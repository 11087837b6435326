"""Several checkpoints under one study, and from Python one analysis' comparison of them."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_probe.api.opening import DataRequest, load
from gan_probe.api.study import Study
from gan_probe.errors import GanProbeError, OutputError, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from gan_probe.comparison import Contender, Named
    from gan_probe.data import Data
    from gan_probe.gan import GAN
    from gan_probe.report import Report, RunReport
    from gan_probe.report.folder import ReportFolder


@dataclass
class Contest:
    """Checkpoints put through one study, one after the other, as far as that has come.

    Data that are asked for are opened at once; `tell` receives a sentence where a card names them.
    """

    study: Study
    tell: Callable[[str], object] = str  # heard by nobody
    contenders: list[Contender] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    images: list[Any] = field(default_factory=list)  # a line for every set of images read
    shared: dict[Hashable, Any] = field(default_factory=dict)  # made once, for all checkpoints

    def __post_init__(self) -> None:
        self.study.find_data()

    def enter(self, one: Named, load: Callable[[], GAN], own: ReportFolder | None = None) -> None:
        """Run a checkpoint's study, into a folder of its `own`; what cannot be opened or run is one with an error.

        Where there is a folder, `load` also serves processes of their own: it must be picklable.
        """
        from gan_probe.comparison import Contender, telling
        from gan_probe.sampling import forget_samples

        reports: dict[str, Report] = {}
        folder = "" if own is None else own.path.name
        self.contenders.append(Contender(one.name, reports, one.moment, one.training, folder=folder))

        def land(whole: RunReport, report: Report) -> None:
            if own is not None:
                own.add(whole, report)
            reports[report.name] = report

        study = self.study
        try:
            gan = load()
            self._amend(card=gan.card.to_dict())
            if study.data is None and not study.no_data:
                told = telling(gan, one.ended)
                if (data := study.find_data(told)) is not None:
                    self.tell(f"the data are {data.name}, as the card of {told.card.name} says")
            job = study.run(gan, None if own is None else load, self.shared)
            result = job.start(land)
            if own is not None:
                own.finish(result)
            self.errors += job.errors
            self.images += [line for line in result.run["images"] if line not in self.images]
        except OutputError:  # what follows could not be written either
            raise
        except GanProbeError as error:
            self.errors.append(error)
            self._amend(error=one_line(error))
        finally:
            forget_samples(self.shared)

    def _amend(self, **known: Any) -> None:
        self.contenders[-1] = replace(self.contenders[-1], **known)


def compare(
    checkpoints: Sequence[GAN | str | Path] | str | Path,
    analysis: str,
    *,
    data: str | Path | Data | None = None,
    seed: int = 0,
    device: str = "cpu",
    batch_size: int = 128,
    **options: Any,
) -> Report:
    """Run one analysis over several checkpoints with the same seed, images and options, and compare their numbers.

    `checkpoints` are paths, names and GANs, or a folder of a training's snapshots. The report has a table and a chart
    for each measure: every checkpoint is held against the first, every snapshot against the one before it. `options`
    and `data` are as in `run`. A checkpoint that fails is a row that says so; if all do, the last error is raised.
    """
    from gan_probe.comparison import check_several, comparison
    from gan_probe.plugins import host
    from gan_probe.report.bibtex import parse
    from gan_probe.runner import Run
    from gan_probe.tasks import Task

    registered = host().find(analysis)
    several = _named([checkpoints] if isinstance(checkpoints, str | Path) else checkpoints)
    check_several([one for one, _ in several])
    plan = Run(None, [Task(registered, options)], None, seed, device, batch_size)
    contest = Contest(Study(plan, DataRequest(data)))
    for one, given in several:
        contest.enter(one, functools.partial(_opened, one, given, device))
    if len(contest.errors) == len(several):
        raise contest.errors[-1]
    title = registered.analysis.title or analysis
    overview, report = comparison(contest.contenders, {analysis: title}, seed)
    works = {parse(text).key: text for text in (*overview.references, *report.references)}
    return replace(
        report,
        tables=[*overview.tables, *report.tables],
        methods=f"{overview.methods} {report.methods}".strip(),
        references=list(works.values()),
        findings=[*overview.findings, *report.findings],
        notes=[*overview.notes, *report.notes],
    )


def _named(checkpoints: Sequence[GAN | str | Path]) -> list[tuple[Named, GAN | None]]:
    """The checkpoints by name; those that are open already stand for themselves."""
    from gan_probe.comparison import Named, distinct, named

    paths = tuple(str(one) for one in checkpoints if isinstance(one, str | Path))
    if len(paths) == len(checkpoints):
        return [(one, None) for one in named(paths)]
    opened = [None if isinstance(one, str | Path) else one for one in checkpoints]
    at = iter(paths)
    names = [Named(gan.card.name) if gan is not None else named((next(at),))[0] for gan in opened]
    return list(zip(distinct(names), opened, strict=True))


def _opened(one: Named, given: GAN | None, device: str) -> GAN:
    return given or load(one.path, generator=one.generator, discriminator=one.discriminator, device=device)
