"""GANs as arrays in .npz files: Chainer's example re-created by hand, torch as the oracle."""

from __future__ import annotations

import functools
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from gan_probe import load
from gan_probe.checkpoints.arrays import read
from gan_probe.checkpoints.statedicts import chosen, find
from gan_probe.errors import BadInputError

LEAVES = {"weight": "W", "bias": "b"}
NORM = {"weight": "gamma", "bias": "beta", "running_mean": "avg_mean", "running_var": "avg_var"}
CH = 16  # 512 in the example


class ChainerG(nn.Module):
    """The generator of Chainer's DCGAN example: names as it has them, norms declared behind the layers."""

    def __init__(self, ch: int = CH, bottom: int = 4) -> None:
        super().__init__()
        self.ch, self.bottom = ch, bottom
        self.l0 = nn.Linear(20, bottom * bottom * ch)
        self.dc1 = nn.ConvTranspose2d(ch, ch // 2, 4, 2, 1)
        self.dc2 = nn.ConvTranspose2d(ch // 2, ch // 4, 4, 2, 1)
        self.dc3 = nn.ConvTranspose2d(ch // 4, ch // 8, 4, 2, 1)
        self.dc4 = nn.ConvTranspose2d(ch // 8, 3, 3, 1, 1)
        self.bn0 = nn.BatchNorm1d(bottom * bottom * ch, eps=2e-5)
        self.bn1 = nn.BatchNorm2d(ch // 2, eps=2e-5)
        self.bn2 = nn.BatchNorm2d(ch // 4, eps=2e-5)
        self.bn3 = nn.BatchNorm2d(ch // 8, eps=2e-5)

    def forward(self, z):
        h = torch.relu(self.bn0(self.l0(z))).reshape(-1, self.ch, self.bottom, self.bottom)
        h = torch.relu(self.bn1(self.dc1(h)))
        h = torch.relu(self.bn2(self.dc2(h)))
        h = torch.relu(self.bn3(self.dc3(h)))
        return torch.sigmoid(self.dc4(h))


class ChainerD(nn.Module):
    """Its discriminator, whose norms have no gamma."""

    def __init__(self, ch: int = CH, bottom: int = 4) -> None:
        super().__init__()
        self.c0_0 = nn.Conv2d(3, ch // 8, 3, 1, 1)
        self.c0_1 = nn.Conv2d(ch // 8, ch // 4, 4, 2, 1)
        self.c1_0 = nn.Conv2d(ch // 4, ch // 4, 3, 1, 1)
        self.c1_1 = nn.Conv2d(ch // 4, ch // 2, 4, 2, 1)
        self.c2_0 = nn.Conv2d(ch // 2, ch // 2, 3, 1, 1)
        self.c2_1 = nn.Conv2d(ch // 2, ch, 4, 2, 1)
        self.c3_0 = nn.Conv2d(ch, ch, 3, 1, 1)
        self.l4 = nn.Linear(bottom * bottom * ch, 1)
        for name in ("0_1", "1_0", "1_1", "2_0", "2_1", "3_0"):
            norm = nn.BatchNorm2d(getattr(self, f"c{name}").out_channels, eps=2e-5)
            norm.weight.requires_grad_(False)
            setattr(self, f"bn{name}", norm)

    def forward(self, x):
        h = nn.functional.leaky_relu(self.c0_0(x), 0.2)
        for name in ("0_1", "1_0", "1_1", "2_0", "2_1", "3_0"):
            h = getattr(self, f"bn{name}")(getattr(self, f"c{name}")(h))
            h = nn.functional.leaky_relu(h, 0.2)
        return self.l4(h.flatten(1))


@functools.cache
def chainer_pair() -> tuple[ChainerG, ChainerD]:
    torch.manual_seed(0)
    g, d = ChainerG(), ChainerD()
    for net in (g, d):
        for module in net.modules():
            if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                module.weight.data *= 2
                module.bias.data.normal_(0, 0.1)
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                module.bias.data.normal_(0, 0.3)
    with torch.no_grad():
        for _ in range(60):
            d(g(torch.rand(128, 20) * 2 - 1))
    return g.eval(), d.eval()


def as_chainer(net: nn.Module, prefix: str = "", order: bool = False) -> dict[str, np.ndarray]:
    """The arrays as `chainer.serializers.save_npz` names them, sorted by link on demand."""
    arrays = {}
    for name, module in sorted(net.named_children()) if order else net.named_children():
        leaves = LEAVES if not hasattr(module, "running_mean") else NORM
        for leaf, theirs in leaves.items():
            if isinstance(net, ChainerD) and theirs == "gamma":
                continue
            arrays[f"{prefix}{name}/{theirs}"] = getattr(module, leaf).detach().numpy()
        if leaves is NORM:
            arrays[f"{prefix}{name}/N"] = np.array(0)
    return arrays


def assert_same(gan, g, d, atol: float = 1e-4) -> None:
    z = torch.rand(16, 20) * 2 - 1
    images = (torch.rand(8, 3, 32, 32) * 2) - 1
    with torch.no_grad():
        torch.testing.assert_close(gan.sample(z), g(z), atol=atol, rtol=0)
        torch.testing.assert_close(gan.discriminator(images), d(images), atol=atol, rtol=0)


def test_chainers_example_opens_as_two_files_whose_links_are_sorted_by_name(tmp_path):
    g, d = chainer_pair()
    np.savez_compressed(tmp_path / "gen_epoch_100.npz", **as_chainer(g, order=True))
    np.savez(tmp_path / "dis_epoch_100.npz", **as_chainer(d, order=True))
    gan = load(tmp_path, pinned={"output": "sigmoid"})
    assert gan.card.z_distribution == "uniform"
    assert gan.card.value_range == (0, 1)
    assert any("eps" in line and "Chainer" in line for line in gan.card.assumed)
    assert_same(gan, g, d)


def states(path) -> dict[str, dict[str, torch.Tensor]]:
    """The state dicts in a file, by role."""
    return {role: state.tensors for role, state in chosen(find(read(path)[0]), None).items()}


def assert_same_weights(found, net: nn.Module) -> None:
    wanted = {k: v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}
    if isinstance(net, ChainerD):
        wanted = {k: v for k, v in wanted.items() if not (k.startswith("bn") and k.endswith("weight"))}
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[k], v) for k, v in wanted.items())


def test_a_trainers_snapshot_gives_its_two_models_and_leaves_the_rest_alone(tmp_path):
    g, d = chainer_pair()
    clutter = {
        "updater/iterator:main/order": np.array(None),  # a pickled object, which must not be looked at
        "updater/optimizer:gen/l0/W/m": np.zeros((CH * 16, 20), np.float32),
        "_snapshot_elapsed_time": np.array(12.5),
    }
    models = as_chainer(d, "updater/model:dis/") | as_chainer(g, "updater/model:gen/")
    np.savez(tmp_path / "snapshot_iter_1000", **clutter, **models)
    found = states(tmp_path / "snapshot_iter_1000.npz")
    assert_same_weights(found["generator"], g)
    assert_same_weights(found["discriminator"], d)


def test_a_norm_that_never_ran_is_left_out(tmp_path):
    g, _ = chainer_pair()
    fresh = {"gamma": np.ones(CH), "beta": np.zeros(CH), "avg_mean": np.zeros(CH), "avg_var": np.ones(CH)}
    spare = {f"bn9/{leaf}": value.astype(np.float32) for leaf, value in fresh.items()}
    np.savez(tmp_path / "gen.npz", **as_chainer(g), **spare)
    assert_same_weights(states(tmp_path / "gen.npz")["generator"], g)


@pytest.mark.parametrize("separator", [".", "/"])
def test_torchs_names_give_the_state_dict(tmp_path, separator):
    g, d = chainer_pair()
    both = {f"{role}.{k}": v for role, net in (("netG", g), ("netD", d)) for k, v in net.state_dict().items()}
    np.savez(tmp_path / "gan.npz", **{k.replace(".", separator): v.numpy() for k, v in both.items()})
    found = states(tmp_path / "gan.npz")
    for role, net in (("generator", g), ("discriminator", d)):
        assert found[role].keys() == net.state_dict().keys()
        assert all(torch.equal(found[role][k], v) for k, v in net.state_dict().items())


def with_header(path, shape: str, data: bytes = b"") -> None:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
    raw = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("main.0.weight.npy", raw)


def flipped(path) -> None:
    g, _ = chainer_pair()
    np.savez(path, **as_chainer(g))
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def bomb(path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        header = b"\x93NUMPY\x01\x00"
        text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (5000, 5000), }"
        archive.writestr("l0/W.npy", header + len(text).to_bytes(2, "little") + text + bytes(100_000_000))


HOSTILE = {
    "objects": (lambda path: np.savez(path, W=np.array([{}])), "Python objects"),
    "a header of terabytes": (lambda path: with_header(path, "(1000000, 1000000)"), "does not fit"),
    "a negative shape": (lambda path: with_header(path, "(-1, 4)", bytes(16)), "does not fit|no .npy"),
    "a flipped bit": (flipped, "damaged"),
    "a zip bomb": (bomb, "zip bomb"),
    "text": (lambda path: np.savez(path, W=np.array(["a", "b"])), "must be numbers"),
    "complex numbers": (lambda path: np.savez(path, W=np.ones((4, 4), np.complex64)), "must be numbers"),
    "TensorFlow's arrays": (lambda p: np.savez(p, **{"g/dense/kernel": np.ones((4, 4), "f4")}), "save .keras"),
    "images, not weights": (lambda path: np.savez(path, images=np.zeros((4, 8, 8, 3), np.uint8)), "no layers' weights"),
    "not a number": (
        lambda p: np.savez(p, **as_chainer(chainer_pair()[0]) | {"l0/b": np.full(CH * 16, np.nan, "f4")}),
        "NaN",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_or_damaged_file_is_refused_in_one_line(tmp_path, name):
    write, message = HOSTILE[name]
    write(tmp_path / "gen.npz")
    with pytest.raises(BadInputError, match=message) as caught:
        load(tmp_path / "gen.npz")
    assert len(str(caught.value)) <= 200
    assert "\n" not in str(caught.value)
