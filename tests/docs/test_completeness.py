"""Everything has its place: each analysis, option, hook, command and public name stands on a page."""

import html
import inspect
import re

import click
import pytest
from commands import built_in_commands, command_pages, help_of
from declared import analysis_of, built_in, examples_of

import gan_probe
from gan_probe import hookspecs
from gan_probe.cli import COMMANDS, group
from gan_probe.options import declared

HOOKS = [name for name, f in vars(hookspecs).items() if inspect.isfunction(f) and f.__module__ == hookspecs.__name__]


def plain(page):
    """The page's text without what keeps Markdown from reading it."""
    return html.unescape(re.sub(r"</?code>", "`", page))


def test_every_built_in_analysis_has_a_page_and_no_page_lacks_its_analysis(docs):
    pages = {path.stem for path in (docs / "analyses").glob("*.md")} - {"index"}
    assert pages == set(built_in())
    listed = re.findall(r"analyses/([\w-]+)\.md", (docs.parent / "mkdocs.yml").read_text())
    assert sorted(listed) == sorted([*pages, "index"])


@pytest.mark.parametrize("name", sorted(built_in()))
def test_a_page_of_an_analysis_has_prose_a_figure_and_what_it_declares(docs, name):
    page = (docs / "analyses" / f"{name}.md").read_text()
    for part in (
        "# " + name,
        "<!-- figure: ",
        f"<!-- examples: {name} -->",
        "## How to read it",
        "## What can mislead",
    ):
        assert part in page, part
    assert page.rstrip().endswith(f"<!-- analysis: {name} -->")
    assert built_in()[name].examples[0] in examples_of(name)
    made = plain(analysis_of(name))
    for option in declared(built_in()[name].Options):
        assert f"{option.flag}`" in made
        assert option.help in made
    for need in built_in()[name].needs | built_in()[name].takes:
        assert f"`{need}`" in made


def test_an_undeclared_analysis_has_no_page():
    with pytest.raises(KeyError):
        analysis_of("no-such-analysis")


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_page_with_its_contract_and_an_example(docs, hook):
    page = (docs / "plugins" / "hooks" / f"{hook}.md").read_text()
    assert f"::: gan_probe.hookspecs.{hook}" in page
    assert "<!-- code: " in page
    assert f"]({hook}.md)" in (docs / "plugins" / "hooks" / "index.md").read_text()


@pytest.mark.parametrize("name", sorted({*COMMANDS, *built_in_commands()}))
def test_every_command_has_a_page_with_every_option(name):
    assert f"reference/commands/{name}.md" in command_pages()
    parent = click.Context(group, info_name="gan-probe")
    command = built_in_commands()[name]
    page = plain(help_of(name))
    shown = [p for p in command.get_params(click.Context(command, parent=parent)) if not getattr(p, "hidden", False)]
    for option in (param for param in shown if isinstance(param, click.Option)):
        assert max(option.opts, key=len) in page
    assert "## Examples" in page


def test_a_command_that_this_version_lacks_is_said_to_be_lacking():
    assert "no command" in help_of("no-such-command")


def test_every_public_name_is_in_the_reference(docs):
    page = (docs / "reference" / "python.md").read_text()
    documented = set(re.findall(r"^::: gan_probe\.(\w+)$", page, re.MULTILINE))
    assert documented == set(gan_probe.__all__) - {"__version__"}
