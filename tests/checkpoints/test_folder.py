from __future__ import annotations

import dataclasses
import hashlib
import json
import re

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from gan_probe.checkpoints import LoadRequest, load_gan, resolve
from gan_probe.checkpoints.folder import save_folder
from gan_probe.errors import BadInputError, OutputError
from gan_probe.testing import tiny_gan


def test_a_folder_comes_back_exactly(gan, same, tmp_path):
    save_folder(gan, tmp_path / "model")
    back = load_gan(LoadRequest(tmp_path / "model"))
    same.as_(back, atol=0)
    assert back.card.sha256 == hashlib.sha256((tmp_path / "model" / "model.safetensors").read_bytes()).hexdigest()
    assert load_gan(LoadRequest(tmp_path / "model" / "model.safetensors")).card == back.card


def test_one_model_gives_one_file_however_often_it_is_written(tmp_path):
    for i in range(12):
        save_folder(tiny_gan(), tmp_path / str(i))
    assert len({(tmp_path / str(i) / "model.safetensors").read_bytes() for i in range(12)}) == 1
    assert len({(tmp_path / str(i) / "README.md").read_bytes() for i in range(12)}) == 1


def test_a_stranger_reads_the_file_with_safetensors_alone(tmp_path):
    save_folder(tiny_gan(), tmp_path / "model")
    with safe_open(tmp_path / "model" / "model.safetensors", "pt") as file:
        assert "discriminator.conv2.norm.running_var" in file.keys()  # noqa: SIM118  # no mapping
        assert json.loads(file.metadata()["gan_probe_card"])["image_size"] == 16


def test_half_precision_is_half_the_size_and_says_so(tmp_path):
    gan = tiny_gan(width=32)
    save_folder(gan, tmp_path / "whole")
    save_folder(gan, tmp_path / "half", half=True)
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("half", "whole")]
    assert sizes[0] < 0.6 * sizes[1]
    back = load_gan(LoadRequest(tmp_path / "half"))
    assert any("float16" in note for note in back.card.assumed)
    z = gan.latent(4, np.random.default_rng(0))
    torch.testing.assert_close(back.sample(z), gan.sample(z), atol=2e-3, rtol=0)


def test_every_flipped_bit_and_every_cut_is_noticed(tmp_path):
    save_folder(tiny_gan(width=1, z_size=1), tmp_path)
    path = tmp_path / "model.safetensors"
    raw = path.read_bytes()
    for position in [*range(200), *range(200, len(raw), 37)]:
        damaged = bytearray(raw)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        with pytest.raises(BadInputError):
            load_gan(LoadRequest(tmp_path))
        path.write_bytes(raw[:position])
        with pytest.raises(BadInputError):
            load_gan(LoadRequest(tmp_path))


def test_what_people_wrote_around_the_card_is_kept(tmp_path):
    save_folder(tiny_gan(), tmp_path)
    readme = tmp_path / "README.md"
    first = readme.read_text()
    assert first.startswith("# tiny\n")
    readme.write_text("# Mine\n\nBefore.\n\n" + first.partition("\n")[2] + "\nAfter.\n")
    save_folder(tiny_gan(seed=1), tmp_path)
    second = readme.read_text()
    assert re.sub(r"[0-9a-f]{64}", "", second) == re.sub(
        r"[0-9a-f]{64}", "", "# Mine\n\nBefore.\n\n" + first.partition("\n")[2] + "\nAfter.\n"
    )
    assert second.count(load_gan(LoadRequest(tmp_path)).card.sha256) == 1


def test_a_card_cannot_break_out_of_its_table(tmp_path):
    gan = tiny_gan()
    gan.card = dataclasses.replace(gan.card, licence="a | b\n\n# heading")
    save_folder(gan, tmp_path)
    assert "| licence | a \\| b # heading |" in (tmp_path / "README.md").read_text()


@pytest.mark.parametrize("field", ["name", "licence", "training_data"])
def test_a_card_is_neither_markdown_nor_html(tmp_path, field):
    text = "<script>x</script> ![i](http://h/i.png) `c` **b** \\| \x1b[2J <!-- end of card --> R&D"
    gan = tiny_gan()
    gan.card = dataclasses.replace(gan.card, **{field: text}, assumed=(text,))
    save_folder(gan, tmp_path)
    readme = (tmp_path / "README.md").read_text()
    assert not re.search(r"<script|(?<!\\)[\[`]|(?<!\\)\*\*|\x1b|R&D", readme)
    assert readme.count("<!-- end of card -->") == 1
    assert "\\\\\\|" in readme  # a backslash, and a bar that ends no cell
    save_folder(gan, tmp_path)  # its own marks are found again
    assert (tmp_path / "README.md").read_text().count("| licence |") == 1


def test_a_new_folder_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OutputError, match="No space left"):
        save_folder(tiny_gan(), tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_million_tensors_in_the_header_are_not_parsed(tmp_path):
    path = tmp_path / "model.safetensors"
    header = json.dumps({"__metadata__": {"gan_probe_card": "{}"}} | {f"t{i}": {} for i in range(200_000)}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(BadInputError, match="header is"):
        load_gan(LoadRequest(tmp_path))


def test_safetensors_without_layers_are_named(tmp_path):
    save_file({"conv.weight": torch.zeros(3)}, tmp_path / "x.safetensors")
    with pytest.raises(BadInputError, match="no layers' weights"):
        load_gan(LoadRequest(tmp_path / "x.safetensors"))


def test_a_bare_name_is_a_model_that_comes_along(tmp_path, monkeypatch):
    package = tmp_path / "site" / "gan_probe"
    save_folder(tiny_gan(), package / "models" / "tiny-dcgan")
    monkeypatch.setattr("gan_probe.checkpoints.__file__", str(package / "checkpoints" / "__init__.py"))
    monkeypatch.chdir(tmp_path)
    assert load_gan(LoadRequest(resolve("tiny-dcgan"))).card.name == "tiny"
    assert resolve("no-such-model").name == "no-such-model"
    (tmp_path / "tiny-dcgan").mkdir()
    assert resolve("tiny-dcgan").resolve() == tmp_path / "tiny-dcgan"  # what lies here comes first
