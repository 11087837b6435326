"""Networks under the user's own classes: `--arch my_gan.py:Generator,Discriminator`."""

from __future__ import annotations

import contextlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from gan_probe import load
from gan_probe.errors import BadInputError, GanProbeError, UsageError
from gan_probe.network import Network
from gan_probe.tracing import trace
from gan_probe.wrapped import Wrapped

SOURCE = Path(__file__).with_name("my_gan.py").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with the user's code, and a checkpoint of each generator with each discriminator."""
    folder = tmp_path_factory.mktemp("classes")
    (folder / "my_gan.py").write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("classes_under_test", folder / "my_gan.py")
    code = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(code)
    torch.manual_seed(0)
    for g_name, d_name in (("Plain", "PlainD"), ("Residual", "Critic")):
        g, d = getattr(code, g_name)(), getattr(code, d_name)()
        with torch.no_grad():
            for _ in range(60):
                z = torch.randn(64, 12)
                d(g(z if g_name == "Plain" else z[:, :, None, None]))
        state = {"netG": {f"module.{k}": v for k, v in g.state_dict().items()}, "netD": d.state_dict(), "epoch": 3}
        torch.save(state, folder / f"{g_name}.pt")
    return folder


def originals(folder: Path, g_name: str, d_name: str) -> tuple[nn.Module, nn.Module]:
    spec = importlib.util.spec_from_file_location("classes_under_test", folder / "my_gan.py")
    code = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(code)
    content = torch.load(folder / f"{g_name}.pt")
    g, d = getattr(code, g_name)(), getattr(code, d_name)()
    g.load_state_dict({k.removeprefix("module."): v for k, v in content["netG"].items()})
    d.load_state_dict(content["netD"])
    return g.eval().requires_grad_(False), d.eval().requires_grad_(False)


def arch(folder: Path, names: str) -> str:
    return f"{folder / 'my_gan.py'}:{names}"


def test_a_plain_chain_of_layers_becomes_stages(folder):
    g, d = originals(folder, "Plain", "PlainD")
    gan = load(folder / "Plain.pt", arch=arch(folder, "build,PlainD"))
    assert isinstance(gan.generator, Network)
    assert isinstance(gan.discriminator, Network)
    assert gan.card.generator == gan.generator.stages
    assert gan.card.value_range == (-1, 1)
    assert gan.card.z_distribution == "normal"
    z = torch.randn(5, 12)
    torch.testing.assert_close(gan.sample(z), g(z), atol=1e-5, rtol=0)
    torch.testing.assert_close(gan.discriminator(g(z)).sigmoid()[:, 0], d(g(z)), atol=1e-5, rtol=0)


def test_any_other_module_is_run_as_it_is(folder):
    g, d = originals(folder, "Residual", "Critic")
    gan = load(folder / "Residual.pt", arch=arch(folder, "Residual,Critic"))
    assert isinstance(gan.generator, Wrapped)
    assert isinstance(gan.discriminator, Wrapped)
    assert gan.card.value_range == (0, 1)
    assert gan.card.generator is None
    assert sum("no plain chain" in line for line in gan.card.assumed) == 2
    z = torch.randn(5, 12)
    images = g(z[:, :, None, None])
    torch.testing.assert_close(gan.sample(z), images)
    torch.testing.assert_close(gan.discriminator(images)[:, 0], torch.logit(d(images)))
    assert gan.gives == {"sample", "discriminator", "layers", "gradients"}


def test_layers_are_read_behind_their_activation(folder):
    g, d = originals(folder, "Residual", "Critic")
    gan = load(folder / "Residual.pt", arch=arch(folder, "Residual,Critic"))
    assert [(a.name, a.kind, a.channels, a.size) for a in gan.generator.layers] == [
        ("stem", "deconv", 16, 4),
        ("block", "conv", 16, 4),
        ("out", "deconv", 3, 16),
    ]
    z = torch.randn(5, 12)
    h = torch.relu(g.norm(g.stem(z[:, :, None, None])))
    block = torch.relu(g.bn(g.block(h)))
    found = gan.generator.activations(z, ["block", "stem"])
    torch.testing.assert_close(found["stem"], h)
    torch.testing.assert_close(found["block"], block)
    images = gan.sample(z)
    read = gan.discriminator.activations(images, [a.name for a in gan.discriminator.layers])
    torch.testing.assert_close(read["net.0"], d.net[1](d.net[0](images)))
    torch.testing.assert_close(read["net.2"], d.net[:5](images))
    torch.testing.assert_close(read["net.6"], d.net[:7](images))  # the logit


