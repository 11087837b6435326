"""The other hooks: loaders, data sets, report formats and commands that third parties bring."""

import json

import numpy as np
import pytest

import gan_probe
from gan_probe.testing import tiny_gan

LOADER = """
from gan_probe import hookimpl
@hookimpl
def load_gan(request):
    if request.path.suffix != ".odd":
        return None
    {body}
"""
DATA = """
import numpy as np
from gan_probe import hookimpl
from gan_probe.data import Data, DatasetSource, Split
def open_stripes(request):
    images = np.zeros((20, 16, 16, 1), np.uint8)
    images[::2, ::2] = 255
    return Data("stripes", Split.from_arrays("train", images, np.arange(20) % 2, ("striped", "black")), None)
@hookimpl
def register_datasets():
    return [DatasetSource("stripes", "Stripes, or none.", open_stripes)]
"""
WRITER = """
from gan_probe import hookimpl
@hookimpl
def write_report(report, folder):
    {body}
"""
said = pytest.mark.filterwarnings("always::UserWarning")  # the command line prints them
COMMAND = """
import click
from gan_probe import hookimpl
@hookimpl
def register_commands(group):
    @group.command("hello")
    def hello():
        "Say hello."
        click.echo("hello")
    @group.command("run")
    def run():
        "Not the run you wanted."
        click.echo("stolen")
"""


def test_a_loader_opens_its_own_format_and_leaves_the_rest(install, tmp_path):
    install("loader", LOADER.format(body="from gan_probe.testing import tiny_gan; return tiny_gan(seed=7)"))
    (tmp_path / "x.odd").write_bytes(b"odd")
    assert gan_probe.load(tmp_path / "x.odd").card.name == "tiny"
    with pytest.raises(gan_probe.BadInputError):
        gan_probe.load(__file__)


def test_a_loader_that_fails_is_said_and_the_built_in_formats_are_still_tried(install, tmp_path):
    from gan_probe.checkpoints.native import save_checkpoint

    install("loader", LOADER.format(body="raise KeyError('weights')"))
    save_checkpoint(tiny_gan(), tmp_path / "fine.odd")
    with pytest.warns(UserWarning, match="loader-dist:loader: its load_gan failed, KeyError"):
        assert gan_probe.load(tmp_path / "fine.odd").card.name == "tiny"


@said
@pytest.mark.parametrize("body", ["raise SystemExit(0)", "return 42", "from gan_probe import GAN; return GAN(None)"])
def test_a_loader_cannot_end_the_command_or_give_something_else(install, gan_probe_command, tmp_path, body):
    from gan_probe.checkpoints.native import save_checkpoint

    install("loader", LOADER.format(body=body))
    save_checkpoint(tiny_gan(), tmp_path / "fine.odd")
    code, out, err = gan_probe_command("run", "-p", "samples", tmp_path / "fine.odd", "--count", 4, "--out", "r")
    assert code == 0
    assert "index.html" in out
    assert "plugin loader-dist:loader: its load_gan failed" in err


def test_a_loaders_verdict_on_its_own_format_is_passed_on(install, tmp_path):
    install("loader", LOADER.format(body="from gan_probe import BadInputError; raise BadInputError('cut short')"))
    (tmp_path / "x.odd").write_bytes(b"odd")
    with pytest.raises(gan_probe.BadInputError, match="cut short"):
        gan_probe.load(tmp_path / "x.odd")


BROKEN_DATA = """
from gan_probe import hookimpl
@hookimpl
def register_datasets():
    {body}
"""


@said
@pytest.mark.parametrize("body", ["1 / 0", "raise SystemExit(0)", "return 42", "return ['digits']", "yield 1; 1 / 0"])
def test_broken_data_sets_cost_only_themselves(install, gan_probe_command, body):
    install("data", BROKEN_DATA.format(body=body))
    code, out, err = gan_probe_command("data", "digits")
    assert code == 0
    assert "digits" in out
    assert "plugin data-dist:data: its register_datasets failed" in err


