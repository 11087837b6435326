"""The plugin host: strangers come in by entry points, and a broken one costs only itself."""

import json

import click
import pytest

from gan_probe import UsageError
from gan_probe.cli import group
from gan_probe.plugins import RESERVED, host

PLUGIN = """
from gan_probe import Analysis, Options, Report, hookimpl, option
from dataclasses import dataclass

@dataclass(frozen=True)
class O(Options):
    {option}: int = option(1, "a number")

class A(Analysis):
    "Does a thing."
    name = {name!r}
    needs = frozenset({needs})
    Options = O
    def run(self, gan, options, ctx):
        return Report()

@hookimpl
def register_analyses():
    return [A]
"""


def plugin(name="theirs", option="number", needs="()"):
    return PLUGIN.format(name=name, option=option, needs=needs)


def reason(name):
    return next(b.reason for b in host().broken if b.plugin.endswith(f":{name}"))


def test_the_built_ins_come_through_the_same_door():
    assert {"linear-probe", "samples"} <= set(host().analyses)
    assert host().analyses["samples"].distribution.startswith("gan-probe ")
    assert host().broken == []


def test_a_strangers_analysis_is_found_with_its_distribution(install):
    install("good", plugin())
    assert host().find("theirs").distribution == "good-dist 1.0"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import no_such_module_anywhere", "ModuleNotFoundError"),
        ("raise RuntimeError('two\\nlines')", "RuntimeError: two lines"),
        ("import sys; sys.exit(3)", "SystemExit"),
        ("def f(:", "SyntaxError"),
        ("from gan_probe import hookimpl\n@hookimpl\ndef register_analysis(): return []", "register_analysis"),
        ("from gan_probe import hookimpl\n@hookimpl\ndef register_analyses(): return [int]", "no subclass"),
        ("from gan_probe import hookimpl\n@hookimpl\ndef register_analyses(): 1 / 0", "ZeroDivisionError"),
        (plugin(name="Bad Name"), "lower-case"),
        (plugin(needs="['magic']"), "magic"),
        (plugin(option="seed"), "seed"),
        (plugin(option="data_root"), "data_root"),
        (plugin(option="resume"), "resume"),
        (plugin(option="h"), "'h'"),
        (plugin(option="Seed"), "Seed"),
    ],
)
def test_a_broken_plugin_is_named_with_its_fault_and_the_rest_is_there(install, source, words):
    install("bad", source)
    assert words in reason("bad")
    assert "\n" not in reason("bad")
    assert {"linear-probe", "samples"} <= set(host().analyses)
    with pytest.raises(UsageError, match="bad"):
        host().find("bad")


@pytest.mark.parametrize("command", ["run", "compare"])
def test_every_option_of_the_commands_that_run_analyses_is_reserved(command):
    above = click.Context(group, **group.context_settings)  # -h comes from here
    own = group.get_command(above, command)
    given = [p for p in own.get_params(click.Context(own, parent=above)) if isinstance(p, click.Option)]
    assert {name.lstrip("-") for p in given for name in (*p.opts, *p.secondary_opts)} <= RESERVED


def test_a_built_in_name_cannot_be_taken(install):
    install("thief", plugin(name="samples"))
    assert host().analyses["samples"].distribution.startswith("gan-probe ")
    assert "built-in" in reason("thief")


def test_two_strangers_of_one_name_are_both_refused_by_name(install):
    install("one", plugin(name="twin"))
    install("two", plugin(name="twin"))
    install("three", plugin(name="other"))
    assert "other" in host().analyses
    with pytest.raises(UsageError, match=r"one-dist 1\.0 and two-dist 1\.0"):
        host().find("twin")


def test_two_distributions_of_one_entry_point_name_both_load(install):
    install("same", plugin(name="first"), distribution="dist-a")
    site = install("other", plugin(name="second"), distribution="dist-b")
    info = site / "dist_b-1.0.dist-info" / "entry_points.txt"
    info.write_text(info.read_text().replace("other =", "same ="))
    host.cache_clear()
    assert {"first", "second"} <= set(host().analyses)


def test_an_unknown_analysis_suggests_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'linear-probe'"):
        host().find("liner-probe")
    with pytest.raises(UsageError, match=r"no analysis 'zzz'; `gan-probe plugins` lists the \d+ there are$"):
        host().find("zzz")


@pytest.fixture
def unrestricted(monkeypatch):
    """Whatever a command allows holds for this test alone."""
    monkeypatch.setenv("GAN_PROBE_PLUGINS", "")
    monkeypatch.delenv("GAN_PROBE_PLUGINS")


@pytest.mark.parametrize(
    ("words", "theirs"),
    [
        ((), {"one", "two"}),
        (("--no-plugins",), set()),
        (("--only-plugins", "One_Dist"), {"one"}),
        (("--only-plugins", "two-dist,one-dist"), {"one", "two"}),
    ],
)
@pytest.mark.usefixtures("unrestricted")
def test_only_allowed_plugins_are_loaded(install, gan_probe_command, words, theirs):
    for name in ("one", "two"):
        install(
            name,
            "from gan_probe import Analysis, hookimpl\n"
            f"class A(Analysis):\n    name = {name!r}\n    def run(self, gan, options, ctx): ...\n"
            "@hookimpl\ndef register_analyses(): return [A]\n",
        )
    listed = json.loads(gan_probe_command(*words, "plugins", "--json")[1])["analyses"]
    names = {analysis["name"] for analysis in listed}
    assert names & {"one", "two"} == theirs
    assert "samples" in names