def test_statistics_and_moments_are_those_of_training_mode(folder):
    g, _ = originals(folder, "Residual", "Critic")
    net = load(folder / "Residual.pt", arch=arch(folder, "Residual,Critic")).generator
    z = torch.randn(32, 12)
    found, kept = net.moments(z), net.statistics
    assert found.keys() == kept.keys() == {"norm", "bn"}
    for norm in (g.norm, g.bn):
        norm.momentum = 1.0
        norm.train()
    g(z[:, :, None, None])
    for name, norm in (("norm", g.norm), ("bn", g.bn)):
        torch.testing.assert_close(found[name].mean, norm.running_mean)
        n = 32 * 16
        torch.testing.assert_close(found[name].variance, norm.running_var * (n - 1) / n)
    before = net(z)
    net.statistics = found
    torch.testing.assert_close(net(z), g(z[:, :, None, None]), atol=1e-4, rtol=0)
    net.statistics = kept
    assert torch.equal(net(z), before)


def hooks(net: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in net.modules())


def test_no_hook_remains_also_after_an_error(folder):
    gan = load(folder / "Residual.pt", arch=arch(folder, "Residual,Critic"))
    net = gan.generator
    with contextlib.suppress(RuntimeError):
        net.activations(torch.randn(2, 7), ["stem"])
    with contextlib.suppress(RuntimeError):
        net.moments(torch.randn(2, 7))
    with contextlib.suppress(RuntimeError):
        trace(net.module, torch.randn(2, 7, 1, 1))
    assert hooks(net) == 0
    assert torch.overrides._get_current_function_mode_stack() == []
    assert net.statistics is not None


def test_a_random_twin_has_the_papers_weights_and_leaves_the_network_alone(folder):
    gan = load(folder / "Residual.pt", arch=arch(folder, "Residual,Critic"))
    before = {k: v.clone() for k, v in gan.generator.state_dict().items()}
    twin = gan.generator.random_twin(torch.Generator().manual_seed(0))
    again = gan.generator.random_twin(torch.Generator().manual_seed(0))
    weights = twin.module.block.weight
    assert abs(float(weights.std()) - 0.02) < 0.001
    assert abs(float(twin.module.bn.weight.mean()) - 1) < 0.02
    assert not twin.module.block.bias.any()
    assert not twin.module.bn.running_mean.any()
    assert torch.equal(weights, again.module.block.weight)
    assert twin.layers == gan.generator.layers
    assert all(torch.equal(before[k], v) for k, v in gan.generator.state_dict().items())


def test_gradients_reach_the_latents(folder):
    gan = load(folder / "Residual.pt", arch=arch(folder, "Residual,Critic"))
    z = torch.randn(2, 12, requires_grad=True)
    gan.discriminator(gan.generator(z)).sum().backward()
    assert float(z.grad.abs().sum()) > 0


def test_the_command_line_runs_samples_and_converts(folder, gan_probe_command, tmp_path):
    plain = ["--arch", arch(folder, "Plain,PlainD")]
    own = ["--arch", arch(folder, "Residual,Critic")]
    code, out, err = gan_probe_command("info", folder / "Residual.pt", *own)
    assert (code, err) == (0, "")
    assert "block" in out
    assert "it is no plain chain" in out
    code, _, err = gan_probe_command("sample", folder / "Residual.pt", *own, "--out", tmp_path / "x.npz", "-n", 4)
    assert code == 0, err
    assert np.load(tmp_path / "x.npz")["images"].shape == (4, 16, 16, 3)
    code, _, err = gan_probe_command(
        "run", "--plugin", "samples", folder / "Residual.pt", *own, "--out", tmp_path / "r"
    )
    assert code == 0, err
    code, _, err = gan_probe_command("convert", folder / "Plain.pt", *plain, "--to", tmp_path / "gan.pt")
    assert code == 0, err
    z = torch.randn(3, 12)
    ours = load(folder / "Plain.pt", arch=plain[1])
    torch.testing.assert_close(load(tmp_path / "gan.pt").sample(z), ours.sample(z))
    code, _, err = gan_probe_command("convert", folder / "Residual.pt", *own, "--to", tmp_path / "own.pt")
    assert code == 2
    assert "no plain chain of layers; only --format onnx" in err
    assert not (tmp_path / "own.pt").exists()


@pytest.mark.slow  # torch.export takes a dozen seconds to import and run
def test_own_classes_are_written_as_onnx_by_torchs_exporter(folder, tmp_path, gan_probe_command, monkeypatch):
    pytest.importorskip("onnxscript")
    own = arch(folder, "Residual,Critic")
    code, _, err = gan_probe_command(
        "convert", folder / "Residual.pt", "--arch", own, "--to", tmp_path / "o", "--format", "onnx"
    )
    assert code == 0, err
    gan, back = load(folder / "Residual.pt", arch=own), load(tmp_path / "o")
    z = torch.randn(3, 12)
    torch.testing.assert_close(back.sample(z), gan.sample(z), atol=1e-4, rtol=0)
    images = gan.sample(z)
    torch.testing.assert_close(back.discriminator(images), gan.discriminator(images), atol=1e-3, rtol=0)
    monkeypatch.setattr("gan_probe.checkpoints.onnx.by_torch.find_spec", lambda _: None)
    code, _, err = gan_probe_command(
        "convert", folder / "Residual.pt", "--arch", own, "--to", tmp_path / "p", "--format", "onnx"
    )
    assert code == 3
    assert "onnxscript" in err


