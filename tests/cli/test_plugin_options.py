"""Plugins' options on the command line: real ones, with help, told apart where two share a name."""

import json
import shlex

import click
import pytest

from gan_probe.cli import group
from gan_probe.plugins import host

from .one_line import one_line
from .small_plugins import COUNTER


def test_the_name_of_an_analysis_may_be_attached_to_its_letter(gan_probe_command, checkpoint):
    code, out, _ = gan_probe_command("run", "-psamples", checkpoint, "--count", 4, "--json")
    assert code == 0
    assert json.loads(out)["analyses"][0]["options"]["count"] == 4


def test_a_plugins_options_are_real_options_with_help(gan_probe_command, install):
    install("counter", COUNTER)
    code, out, _ = gan_probe_command("run", "-p", "counter", "--help")
    assert code == 0
    assert "Options of counter" in out
    assert "--loud / --no-loud" in out
    assert "how many" in out


def test_help_ends_with_the_examples_of_the_analyses_named(gan_probe_command, install):
    install("counter", COUNTER)  # it has none
    for names, told in (((), "generator.onnx"), (("counter",), "generator.onnx"), (("quality", "counter"), "quality")):
        code, out, _ = gan_probe_command("run", *(f"-p{name}" for name in names), "--help")
        assert code == 0
        examples = out.partition("Examples:\n")[2].splitlines()
        assert any(told in line for line in examples)
        assert ("generator.onnx" in out) == ("quality" not in names)
        assert all(line.split()[0] == "gan-probe" for line in examples)


def test_an_example_is_one_line_and_acts_on_no_terminal(gan_probe_command, install):
    hostile = 'name = "counter"\n    examples = ("gan-probe run\\n\\n  -p\\x1b[31m counter",)'
    install("counter", COUNTER.replace('name = "counter"', hostile))
    code, out, _ = gan_probe_command("run", "-p", "counter", "--help")
    assert code == 0
    assert out.endswith("Examples:\n    gan-probe run -p [31m counter\n")


@pytest.mark.parametrize(
    "line", [line for registered in host().analyses.values() for line in registered.analysis.examples]
)
def test_an_example_of_an_analysis_is_a_command_line_that_can_be_parsed(line):
    program, name, *words = shlex.split(line)
    assert program == "gan-probe"
    command = group.get_command(click.Context(group), name)
    assert command.make_context(name, words).params


@pytest.mark.usefixtures("quick_processes")
def test_an_analysis_that_needs_no_checkpoint_runs_without_one(gan_probe_command, install):
    install("counter", COUNTER)
    code, out, _ = gan_probe_command("run", "-p", "counter", "--count", 7, "--loud", "--json")
    assert code == 0
    assert json.loads(out)["analyses"][0]["tables"][0]["rows"] == [{"count": 7, "loud": True}]


@pytest.mark.usefixtures("quick_processes")
def test_a_shared_option_needs_its_plugins_name_in_front(gan_probe_command, checkpoint, install):
    install("counter", COUNTER)
    chosen = ["run", "-p", "counter", "-p", "samples", checkpoint]
    code, _, err = gan_probe_command(*chosen, "--count", 5)
    assert code == 2
    assert "--counter-count or --samples-count" in one_line(err)
    code, out, _ = gan_probe_command(*chosen, "--counter-count", 5, "--samples-count", 4, "--json")
    assert code == 0
    counter, samples = json.loads(out)["analyses"]
    assert (counter["options"]["count"], samples["options"]["count"]) == (5, 4)


def test_a_shared_option_may_have_a_dash(gan_probe_command):
    code, _, err = gan_probe_command("run", "-p", "collapse", "-p", "quality", "--feature-space", "pixels", "x.pt")
    assert code == 2
    assert "--collapse-feature-space or --quality-feature-space" in one_line(err)