@said
def test_a_built_in_data_set_keeps_its_name(install, gan_probe_command):
    install("data", DATA.replace('DatasetSource("stripes"', 'DatasetSource("digits"'))
    code, out, err = gan_probe_command("data", "digits")
    assert code == 0
    assert "striped" not in out
    assert "plugin data-dist:data: its data set 'digits' has the name of a built-in" in err


def test_two_strangers_data_sets_of_one_name_are_both_refused_by_name(install, gan_probe_command):
    install("one", DATA)
    install("two", DATA)
    code, _, err = gan_probe_command("data", "stripes")
    assert code == 2
    assert "one-dist:one and two-dist:two" in err
    assert gan_probe_command("data", "digits")[0] == 0


def test_a_data_set_is_listed_and_used_by_its_name(install, gan_probe_command):
    install("data", DATA)
    code, out, _ = gan_probe_command("data", "--json")
    assert code == 0
    assert "stripes" in {source["name"] for source in json.loads(out)}
    report = gan_probe.run(tiny_gan(), "linear-probe", data="stripes", c="1")
    assert report.table("accuracy").rows[0]["accuracy"] == 1


def test_a_writer_adds_its_format_to_the_folder(install, gan_probe_command, tmp_path):
    install("writer", WRITER.format(body="(folder / 'names.txt').write_text(report.analyses[0].name)"))
    gan_probe.load("digits-dcgan")
    code, _, _ = gan_probe_command("run", "-p", "samples", "digits-dcgan", "--count", 4, "--out", "r")
    assert code == 0
    assert (tmp_path / "cwd" / "r" / "names.txt").read_text() == "samples"


@said
def test_a_writer_that_fails_is_named_and_spoils_nothing(install, gan_probe_command, tmp_path):
    install("writer", WRITER.format(body="1 / 0"))
    code, _, err = gan_probe_command("run", "-p", "samples", "digits-dcgan", "--count", 4, "--out", "r")
    assert code == 0
    assert "plugin writer-dist:writer: its write_report failed, ZeroDivisionError" in err
    assert (tmp_path / "cwd" / "r" / "index.html").is_file()


def test_a_command_is_added_but_none_of_ours_is_replaced(install, gan_probe_command):
    install("command", COMMAND)
    assert "Say hello." in gan_probe_command("--help")[1]
    assert gan_probe_command("hello")[:2] == (0, "hello\n")
    assert "stolen" not in gan_probe_command("run", "--help")[1]


@said
@pytest.mark.parametrize("body", ["raise SystemExit(0)", "raise RuntimeError", "group.commands['x'] = 42"])
def test_commands_that_fail_cost_only_themselves(install, gan_probe_command, body):
    install("command", f"from gan_probe import hookimpl\n@hookimpl\ndef register_commands(group):\n    {body}\n")
    code, out, err = gan_probe_command("--help")
    assert code == 0
    assert "Run analyses" in out
    assert "Traceback" not in err
    assert "its register_commands failed" in err or "42" in body


@said
def test_a_writer_cannot_end_the_run(install, gan_probe_command):
    install("writer", WRITER.format(body="raise SystemExit(0)"))
    code, out, err = gan_probe_command("run", "-p", "samples", "digits-dcgan", "--count", 4, "--out", "r")
    assert code == 0
    assert out.rstrip().endswith("index.html")
    assert "its write_report failed, SystemExit" in err


def test_plain_arrays_make_a_data_set():
    from gan_probe.data import Data, Split

    images = np.random.default_rng(0).integers(0, 255, (40, 16, 16, 1), dtype=np.uint8)
    data = Data("mine", Split.from_arrays("train", images, np.arange(40) % 2, ("a", "b")), None)
    assert gan_probe.run(tiny_gan(), "linear-probe", data=data, c="1").table("accuracy").rows[0]["n_test"] == 8
