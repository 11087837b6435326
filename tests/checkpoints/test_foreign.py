from __future__ import annotations

import functools
import io
import os
import pickle
import tarfile
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from gan_probe import load
from gan_probe.checkpoints import LoadRequest, load_gan
from gan_probe.checkpoints.export import export_onnx
from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.checkpoints.statedicts import chosen, find
from gan_probe.checkpoints.tensorfile import read
from gan_probe.errors import BadInputError
from gan_probe.features import recalibrate
from gan_probe.gan import GAN
from gan_probe.network import Network, initialise
from gan_probe.testing import tiny_gan

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


@functools.cache
def small() -> tuple[nn.Sequential, nn.Sequential]:
    torch.manual_seed(0)
    g = nn.Sequential(
        nn.ConvTranspose2d(16, 24, 4, 1, 0, bias=False),
        nn.BatchNorm2d(24),
        nn.ReLU(),
        nn.ConvTranspose2d(24, 12, 4, 2, 1, bias=False),
        nn.BatchNorm2d(12),
        nn.ReLU(),
        nn.ConvTranspose2d(12, 3, 4, 2, 1),
        nn.Tanh(),
    )
    d = nn.Sequential(nn.Conv2d(3, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 8), nn.Flatten())
    with torch.no_grad():
        for _ in range(60):
            g(torch.randn(64, 16, 1, 1))
    return g.eval(), d.eval()


def renamed(state, prefix: str):
    return {prefix + key: value for key, value in state.items()}


def lightning(g, d):
    return {"epoch": 3, "state_dict": renamed(g, "generator.") | renamed(d, "discriminator."), "optimizer_states": [{}]}


LAYOUTS = {
    "nested by role": lambda g, d: {"netG": g, "netD": d, "optimizerG": {"state": {0: {"step": torch.tensor(1.0)}}}},
    "state dicts by role": lambda g, d: {"generator_state_dict": g, "discriminator_state_dict": d, "epoch": 7},
    "lightning": lightning,
    "data parallel": lambda g, d: {"G": renamed(g, "module."), "D": renamed(d, "module.")},
    "compiled": lambda g, d: {"G": renamed(g, "_orig_mod.module."), "D": d},
    "averaged": lambda g, d: {"g": {k: v * 0 + 1 for k, v in g.items()}, "g_ema": g, "d": d},
    "one level more": lambda g, d: {"models": {"generator": {"params": g}, "discriminator": {"params": d}}},
    "by shape": lambda g, d: [d, g],
}


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("name", LAYOUTS)
def test_both_networks_are_found_in_what_a_training_script_saves(tmp_path, name, old):
    states = {role: net.state_dict() for role, net in zip(("generator", "discriminator"), small(), strict=True)}
    torch.save(LAYOUTS[name](*states.values()), tmp_path / "ckpt.pt", _use_new_zipfile_serialization=not old)
    found = chosen(find(read(tmp_path / "ckpt.pt")[0]), None)
    assert found.keys() == states.keys()
    for role, state in states.items():
        assert found[role].tensors.keys() == state.keys()
        assert all(torch.equal(found[role].tensors[key], value) for key, value in state.items())
    if name in ("lightning", "data parallel", "averaged"):
        assert any("taken" in line for line in found["generator"].notes)


def test_a_checkpoint_of_a_training_script_opens(tmp_path):
    g, d = small()
    torch.save(lightning(g.state_dict(), d.state_dict()), tmp_path / "ckpt.pt")
    gan = load(tmp_path / "ckpt.pt")
    z, x = torch.randn(3, 16), torch.rand(3, 3, 16, 16)
    torch.testing.assert_close(gan.sample(z), g(z[:, :, None, None]).detach(), atol=1e-4, rtol=0)
    torch.testing.assert_close(gan.discriminator(x), d(x).detach(), atol=1e-4, rtol=0)
    assert any("prefix generator. was taken off" in line for line in gan.card.assumed)


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