def test_one_name_opens_one_network(folder):
    gan = load(folder / "Plain.pt", arch=arch(folder, "PlainD"))
    assert gan.generator is None
    assert gan.card.image_size == 16
    assert load(folder / "Plain.pt", arch=arch(folder, "build")).discriminator is None
    gan = load(generator=folder / "Plain.pt", arch=arch(folder, "instance"))
    assert gan.generator is not None
    assert gan.discriminator is None


def test_names_in_either_order_meet_the_weights_that_fit(folder):
    z = torch.randn(3, 12)
    one, other = (load(folder / "Plain.pt", arch=arch(folder, names)) for names in ("Plain,PlainD", "PlainD,Plain"))
    assert torch.equal(one.sample(z), other.sample(z))


REFUSED = {
    "Plian,PlainD": "there is no 'Plian' in it; near: Plain",
    "needs,PlainD": "TypeError.*missing 1 required positional argument",
    "broken,PlainD": r"RuntimeError \(line \d+\): no luck",
    "leaves,PlainD": "SystemExit",
    "gives_a_dict,PlainD": "gave a dict, not a torch.nn.Module",
    "number,PlainD": "name a class or a function",
    "Residual,PlainD": "needs stem.weight",
    "Plain,Critic": "does not know|needs",
    "wants_labels,PlainD": "no images of latents alone.*labels",
    "Tuple,PlainD": "gives a tuple",
}


@pytest.mark.parametrize("names", REFUSED)
def test_code_that_does_not_fit_is_refused_in_one_line(folder, names):
    with pytest.raises(BadInputError, match=REFUSED[names]) as caught:
        load(folder / "Plain.pt", arch=arch(folder, names))
    assert len(str(caught.value)) <= 200
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wrong", ["my_gan.py", "my_gan.py:", "my_gan.py:a,b,c", "my_gan.py:a b"])
def test_an_arch_of_the_wrong_form_says_the_right_one(folder, wrong):
    with pytest.raises(GanProbeError, match=r"my_gan.py:Generator,Discriminator|no JSON"):
        load(folder / "Plain.pt", arch=str(folder / wrong))
    with pytest.raises(BadInputError, match="no such file"):
        load(folder / "Plain.pt", arch="nowhere.py:Plain")


def test_shapes_that_differ_are_named(folder, tmp_path):
    state = torch.load(folder / "Plain.pt")["netG"]
    state["module.up.weight"] = torch.zeros(16, 9, 4, 4)
    state["module.up.bias"] = torch.zeros(9)
    torch.save(state, tmp_path / "g.pt")
    with pytest.raises(BadInputError, match=r"up.weight is \(16, 9, 4, 4\) in the checkpoint, \(16, 8, 4, 4\)"):
        load(tmp_path / "g.pt", arch=arch(folder, "Plain"))


def test_pins_settle_what_trial_leaves_open(folder):
    own = arch(folder, "Residual,Critic")
    gan = load(folder / "Residual.pt", arch=own, pinned={"output": "none", "z_distribution": "uniform"})
    assert gan.card.value_range == (-1, 1)
    assert gan.card.z_distribution == "uniform"
    for pins, message in (({"z_size": "13"}, "no images"), ({"z_size": "x"}, "a number"), ({"eps": "1"}, "choose")):
        with pytest.raises(BadInputError, match=message):
            load(folder / "Residual.pt", arch=own, pinned=pins)


def test_the_code_finds_its_neighbours_and_runs_only_when_named(folder, tmp_path):
    marker = tmp_path / "ran"
    (tmp_path / "neighbour_of_mine.py").write_text(SOURCE)
    text = f"open({str(marker)!r}, 'w').close()\nfrom neighbour_of_mine import Plain\nclass Generator(Plain): pass\n"
    (tmp_path / "model.py").write_text(text)
    state = torch.load(folder / "Plain.pt")["netG"]
    torch.save(state, tmp_path / "generator.pt")
    load(tmp_path / "generator.pt", pinned={"z_distribution": "normal"})
    assert not marker.exists()
    load(tmp_path / "generator.pt", arch=f"{tmp_path / 'model.py'}:Generator")
    assert marker.exists()


def test_usage_error_is_of_usage(folder):
    with pytest.raises(UsageError):
        load(folder / "Plain.pt", arch=f"{folder / 'my_gan.py'}:")
