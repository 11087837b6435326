"""`gan-probe paper`: the whole paper for one checkpoint, as one report that can be gone on with."""

from __future__ import annotations

from pathlib import Path

import click

from gan_probe.cli import options as shared


@click.command(
    "paper",
    short_help="Remake the DCGAN paper for a checkpoint.",
    epilog="""\b
Examples:
  gan-probe paper digits-dcgan --quick
  gan-probe paper ckpt.pt --data photos/ --labelled cifar10 --download
  gan-probe paper ckpt.pt --boxes boxes.json --concepts concepts.json --equations 'A - B + C'
Ctrl-C and SIGTERM save what is done (exit code 75); the same line goes on.""",
)
@shared.checkpoint()
@click.option("--data", "data_spec", metavar="NAME|PATH", help="The training images.  [default: what the card names]")
@click.option(
    "--labelled",
    multiple=True,
    metavar="NAME|PATH",
    help="Labelled images for tables 1 and 2; again for more.  [default: cifar10 and svhn, "
    "where they were downloaded, and --data]",
)
@shared.data_options
@click.option("--boxes", type=click.Path(), metavar="FILE", help="Figure 6: boxes on samples, of gan-probe annotate.")
@click.option("--object", "thing", metavar="NAME", help="Figure 6: what is forgotten.  [default: window]")
@click.option("--judges", metavar="DATA:LABELS,...", help="Figure 7: labelled sets that judges learn from.")
@click.option("--judge", metavar="DATA:LABELS", help="Figure 8: the labelled set of the two ends.")
@click.option("--concepts", type=click.Path(), metavar="FILE", help="Figures 7, 8: exemplars, of gan-probe annotate.")
@click.option("--equations", metavar="'A - B + C',...", help="Figure 7: the sums, in names of concepts.")
@click.option("--quick", is_flag=True, help="Small samples: minutes instead of hours, and wide intervals.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the report.  [default: NAME-paper, NAME-paper-quick]",
)
@click.option("--force", is_flag=True, help="Replace a report that is there, rather than go on with it.")
@shared.seed
@shared.device
@shared.batch_size
@shared.debug
def command(
    source: shared.Source,
    data_spec: str | None,
    labelled: tuple[str, ...],
    data_root: str | None,
    download: bool,
    labels: str | None,
    boxes: str | None,
    thing: str | None,
    judges: str | None,
    judge: str | None,
    concepts: str | None,
    equations: str | None,
    quick: bool,
    out: Path | None,
    force: bool,
    seed: int,
    device: str,
    batch_size: int,
) -> int:
    """Remake every table and figure of the DCGAN paper for the checkpoint CKPT.

    One report: what the paper prints, what was measured here, whether the claim holds, where the protocol deviates,
    and what could not run and why. Exit code 4 says that an item failed; what cannot run here is no failure. --labels
    are those of --labelled or, without it, of --data.
    """
    from gan_probe.api import DataRequest
    from gan_probe.cli.carrying_out import carry_out
    from gan_probe.plugins import host
    from gan_probe.runner import Run
    from gan_probe_plugins.paper import opening
    from gan_probe_plugins.paper.item import World
    from gan_probe_plugins.paper.items import all_items
    from gan_probe_plugins.paper.progress import Account
    from gan_probe_plugins.paper.sections import SUMMARY, summary, tasks, told

    device = shared.choose_device(device)
    gan = source.load(device)
    items = all_items()
    # --labels are those of --labelled or, where there are none, of --data
    wanted = DataRequest(data_spec, data_root, download, None if labelled or data_spec is None else labels)
    data, no_data = wanted.find(gan, [host().find(item.analysis).analysis for item in items])
    known = opening.JUDGES.get(data.name if data is not None else "", (None, None))
    world = World(
        gan,
        data,
        no_data,
        opening.labelled(labelled, data_root, download, labels),
        boxes,
        thing,
        concepts,
        None if equations is None else tuple(part.strip() for part in equations.split(",")),
        known[0] if judges is None and concepts is None else None if judges is None else tuple(judges.split(",")),
        known[1] if judge is None and concepts is None else judge,
        opening.snapshots(gan, source.ckpt, device),
        quick,
        seed,
    )
    job = Run(
        gan,
        tasks(items, world),
        data.name if data is not None else None,
        seed,
        device,
        batch_size,
        command=shared.command_line(),
        title=f"The DCGAN paper, remade for {gan.card.name}",
        summary=summary(items, world),
        on_traceback=shared.on_traceback(),
        open_data=wanted.open,
    )
    account = Account(
        items, [task.name for task in job.tasks if job.obstacle(task) is None], quick, gan.card.image_size
    )
    job.on_begin = account.begin
    folder = out or Path(f"{shared.safe_name(gan.card.name)}-paper{'-quick' if quick else ''}")
    result = carry_out(job, folder, force=force, resume=not force, again="the same line", show=account.end)
    click.echo(told(result[SUMMARY]))
    click.echo(str(folder / "index.html"))
    return 4 if any(report.status == "failed" for report in result.analyses) else 0
