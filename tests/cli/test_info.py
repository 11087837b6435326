"""`gan-probe info`: what it says of a checkpoint."""

import dataclasses

from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.testing import tiny_gan


def test_a_strangers_card_cannot_drive_the_terminal(gan_probe_command, tmp_path):
    gan = tiny_gan()
    text = "x\x1b[2J\u202ey\nz"
    gan.card = dataclasses.replace(gan.card, name=text, licence=text, training_data=text, assumed=(text,))
    save_checkpoint(gan, tmp_path / "x.pt")
    code, out, _ = gan_probe_command("info", tmp_path / "x.pt")
    assert code == 0
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "assumed: x\\x1b[2J\\u202ey\\x0az" in out
