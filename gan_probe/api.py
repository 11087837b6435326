"""The Python face of gan-probe: open a checkpoint, run an analysis."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_probe.errors import BadInputError, GanProbeError, UsageError

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from gan_probe.comparison import Named
    from gan_probe.data import Data, DatasetSource
    from gan_probe.gan import GAN
    from gan_probe.report import Report


def load(
    path: str | Path | None = None,
    *,
    generator: str | Path | None = None,
    discriminator: str | Path | None = None,
    device: str = "cpu",
    pinned: Mapping[str, str] | None = None,
    arch: str | Path | None = None,
) -> GAN:
    """Open a checkpoint: a file, a folder, or the name of a model that comes with gan-probe; or a file per network.

    `pinned` settles what a format does not say, such as `{"z_distribution": "normal"}`. `arch` states the
    architecture: a card's file, or `my_gan.py:Generator,Discriminator`, whose code is then run. Plugins' loaders are
    asked first. Raises
    BadInputError, in one line, for what cannot be opened, UsageError where nothing is named.
    """
    from gan_probe.checkpoints import LoadRequest, load_gan
    from gan_probe.plugins import host

    first = path if path is not None else generator if generator is not None else discriminator
    if first is None:
        raise UsageError("nothing to open: name a checkpoint, or a generator's or a discriminator's file")
    request = LoadRequest(
        Path(first),
        None if generator is None else Path(generator),
        None if discriminator is None else Path(discriminator),
        device=device,
        pinned=dict(pinned or {}),
        arch=None if arch is None else str(arch),
    )
    return load_gan(request, host())


def dataset_sources() -> list[DatasetSource]:
    """The named data sets: the built-in ones, then plugins', none under the name of another."""
    from gan_probe.data.sources import all_sources, read_sources
    from gan_probe.plugins import host

    return all_sources(host().call("register_datasets", read_sources))


def open_data(
    spec: str | Path | Data, *, root: str | Path | None = None, download: bool = False, labels: str | None = None
) -> Data:
    """Open a data set by its name or its path, plugins' sets included; images are decoded when they are used."""
    from gan_probe.data import Data
    from gan_probe.data import open_data as open_source

    if not isinstance(spec, str | Path | Data):
        raise BadInputError(
            f"data is of type {type(spec).__name__}: pass a name, a path or a gan_probe.data.Data; "
            "for arrays, Data('mine', Split.from_arrays('mine', images, labels))"
        )
    where = None if root is None else Path(root)
    return open_source(spec, root=where, download=download, labels=labels, sources=dataset_sources())


def run(
    gan: GAN | str | Path | None,
    analysis: str,
    *,
    data: str | Path | Data | None = None,
    seed: int = 0,
    device: str | None = None,
    batch_size: int = 128,
    **options: Any,
) -> Report:
    """Run one analysis and return its `Report`, which shows itself in a notebook.

    `gan` is a GAN, a path or a name; `options` are the analysis' own, by their Python names. Data that need more than
    a name or a path are opened first: `data=gan_probe.open_data("x.npz", labels="pose")`. Without `device` a GAN is
    run where it is, and a checkpoint on the CPU. What fails raises here: GanProbeError with one line for what you can
    mend.
    """
    from gan_probe.checkpoints.weights import placed
    from gan_probe.plugins import host
    from gan_probe.runner import Run, default_data
    from gan_probe.tasks import Task

    registered = host().find(analysis)
    opened = load(gan) if isinstance(gan, str | Path) else gan
    if opened is not None and device is not None:
        placed(opened, device)
    device = device or (str(opened.device) if opened is not None else "cpu")
    images: Data | None
    if data is not None:
        images, no_data = open_data(data), ""
    else:
        names = {source.name for source in dataset_sources()}
        images, no_data = default_data(opened, [registered], names, open_data)
    job = Run(
        opened,
        [Task(registered, options, images, no_data)],
        images.name if images is not None else None,
        seed,
        device,
        batch_size,
        command="gan_probe.run",
        open_data=lambda spec, labels: open_data(spec, labels=labels),
    )
    report = job.start().analyses[0]
    if report.status != "ok":
        raise job.errors[0] if job.errors else GanProbeError(report.error)
    return report


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
    from gan_probe.comparison import Contender, check_several, comparison, telling
    from gan_probe.plugins import host
    from gan_probe.report.bibtex import parse
    from gan_probe.runner import Run, default_data
    from gan_probe.sampling import forget_samples
    from gan_probe.tasks import Task

    registered = host().find(analysis)
    several = _named([checkpoints] if isinstance(checkpoints, str | Path) else checkpoints)
    check_several([one for one, _ in several])
    images, no_data = (None if data is None else open_data(data)), ""
    shared: dict[Hashable, Any] = {}
    contenders: list[Contender] = []
    errors: list[Exception] = []
    for one, given in several:
        contender = Contender(one.name, moment=one.moment, training=one.training)
        try:
            gan = given or load(one.path, generator=one.generator, discriminator=one.discriminator, device=device)
            if images is None and not no_data:
                sets = {source.name for source in dataset_sources()}
                images, no_data = default_data(telling(gan, one.ended), [registered], sets, open_data)
            task = Task(registered, options, images, no_data)
            where = images.name if images is not None else None
            job = Run(gan, [task], where, seed, device, batch_size, shared=shared)
            report = job.start().analyses[0]
            errors += job.errors
            contender = replace(contender, reports={analysis: report}, card=gan.card.to_dict())
        except GanProbeError as error:
            errors.append(error)
            contender = replace(contender, error=str(error))
        contenders.append(contender)
        forget_samples(shared)
    if len(errors) == len(several):
        raise errors[-1]
    title = registered.analysis.title or analysis
    overview, report = comparison(contenders, {analysis: title}, seed)
    works = {parse(text).key: text for text in (*overview.references, *report.references)}
    return replace(
        report,
        tables=[*overview.tables, *report.tables],
        methods=f"{overview.methods} {report.methods}".strip(),
        references=list(works.values()),
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
