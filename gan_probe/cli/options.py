"""Options that several commands share, and analyses' options as click options."""

from __future__ import annotations

import dataclasses
import functools
import re
import shlex
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gan_probe.cli.progress import Progress
    from gan_probe.gan import GAN
    from gan_probe.options import Declared, Options
    from gan_probe.plugins import Registered

debug = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
seed = click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of every random draw.")
device = click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, mps, xpu, or auto.")
batch_size = click.option(
    "--batch-size",
    type=click.IntRange(1),
    default=128,
    show_default=True,
    help="Images at a time; no result depends on it.",
)


pin = click.option(
    "--pin",
    multiple=True,
    metavar="KEY=VALUE",
    help="Settle a doubt of the reading, e.g. z_distribution=normal.",
)
arch = click.option(
    "--arch",
    metavar="CARD|FILE.py:G,D",
    help="The architecture as you state it: a card, as `gan-probe info --json` prints it; or classes or functions of "
    "your own code that build it, which is then run.",
)


def checkpoint(required: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Where the networks come from: CKPT, --generator, --discriminator, --arch and --pin as one `source`."""
    path = click.Path(path_type=Path)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def gathered(*args: Any, **kwargs: Any) -> Any:
            given = Source(*(kwargs.pop(f.name) for f in dataclasses.fields(Source)))
            if required and not given:
                raise click.UsageError("missing argument 'CKPT': name a checkpoint, or --generator and --discriminator")
            return function(*args, source=given, **kwargs)

        for option in (
            pin,
            arch,
            click.option("--discriminator", type=path, metavar="FILE", help="The discriminator's file."),
            click.option("--generator", type=path, metavar="FILE", help="The generator's file, where there are two."),
            click.argument("ckpt", required=False),
        ):
            gathered = option(gathered)
        return gathered

    return decorate


def checkpoints(function: Callable[..., Any]) -> Callable[..., Any]:
    """Several of them: CKPT, again and again, --arch and --pin as `sources`, each with what it is called."""

    @functools.wraps(function)
    def gathered(*args: Any, ckpts: tuple[str, ...], arch: str | None, pin: tuple[str, ...], **kwargs: Any) -> Any:
        from gan_probe.comparison import check_several, named

        several = named(ckpts)
        check_several(several)
        found = [(one, Source(one.path, one.generator, one.discriminator, arch, pin)) for one in several]
        return function(*args, sources=found, **kwargs)

    return click.argument("ckpts", metavar="CKPT...", nargs=-1, required=True)(arch(pin(gathered)))


@dataclass(frozen=True)
class Source:
    """What the command line says of a checkpoint."""

    ckpt: str | None
    generator: Path | None
    discriminator: Path | None
    arch: str | None
    pin: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.ckpt or self.generator or self.discriminator)

    def load(self, device: str = "cpu") -> GAN:
        """The networks, opened on the device; UsageError for a pin without a value."""
        from gan_probe.api import load

        pinned = dict(pin.partition("=")[::2] for pin in self.pin)
        if not all(pinned.values()):
            raise click.UsageError("--pin takes KEY=VALUE, for instance z_distribution=normal")
        return load(
            self.ckpt,
            generator=self.generator,
            discriminator=self.discriminator,
            device=device,
            pinned=pinned,
            arch=self.arch,
        ).to(device)  # other people's loaders may leave them elsewhere


def data_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Where images come from: --data-root, --download, --labels."""
    for decorate in (
        click.option(
            "--labels",
            metavar="KEY|REGEX|CSV",
            help="Labels: a key of the .npz, a pattern with one group over file names, or a CSV of file,label.",
        ),
        click.option("--download", is_flag=True, help="Fetch a named data set that is not there yet."),
        click.option(
            "--data-root",
            type=click.Path(),
            metavar="DIR",
            help="Where named data sets lie.  [default: ~/.cache/gan-probe]",
        ),
    ):
        function = decorate(function)
    return function


def command_line() -> str:
    """The command as it was typed, for the report."""
    return shlex.join(["gan-probe", *sys.argv[1:]])


def on_traceback() -> Callable[[str], None] | None:
    """Where tracebacks of analyses go: to stderr with --debug, else nowhere."""
    return functools.partial(click.echo, err=True) if "--debug" in sys.argv else None


def safe_name(name: str) -> str:
    """A name that may come from a stranger's card, as the beginning of a folder's name."""
    safe = re.sub(r"[^\w.-]+", "-", name).strip(".-") or "gan-probe"
    return safe[:80]


def choose_device(name: str) -> str:
    """The device by name; `auto` is the first accelerator there is, else the CPU; UsageError for what is not there."""
    from gan_probe.devices import best_device, check_device
    from gan_probe.errors import BadInputError, UsageError

    try:
        return best_device() if name == "auto" else check_device(name)
    except BadInputError as error:
        raise UsageError(f"--device: {error}") from None


def progress() -> Progress:
    """A context that draws a progress bar on a terminal."""
    from gan_probe.cli.progress import Progress

    return Progress()


class SectionedCommand(click.Command):
    """A command whose --help shows options that have a section under its heading, after the others."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The sections in the order of their first options."""
        sections: dict[str, list[tuple[str, str]]] = {"Options": []}
        for param in self.get_params(ctx):
            if isinstance(param, click.Option) and (record := param.get_help_record(ctx)):
                sections.setdefault(getattr(param, "section", "Options"), []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


class DeclaredOption(click.Option):
    """A click option made from a declaration; its value stays as the user typed it until the declaration parses it."""

    def __init__(self, declared: Declared, *, section: str, flag: str = "", key: str = "", owner: str = "") -> None:
        self.declared = declared
        self.owner = owner
        self.section = section
        flag = flag or declared.flag
        names = f"--{flag}/--no-{flag}" if declared.type is bool and not declared.multiple else f"--{flag}"
        super().__init__(
            [names, key or declared.name],
            help=f"{declared.help}{_default(declared)}",
            default=None,
            type=click.Choice(declared.choices) if declared.choices and not declared.multiple else None,
            metavar=None if declared.choices or declared.type is bool else _metavar(declared),
        )


def declared_options(options: type[Options], section: str) -> list[click.Option]:
    """A click option for each that the class declares, under its own name, in this section of --help."""
    from gan_probe.options import declared

    return [DeclaredOption(d, section=section) for d in declared(options)]


def plugin_options(chosen: Sequence[Registered]) -> list[click.Option]:
    """A click option for each of the chosen analyses' own; one that two share gets its analysis' name in front."""
    from gan_probe.options import declared

    pairs = [(r.analysis.name, d) for r in chosen for d in declared(r.analysis.Options)]
    count = Counter(d.flag for _, d in pairs)
    options: list[click.Option] = []
    for owner, d in pairs:
        flag = d.flag if count[d.flag] == 1 else f"{owner}-{d.flag}"
        key = f"plugin_{owner}_{d.name}".replace("-", "_").lower()
        options.append(DeclaredOption(d, section=f"Options of {owner}", flag=flag, key=key, owner=owner))
    shared = [flag for flag, n in count.items() if n > 1]
    return [*options, *(_shared(flag, [owner for owner, d in pairs if d.flag == flag]) for flag in shared)]


def plugin_values(options: Sequence[click.Option], values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Take the plugins' values out of a command's parameters: {analysis: {option: value as typed}}."""
    found: dict[str, dict[str, Any]] = {}
    for option in options:
        value = values.pop(option.name or "", None)
        if isinstance(option, DeclaredOption) and value is not None:
            found.setdefault(option.owner, {})[option.declared.name] = value
    return found


def _shared(flag: str, names: list[str]) -> click.Option:
    def refuse(_ctx: click.Context, _option: click.Parameter, value: object) -> None:
        if value is not None:
            longer = " or ".join(f"--{name}-{flag}" for name in names)
            raise click.UsageError(f"--{flag} is an option of {' and of '.join(names)}: write {longer}")

    return click.Option(
        [f"--{flag}", f"shared_{flag.replace('-', '_')}"], hidden=True, callback=refuse, expose_value=False
    )


def _metavar(declared: Declared) -> str:
    word = {int: "N", float: "X", str: "TEXT"}[declared.type]
    return f"{word},..." if declared.multiple else word


def _default(declared: Declared) -> str:
    default = declared.default
    if default is None or default == ():
        return ""
    if isinstance(default, tuple):
        text = ",".join(f"{v:g}" if isinstance(v, float) else str(v) for v in default)
    elif isinstance(default, bool):
        text = "on" if default else "off"
    else:
        text = f"{default:g}" if isinstance(default, float) else str(default)
    return f"  [default: {text}]"