def test_safetensors_sorted_by_name_open(tmp_path):
    g, d = small()
    save_file(g.state_dict(), tmp_path / "netG.safetensors")
    save_file(d.state_dict(), tmp_path / "netD.safetensors")
    gan = load(tmp_path)
    z = torch.randn(3, 16)
    torch.testing.assert_close(gan.sample(z), g(z[:, :, None, None]).detach(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("change", ["module", "lists"])
def test_a_stated_architecture_is_taken_as_it_stands(tmp_path, change):
    import json

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


class Runs:
    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


def containers(content) -> dict[str, bytes]:
    found = {f"pickle {n}": pickle.dumps(content, n) for n in range(6)}
    for name, more in (
        ("zip", {}),
        ("legacy", {"_use_new_zipfile_serialization": False}),
        ("zip 4", {"pickle_protocol": 4}),
    ):
        buffer = io.BytesIO()
        torch.save(content, buffer, **more)
        found[name] = buffer.getvalue()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("pickle")
        info.size = len(found["pickle 2"])
        archive.addfile(info, io.BytesIO(found["pickle 2"]))
    return found | {"tar": buffer.getvalue()}


def test_no_pickle_runs_in_any_container(tmp_path):
    marker = tmp_path / "ran"
    state = small()[0].state_dict()
    for place in (
        lambda r: {**state, "x": r},
        lambda r: {"G": state, "optimizer": r},
        lambda r: [r, state],
        lambda r: r,
    ):
        for name, raw in containers(place(Runs(marker))).items():
            path = tmp_path / f"{name}.pt"
            path.write_bytes(raw)
            for request in (LoadRequest(path), LoadRequest(path, generator=path)):
                with pytest.raises(BadInputError) as caught:
                    load_gan(request)
                assert len(str(caught.value)) <= 200
                assert "\n" not in str(caught.value)
    assert not marker.exists()


@pytest.mark.parametrize("old", [False, True])
def test_a_damaged_copy_is_refused_or_reads_the_same(tmp_path, old):
    path = tmp_path / "netG.pt"
    torch.save(small()[0].state_dict(), path, _use_new_zipfile_serialization=not old)
    raw = path.read_bytes()
    for length in range(0, len(raw), 997):
        path.write_bytes(raw[:length])
        with pytest.raises(BadInputError):
            load_gan(LoadRequest(path))
    if old:
        return  # the older format has no checksums
    for position in range(0, len(raw), 1499):
        flipped = bytearray(raw)
        flipped[position] ^= 16
        path.write_bytes(flipped)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                gan = load_gan(LoadRequest(path))
            except BadInputError:
                continue
        assert gan.card.image_size == 16


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s["0.weight"].view(-1)[0].fill_(float("nan")), "NaN or infinite"),
        (lambda s: s["1.running_var"][0].fill_(-1.0), "negative variances"),
        (lambda s: s.update({"0.weight": s["0.weight"].to(torch.int8)}), "int8"),
        (lambda s: s.update({"0.weight": s["0.weight"].to(torch.complex64)}), "complex"),
        (lambda s: s.update({"x.weight": torch.zeros(1).expand(10**6, 10**6)}), "more than the file holds"),
        (lambda s: s.update({"label_emb.weight": torch.zeros(10, 50)}), "conditional|no order"),
        (lambda s: s.update({"x.weight": torch.zeros(3, 3, 3)}), "no layer of a plain DCGAN"),
        (lambda s: [s.pop(k) for k in list(s) if "running" in k], "without stored statistics"),
        (lambda s: s.clear(), "no layers' weights"),
    ],
)
def test_weights_that_make_no_gan_are_named_in_one_line(tmp_path, change, message):
    state = {k: v.clone() for k, v in small()[0].state_dict().items()}
    change(state)
    torch.save(state, tmp_path / "netG.pt")
    with pytest.raises(BadInputError, match=message) as caught:
        load(tmp_path / "netG.pt")
    assert len(str(caught.value)) <= 200
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("mode", "changed"), [("nearest", {}), ("bilinear", {}), ("nearest", {"norm_last": True})])
def test_enlarging_layers_and_norms_behind_activations_are_written_as_onnx(tmp_path, mode, changed):
    gan = tiny_gan(seed=1)
    first, *rest = gan.card.generator
    enlarged = [
        replace(s, op="conv", kernel=3, stride=1, padding=1, output_padding=0, upsample=2, interpolation=mode)
        for s in rest
    ]
    stages = (replace(first, **changed), *enlarged)
    net = initialise(Network(stages, 1), torch.Generator().manual_seed(0)).eval()
    gan = GAN(replace(gan.card, generator=stages, discriminator=None), net)
    net.statistics = recalibrate(net, [torch.randn(64, gan.card.z_size)])
    export_onnx(gan, tmp_path / "g.onnx")
    save_checkpoint(gan, tmp_path / "g.pt")
    z = torch.randn(3, gan.card.z_size)
    for name in ("g.onnx", "g.pt"):
        torch.testing.assert_close(load(tmp_path / name).sample(z), gan.sample(z), atol=1e-4, rtol=0)
    back = load(tmp_path / "g.onnx").generator
    assert back.layers == net.layers
    assert back.statistics.keys() == net.statistics.keys()
    assert load(tmp_path / "g.onnx").differentiable().card.generator == stages
