"""Pages of the commands, from what their --help is made of."""

from __future__ import annotations

from functools import cache

import click
from cells import cell, row

from gan_probe.cli import group

OURS = ("gan_probe", "gan_probe_plugins")


@cache
def built_in_commands() -> dict[str, click.Command]:
    """The commands that come with gan-probe, in the order of its --help, whichever others are installed here."""
    parent = click.Context(group, info_name="gan-probe")
    found = {name: group.get_command(parent, name) for name in group.list_commands(parent)}
    return {name: c for name, c in found.items() if c and str(c.callback.__module__).split(".")[0] in OURS}


@cache
def command_pages() -> dict[str, str]:
    """A page by its path for `gan-probe` itself and for each of its commands."""
    pages = {"reference/commands/index.md": _whole()}
    for name in built_in_commands():
        pages[f"reference/commands/{name}.md"] = f"# gan-probe {name}\n\n{help_of(name)}\n"
    return pages


def help_of(name: str) -> str:
    """What a command takes and does; a sentence where this version has no such command."""
    command = built_in_commands().get(name)
    if command is None:
        return f"*This version has no command `{name}`.*"
    parent = click.Context(group, info_name="gan-probe")
    context = click.Context(command, info_name=name, parent=parent, max_content_width=80, terminal_width=80)
    parts = [_block(_usage(command, context)), _prose(command.help or ""), _table(command, context)]
    return "\n\n".join([*parts, _examples(command.epilog or "")])


def _whole() -> str:
    parent = click.Context(group, info_name="gan-probe")
    lines = ["# The command line", "", _prose(group.help or ""), "", "| command | what it does |", "|---|---|"]
    for name, command in built_in_commands().items():
        lines.append(row(f"[`{name}`](../commands/{name}.md)", cell(command.short_help or "")))
    lines += ["", "## Before the command", "", _table(group, parent), "", EXIT_CODES]
    return "\n".join(lines)


def _usage(command: click.Command, context: click.Context) -> str:
    return " ".join([context.command_path, *command.collect_usage_pieces(context)])


def _prose(text: str) -> str:
    paragraphs = [" ".join(part.split()) for part in text.replace("\b", "").split("\n\n")]
    return "\n\n".join(cell(part) for part in paragraphs)


def _table(command: click.Command, context: click.Context) -> str:
    sections: dict[str, list[str]] = {}
    for param in command.get_params(context):
        if record := param.get_help_record(context):
            names, text = record
            if not text:  # an argument, which the usage line shows
                continue
            rows = sections.setdefault(getattr(param, "section", "Options"), [])
            rows.append(row(f"`{names.replace('|', '&#124;')}`" if "|" not in names else _code(names), cell(text)))
    tables = []
    for heading, rows in sections.items():
        title = "" if heading == "Options" else f"**{heading}**\n\n"
        tables.append(title + "\n".join(["| option | what it is |", "|---|---|", *rows]))
    return "\n\n".join(tables)


def _code(text: str) -> str:
    return f"<code>{cell(text)}</code>"


def _examples(epilog: str) -> str:
    lines = [line.strip() for line in epilog.replace("\b", "").splitlines() if line.strip() and line[:1] == " "]
    return "\n".join(["## Examples", "", _block("\n".join(lines))]) if lines else ""


def _block(text: str) -> str:
    return f"```shell\n{text}\n```"


EXIT_CODES = """## Exit codes

| code | meaning |
|---|---|
| 0 | all went well |
| 1 | a bug of ours |
| 2 | usage |
| 3 | bad input: the checkpoint, the data, an option's value |
| 4 | some analyses failed; the others' results are saved |
| 5 | the output cannot be written |
| 75 | stopped and saved, to be resumed |
| 130 | interrupted |
| 143 | terminated |

Results go to standard output, progress and warnings to standard error."""
