"""Code on the pages is true: commands parse, Python runs."""

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from gan_probe.cli import group
from gan_probe.cli.options import DeclaredOption
from gan_probe.errors import GanProbeError
from gan_probe.new_plugin import plugin_files

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"]
SAMPLE = ROOT / "tests" / "sample_plugin" / "gan_probe_brightness.py"
ENTRY_POINTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["gan_probe"]
BLOCK = re.compile(r"(?P<mark><!-- not run: .+ -->\n+)?^```(?P<kind>\w*).*\n(?P<code>(?:.*\n)*?)```$", re.MULTILINE)


def blocks(page, *kinds):
    """The page's blocks of code of these languages, less those that are marked as not run."""
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [block["code"] for block in found if block["kind"] in kinds and not block["mark"]]


def commands(page):
    """The lines of gan-probe in its blocks of commands."""
    lines = "".join(blocks(page, "shell", "")).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("gan-probe ")]


def parse(line):
    """Parse a command line as `gan-probe` does, and run nothing; its own errors pass."""
    name, *words = shlex.split(line.partition(" > ")[0], comments=True)[1:]
    parent = click.Context(group, info_name="gan-probe")
    if name in ENTRY_POINTS and name not in group.list_commands(parent):
        pytest.skip(f"the command {name} is a plugin's that is not installed yet: pip install -e . again")
    _, command, _ = group.resolve_command(parent, [name])
    context = command.make_context(name, words, parent=parent)
    for option in command.get_params(context):
        value = context.params.get(option.name)
        if isinstance(option, DeclaredOption) and value is not None:
            option.declared.parse(value)


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.stem)
def test_every_command_on_a_page_parses(page, install, tmp_path, monkeypatch):
    for line in commands(page):
        if line.startswith("gan-probe new-plugin "):
            name = line.split()[2]
            install(name, SAMPLE.read_text() if name == "brightness" else plugin_files(name)[f"gan_probe_{name}.py"])
    monkeypatch.chdir(tmp_path)
    for line in commands(page):
        try:
            parse(line)
        except click.exceptions.Exit:  # --help
            continue
        except (click.UsageError, GanProbeError) as error:
            pytest.fail(f"{line}: {error}")


@pytest.mark.parametrize(
    "line",
    [
        "gan-probe run --plugin linear-probe x.pt --no-such-option",
        "gan-probe run --plugin no-such-analysis x.pt",
        "gan-probe run --plugin linear-probe x.pt --grid many",
        "gan-probe train --data digits",
        "gan-probe sampel x.pt",
    ],
)
def test_a_command_that_would_be_refused_does_not_parse(line):
    with pytest.raises((click.UsageError, GanProbeError)):
        parse(line)


@pytest.mark.parametrize("page", [page for page in PAGES[:-1] if blocks(page, "python")], ids=lambda page: page.stem)
def test_python_on_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for code in blocks(page, "python"):
        exec(compile(code, str(page), "exec"), names)  # noqa: S102  # our own pages
