"""Plugins' options on the command line: real ones, with help, told apart where two share a name."""

import json

import pytest

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
