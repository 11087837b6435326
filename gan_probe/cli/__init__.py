"""The command line: parse, call, print; every error is one line on stderr with its exit code."""

from __future__ import annotations

import importlib
import sys
import traceback
import warnings
from typing import Any

import click

import gan_probe
from gan_probe.cli.termination import write_nowhere
from gan_probe.errors import GanProbeError, one_line

COMMANDS = (
    *("run", "compare", "sample", "annotate", "info", "convert", "train", "export"),
    *("data", "cache", "plugins", "new-plugin"),
)


class Commands(click.Group):
    """Our commands, each imported when it is asked for, and those that other people's plugins add."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Ours in the order of use, then theirs."""
        self._add_theirs()
        return [*COMMANDS, *sorted(set(self.commands) - set(COMMANDS))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; plugins are loaded only for a name that is not ours."""
        if cmd_name in COMMANDS:
            command: click.Command = importlib.import_module(f"gan_probe.cli.{cmd_name.replace('-', '_')}").command
            return command
        self._add_theirs()
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """As click does, but an unknown command suggests the nearest."""
        import difflib

        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            if near:
                raise click.UsageError(f"no command {args[0]!r}; did you mean {near[0]!r}?", ctx) from error
            raise

    def _add_theirs(self) -> None:
        from gan_probe.plugins import host

        known = dict(self.commands)
        # strangers first, then our own plugins, whose names cannot be taken by them
        for _ in host().call("register_commands", lambda _: None, group=self):
            pass  # it gives nothing: what it does to the group is its result
        # a built-in name cannot be overridden, and what is no command cannot be listed
        theirs = {n: c for n, c in self.commands.items() if isinstance(c, click.Command) and n not in COMMANDS}
        self.commands = theirs | known


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  gan-probe run --plugin linear-probe digits-dcgan
  gan-probe run --plugin samples --plugin linear-probe ckpt.pt --data photos/
  gan-probe info ckpt.pt
  gan-probe train --data photos/ --out ckpt.pt""",
)
@click.version_option(gan_probe.__version__, prog_name="gan-probe")
@click.option(
    "--no-plugins",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda _ctx, _param, given: _allow([]) if given else None,
    help="Load no plugin but our own.",
)
@click.option(
    "--only-plugins",
    is_eager=True,
    expose_value=False,
    metavar="PACKAGE,...",
    callback=lambda _ctx, _param, given: _allow(given.split(",")) if given is not None else None,
    help="Load only these packages' plugins, and our own; also GAN_PROBE_PLUGINS=PACKAGE,...",
)
def group() -> None:
    """Measured, controlled analyses of pretrained GANs.

    A checkpoint is a file (.pt, .pth, .safetensors, .onnx, .keras, ...), a folder, or the name of a model that comes
    with gan-probe: digits-dcgan.
    """


def _allow(distributions: list[str]) -> None:
    from gan_probe.plugins import allow

    allow(distributions)


def main(arguments: list[str] | None = None) -> None:
    """The `gan-probe` command: run it and exit with the code that the documentation lists."""
    arguments = sys.argv[1:] if arguments is None else arguments
    sys.exit(execute(arguments))


def execute(arguments: list[str]) -> int:
    """Run one command line and return its exit code; every error has been printed as one line."""
    # file names and class names may hold what the terminal's encoding cannot show
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    warnings.showwarning = _warn
    try:
        code = group.main(arguments, prog_name="gan-probe", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else error.format_message(), err=True)
        return 2
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "gan-probe"
        message = error.format_message().rstrip(".")
        return _fail(f"{message[:1].lower()}{message[1:]}; see `{command} --help`", 2)
    except click.FileError as error:
        return _fail(error.format_message(), 3)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", 130)
    except GanProbeError as error:
        return _fail(error, error.exit_code, arguments)
    except BrokenPipeError:
        write_nowhere()
        return 0
    except OSError as error:
        if error.filename is None:  # standard output: a full disk behind `>`
            write_nowhere()
            return _fail(f"cannot write the output: {error.strerror}", 5, arguments)
        return _fail(f"{error.strerror}: {error.filename}", 1, arguments)
    except Exception as error:  # our own bug, and said to be so
        reason = f"{type(error).__name__}: {error}"
        return _fail(f"a bug in gan-probe, {reason}; run again with --debug and report it", 1, arguments)
    return code if isinstance(code, int) else 0


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    click.echo(f"gan-probe: warning: {one_line(message, 300)}", err=True)


def _fail(message: object, code: int, arguments: list[str] | None = None) -> int:
    if arguments and "--debug" in arguments:
        traceback.print_exc()
    click.echo(f"gan-probe: {one_line(message, 300)}", err=True)
    return code
