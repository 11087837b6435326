"""The data that a card names: never a folder of yours, never a download, and said where they cannot be used."""

import dataclasses

from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.testing import tiny_gan

from .one_line import one_line


def carded(path, **fields):
    gan = tiny_gan()
    gan.card = dataclasses.replace(gan.card, **fields)
    save_checkpoint(gan, path)
    return path


def test_a_card_cannot_choose_a_folder_of_yours(gan_probe_command, tmp_path):
    for name in ("train/a", "train/b"):
        (tmp_path / "cwd" / "private" / name).mkdir(parents=True)
    for named in ("private", "./private", str(tmp_path / "cwd" / "private")):
        code, _, err = gan_probe_command(
            "run", "-p", "linear-probe", carded(tmp_path / "x.pt", training_data=named), "--download"
        )
        assert code == 3
        assert "pass --data (the card names '" in one_line(err)
        assert "private', which is no registered set" in one_line(err)


def test_a_card_cannot_start_a_download(gan_probe_command, install, tmp_path):
    install(
        "sets",
        "from gan_probe import BadInputError, hookimpl\n"
        "from gan_probe.data import DatasetSource\n"
        "def open(request): raise BadInputError(f'download is {request.download}')\n"
        "@hookimpl\n"
        "def register_datasets(): return [DatasetSource('far', 'Far away.', open)]\n",
    )
    path = carded(tmp_path / "x.pt", training_data="far")
    code, _, err = gan_probe_command("run", "-p", "linear-probe", path, "--download")
    assert code == 3
    assert "the card names far, but: download is False" in one_line(err)
    assert "download is True" in gan_probe_command("run", "-p", "linear-probe", path, "--download", "--data", "far")[2]


def test_why_the_cards_data_cannot_be_used_is_said(gan_probe_command):
    code, _, err = gan_probe_command("run", "-p", "linear-probe", "digits-dcgan", "--labels", "foo")
    assert code == 3
    assert "digits has one set of labels" in one_line(err)
    code, _, err = gan_probe_command("run", "digits-dcgan", "--labels", "foo", "--out", "r")
    assert code == 0
    assert "note: no data: the card names digits, but: digits has one set of labels" in err
