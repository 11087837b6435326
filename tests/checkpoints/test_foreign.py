"""Strangers' checkpoints: opened, read out of their weights, stated or pinned, and converted."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from gan_probe import load
from gan_probe.errors import BadInputError

from .small_pair import small

PAIRS = {
    **{f"faces {k or 'last'}": (f"faces_dcgan/generator{k}.pt", "uniform", 32, 3) for k in ("", "05", "11", "2", "40")},
    "kermit": ("fashion_kermit0125/generator.pth", "normal", 28, 1),
    "syoopie": ("fashion_syoopie4/generator.pt", "normal", 28, 1),
    "apaar": ("mnist_apaarraina/generator.pth", "normal", 28, 1),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_strangers_pair_opens_by_its_two_paths(shared, name):
    file, z, size, channels = PAIRS[name]
    path = shared / "weights" / file
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gan = load(generator=path, discriminator=path.with_name(path.name.replace("generator", "discriminator")))
    assert (gan.card.z_distribution, gan.card.image_size, gan.card.channels) == (z, size, channels)
    assert gan.readings[0].evidence
    assert all(e.mean <= 0.1 and e.variance <= 0.1 for e in gan.readings[0].evidence)
    scores = gan.discriminator(gan.sample(gan.latent(16, np.random.default_rng(0))))
    assert scores.shape == (16, 1)


def test_a_folder_with_several_pairs_is_refused_with_their_list(shared):
    with pytest.raises(BadInputError, match=r"5 pairs \(generator.pt \+ discriminator.pt, generator05") as caught:
        load(shared / "weights" / "faces_dcgan")
    assert len(str(caught.value)) <= 200


@pytest.mark.parametrize("name", ["gan.pt", "model", "onnx"])
def test_a_strangers_pair_is_converted_and_opens_again(gan_probe_command, tmp_path, name):
    g, d = small()
    torch.save({"netG": g.state_dict(), "netD": d.state_dict()}, tmp_path / "ckpt.pt")
    extra = ["--format", "onnx"] if name == "onnx" else []
    code, out, err = gan_probe_command("convert", tmp_path / "ckpt.pt", "--to", tmp_path / name, *extra)
    assert (code, out.strip(), err) == (0, str(tmp_path / name), "")
    z = torch.randn(3, 16)
    back = load(tmp_path / name)
    torch.testing.assert_close(back.sample(z), g(z[:, :, None, None]).detach(), atol=1e-4, rtol=0)


def test_info_prints_the_reading_and_a_card_to_read_back(gan_probe_command, tmp_path):
    torch.save(small()[0].state_dict(), tmp_path / "netG.pt")
    code, out, _ = gan_probe_command("info", "--generator", tmp_path / "netG.pt", "--grid", tmp_path / "grid.png")
    assert code == 0
    assert "runner-up:" in out
    assert (tmp_path / "grid.png").stat().st_size > 0
    code, out, _ = gan_probe_command("info", "--generator", tmp_path / "netG.pt", "--json")
    (tmp_path / "card.json").write_text(out)
    code, _, err = gan_probe_command(
        "sample", tmp_path / "netG.pt", "--arch", tmp_path / "card.json", "--out", tmp_path / "x.png"
    )
    assert (code, err) == (0, "")


def test_what_was_assumed_comes_with_its_own_reason(tmp_path):
    g, _ = small()
    d = nn.Sequential(
        *(nn.Conv2d(3, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 16, 4, 2, 1), nn.BatchNorm2d(16)),
        *(nn.LeakyReLU(0.2), nn.Conv2d(16, 1, 4)),
    )
    with torch.no_grad():
        for _ in range(60):
            d(g(torch.randn(64, 16, 1, 1)))
    torch.save({"netG": g.state_dict(), "netD": d.state_dict()}, tmp_path / "ckpt.pt")
    said = load(tmp_path / "ckpt.pt").card.assumed
    hints = [line for line in said if "by hints alone" in line]
    assert hints
    assert all(line.endswith("the stored statistics saw real images too") for line in hints)
    assert any(line.startswith("the generator's") and line.endswith("no stored statistic bears on it") for line in said)
    torch.save(d.state_dict(), tmp_path / "netD.pt")
    alone = load(discriminator=tmp_path / "netD.pt").card.assumed
    assert any("without a generator there are no images" in line for line in alone)
    assert not any("hints" in line for line in alone)


def test_a_runner_up_says_what_it_has_in_place_of_what_was_read(gan_probe_command, tmp_path):
    torch.save(small()[0].state_dict(), tmp_path / "netG.pt")
    _, out, _ = gan_probe_command("info", "--generator", tmp_path / "netG.pt")
    line = next(line for line in out.splitlines() if line.startswith("runner-up: "))
    assert "; worse by " in line
    assert "ReLU" in out
    assert " relu" not in out


def test_safetensors_sorted_by_name_open(tmp_path):
    g, d = small()
    save_file(g.state_dict(), tmp_path / "netG.safetensors")
    save_file(d.state_dict(), tmp_path / "netD.safetensors")
    gan = load(tmp_path)
    z = torch.randn(3, 16)
    torch.testing.assert_close(gan.sample(z), g(z[:, :, None, None]).detach(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("change", ["module", "lists"])
def test_a_stated_architecture_is_taken_as_it_stands(tmp_path, change):
    g, d = small()
    torch.save({"G": g.state_dict(), "D": d.state_dict()}, tmp_path / "ckpt.pt")
    card = load(tmp_path / "ckpt.pt").card.to_dict()
    card["generator"][-1]["activation"] = "sigmoid"
    card["value_range"] = [0.0, 1.0]
    (tmp_path / "card.json").write_text(json.dumps(card | ({"layers": {}} if change == "lists" else {})))
    gan = load(tmp_path / "ckpt.pt", arch=tmp_path / "card.json")
    assert gan.sample(torch.randn(2, 16)).min() >= 0
    card["generator"] = card["generator"][1:]
    (tmp_path / "card.json").write_text(json.dumps(card))
    with pytest.raises(BadInputError, match="not those of the card"):
        load(tmp_path / "ckpt.pt", arch=tmp_path / "card.json")


def test_what_is_pinned_is_not_guessed(tmp_path):
    torch.save(small()[0].state_dict(), tmp_path / "netG.pt")
    gan = load(tmp_path / "netG.pt", pinned={"output": "sigmoid", "image_size": "16", "z_distribution": "normal"})
    assert gan.card.value_range == (0.0, 1.0)
    with pytest.raises(BadInputError, match="--pin colour: choose"):
        load(tmp_path / "netG.pt", pinned={"colour": "red"})
    with pytest.raises(BadInputError, match="no usual size"):
        load(tmp_path / "netG.pt", pinned={"image_size": "200"})


def test_a_generator_without_norms_warns_that_z_is_a_guess(tmp_path):
    g = nn.Sequential(nn.ConvTranspose2d(16, 8, 4), nn.ReLU(), nn.ConvTranspose2d(8, 1, 4, 2, 1), nn.Tanh())
    torch.save(g.state_dict(), tmp_path / "netG.pt")
    with pytest.warns(UserWarning, match="z is normal.*--pin z_distribution="):
        load(tmp_path / "netG.pt", pinned={"image_size": "8"})
