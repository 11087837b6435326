"""The public families of DCGANs are read back from their state dicts, or warn, or are refused in one line."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gan_probe import load
from gan_probe.checkpoints.export import export_onnx
from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.errors import BadInputError

from .public_styles import OPENS
from .style import down, leaky, sequential, up
from .trained import trained, verdict
from .tutorial_styles import examples_discriminator, examples_generator

QUICK = ["7x7 stem", "unpadded, blocks nested", "layer norm in the critic", "blocks as attributes", "prelu", "bilinear"]
FOOLED = {"max pooling"}  # by a discriminator whose strides and dropout would look alike: it must warn


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.slow]) for n in OPENS])
def test_a_public_family_is_read_right_but_for_what_is_listed(tmp_path, name):
    style = OPENS[name]
    found = verdict(style, *trained(style), tmp_path)
    assert found.g in ("right", "as listed")
    assert found.d in ("right", "as listed") or (name in FOOLED and any("discriminator" in w for w in found.warned))


class Conditional(nn.Module):
    def __init__(self, embedded: int) -> None:
        super().__init__()
        self.label_emb = nn.Embedding(10, embedded)
        self.main = examples_generator(32, 1).main


class TwoStems(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.deconv1_1, self.deconv1_2 = up(16, 16, 4, 1, 0), up(10, 16, 4, 1, 0)
        self.deconv2, self.deconv3 = up(32, 8), up(8, 1)


class SelfAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.main = examples_generator(32, 1).main
        self.gamma = nn.Parameter(torch.zeros(1))


@pytest.mark.parametrize(
    ("net", "named"),
    [
        (Conditional(16), "label_emb"),
        (TwoStems(), "deconv1_2"),
        (SelfAttention(), "gamma"),
        (nn.Sequential(up(16, 8, 4, 1, 0), nn.InstanceNorm2d(8, affine=True), nn.ReLU(), up(8, 1), nn.Tanh()), "'1'"),
    ],
)
def test_what_is_no_plain_generator_is_refused_in_one_line_and_its_discriminator_opens_alone(tmp_path, net, named):
    torch.save({"netG": net.state_dict(), "netD": examples_discriminator(32, 1).state_dict()}, tmp_path / "ckpt.pt")
    with pytest.raises(BadInputError, match=named) as caught:
        load(tmp_path / "ckpt.pt")
    assert len(str(caught.value)) <= 200
    assert "\n" not in str(caught.value)
    assert load(discriminator=tmp_path / "ckpt.pt").discriminator is not None


@pytest.mark.parametrize("norm", [lambda c, _: nn.InstanceNorm2d(c, affine=True), lambda c, s: nn.LayerNorm([c, s, s])])
@pytest.mark.parametrize("pool", [nn.MaxPool2d, nn.AvgPool2d])
def test_lone_norms_slopes_and_pooling_survive_each_of_our_formats(tmp_path, norm, pool):
    torch.manual_seed(0)
    d = sequential(
        down(1, 8, 5, 1, 2), nn.PReLU(8), pool(2), down(8, 16, 5, 1, 2), norm(16, 8), leaky(), pool(2), nn.Flatten(),
        nn.Linear(256, 1),
    )  # fmt: skip
    torch.save(d.state_dict(), tmp_path / "netD.pt")
    with pytest.warns(UserWarning, match="pooling"):
        gan = load(discriminator=tmp_path / "netD.pt", pinned={"image_size": "16"})
    kinds = [(s.norm, s.slopes) for s in gan.card.discriminator]
    assert kinds == [("none", 8), ("layer" if norm(16, 8).weight.dim() == 3 else "instance", 1), ("none", 1)]
    x = torch.rand(3, 1, 16, 16)
    save_checkpoint(gan, tmp_path / "d.pt")
    export_onnx(gan, tmp_path / "d.onnx")
    for name in ("d.pt", "d.onnx"):
        torch.testing.assert_close(load(tmp_path / name).discriminator(x), gan.discriminator(x), atol=1e-4, rtol=0)
