"""What is exported as ONNX opens again and gives what torch gives, or is not written."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import onnx
import pytest
import torch

from gan_probe.checkpoints import LoadRequest, load_gan
from gan_probe.checkpoints.export import export_onnx
from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.checkpoints.onnx.write import to_onnx
from gan_probe.errors import BadInputError, OutputError, UsageError
from gan_probe.features import recalibrate, recalibrated
from gan_probe.gan import GAN
from gan_probe.network import Network, initialise
from gan_probe.testing import tiny_gan


def test_an_exported_gan_gives_the_same_images_scores_and_activations(gan, same, tmp_path):
    paths = export_onnx(gan, tmp_path)
    assert [path.name for path in paths] == ["generator.onnx", "discriminator.onnx"]
    for path in paths:
        onnx.checker.check_model(str(path), full_check=True)
    back = load_gan(LoadRequest(tmp_path))
    same.as_(back, atol=1e-4)
    assert dataclasses.replace(back.card, sha256="", format="") == dataclasses.replace(gan.card, sha256="", format="")
    assert "gradients" not in back.gives


def test_statistics_can_be_recomputed_and_set_as_with_torch(gan, same, tmp_path):
    export_onnx(gan, tmp_path)
    net, theirs = gan.discriminator, load_gan(LoadRequest(tmp_path)).discriminator
    x = same.images + 0.1 * torch.randn(same.images.shape, generator=torch.Generator().manual_seed(0))
    by_batch = recalibrate(net, [(x, same.labels)])
    with recalibrated(net, [(x, same.labels)]), recalibrated(theirs, [(x, same.labels)]) as found:
        torch.testing.assert_close(found["conv2"].variance, by_batch["conv2"].variance, atol=1e-5, rtol=1e-5)
        recomputed = theirs(x, same.labels)
        torch.testing.assert_close(recomputed, net(x, same.labels), atol=1e-4, rtol=0)
    assert not torch.allclose(theirs(x, same.labels), recomputed)  # the old ones are back
    theirs.statistics = None
    assert theirs.statistics is None
    torch.testing.assert_close(theirs(x, same.labels), recomputed, atol=1e-4, rtol=0)


def test_the_random_twin_is_the_one_that_torch_draws(gan, same, tmp_path):
    export_onnx(gan, tmp_path)
    rng = [torch.Generator().manual_seed(5) for _ in range(2)]
    ours = gan.discriminator.random_twin(rng[0])
    theirs = load_gan(LoadRequest(tmp_path)).discriminator.random_twin(rng[1])
    assert theirs.statistics is None
    ours.statistics = None
    torch.testing.assert_close(theirs(same.images, same.labels), ours(same.images, same.labels), atol=1e-4, rtol=0)


def test_one_file_of_either_role_opens_alone(tmp_path):
    gan = tiny_gan()
    for path in export_onnx(gan, tmp_path):
        alone = load_gan(LoadRequest(path))
        assert {role for role in ("generator", "discriminator") if getattr(alone, role)} == {path.stem}
        assert getattr(alone.card, "discriminator" if path.stem == "generator" else "generator") is None
    pair = LoadRequest(tmp_path / "generator.onnx", discriminator=tmp_path / "discriminator.onnx")
    assert load_gan(pair).gives >= {"sample", "discriminator"}
    (tmp_path / "copy.onnx").write_bytes((tmp_path / "generator.onnx").read_bytes())
    with pytest.raises(BadInputError, match="two files are generators"):
        load_gan(LoadRequest(tmp_path / "generator.onnx", generator=tmp_path / "copy.onnx"))


def test_a_sample_does_not_depend_on_the_batch_size(tmp_path):
    gan = tiny_gan()
    export_onnx(gan, tmp_path)
    back = load_gan(LoadRequest(tmp_path))
    z = gan.latent(7, np.random.default_rng(0))
    torch.testing.assert_close(back.sample(z, batch_size=2), back.sample(z), atol=1e-6, rtol=0)
    assert back.sample(z[:0]).shape == (0, 1, 16, 16)


def test_a_discriminator_without_statistics_is_calibrated_and_says_so(tmp_path):
    gan = tiny_gan()
    gan.discriminator.statistics = None
    export_onnx(gan, tmp_path / "own")
    assert gan.discriminator.statistics is None
    card = load_gan(LoadRequest(tmp_path / "own")).card
    assert any("generator's own samples" in note for note in card.assumed)
    images = torch.rand(16, 1, 16, 16)
    export_onnx(gan, tmp_path / "given", [images])
    back = load_gan(LoadRequest(tmp_path / "given"))
    torch.testing.assert_close(
        back.discriminator.statistics["conv2"].mean, gan.discriminator.moments(images)["conv2"].mean
    )
    gan.generator = None
    with pytest.raises(BadInputError, match="pass images"):
        export_onnx(gan, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_graph_that_differs_from_torch_is_not_written(tmp_path, monkeypatch):
    def wrong(net, role):
        proto = to_onnx(net, role)
        for node in proto.graph.node:
            if node.op_type == "LeakyRelu":
                node.attribute[0].f = 0.3
        return proto

    monkeypatch.setattr("gan_probe.checkpoints.export.to_onnx", wrong)
    with pytest.raises(BadInputError, match=r"differs from torch by .* in the discriminator's conv1"):
        export_onnx(tiny_gan(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_export_says_where_it_cannot_write_and_what_it_cannot_export(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError):
        export_onnx(tiny_gan(), tmp_path / "file")
    with pytest.raises(UsageError, match="pass a folder"):
        export_onnx(tiny_gan(), tmp_path / "both.onnx")
    export_onnx(tiny_gan(), tmp_path / "onnx")
    with pytest.raises(UsageError, match="not a torch network"):
        export_onnx(load_gan(LoadRequest(tmp_path / "onnx")), tmp_path / "again")


def test_files_alone_or_with_external_data_are_analysed_as_torch_is(gan_probe_command, tmp_path):
    """An ONNX-only user gets what needs no gradients; what a lone network cannot give is refused by name."""
    gan = tiny_gan()
    save_checkpoint(gan, tmp_path / "ckpt.pt")
    export_onnx(gan, tmp_path / "onnx")
    for path in (tmp_path / "onnx").iterdir():
        onnx.save(onnx.load(path), path, save_as_external_data=True, location=f"{path.name}.data", size_threshold=0)
    options = ["--plugin", "linear-probe", "--plugin", "samples", "--data", "digits", "--train-size", "100"]
    options += ["--test-size", "100", "--c", "0.01"]
    found = {}
    for name in ("ckpt.pt", "onnx", "onnx/discriminator.onnx", "onnx/generator.onnx"):
        out = tmp_path / "out" / name.replace("/", "-")
        code, _, _ = gan_probe_command("run", *options, tmp_path / name, "--out", out)
        report = json.loads((out / "report.json").read_text())
        found[name] = code, {analysis["name"]: analysis["status"] for analysis in report["analyses"]}
        rows = [t["rows"] for a in report["analyses"] for t in a["tables"] if t["name"] == "accuracy"]
        found[name] += ([[(row["features"], row["accuracy"]) for row in part] for part in rows],)
    both = {"linear-probe": "ok", "samples": "ok"}
    assert [found[name][1] for name in ("ckpt.pt", "onnx")] == [both, both]
    assert found["onnx"][2] == found["ckpt.pt"][2] == found["onnx/discriminator.onnx"][2]
    assert found["onnx/discriminator.onnx"][:2] == (4, both | {"samples": "refused"})
    assert found["onnx/generator.onnx"][:2] == (4, both | {"linear-probe": "refused"})


@pytest.mark.parametrize(("mode", "changed"), [("nearest", {}), ("bilinear", {}), ("nearest", {"norm_last": True})])
def test_enlarging_layers_and_norms_behind_activations_are_written_as_onnx(tmp_path, mode, changed):
    gan = tiny_gan(seed=1)
    first, *rest = gan.card.generator
    enlarged = [
        dataclasses.replace(
            s, op="conv", kernel=3, stride=1, padding=1, output_padding=0, upsample=2, interpolation=mode
        )
        for s in rest
    ]
    stages = (dataclasses.replace(first, **changed), *enlarged)
    net = initialise(Network(stages, 1), torch.Generator().manual_seed(0)).eval()
    gan = GAN(dataclasses.replace(gan.card, generator=stages, discriminator=None), net)
    net.statistics = recalibrate(net, [torch.randn(64, gan.card.z_size)])
    export_onnx(gan, tmp_path / "g.onnx")
    save_checkpoint(gan, tmp_path / "g.pt")
    z = torch.randn(3, gan.card.z_size)
    for name in ("g.onnx", "g.pt"):
        torch.testing.assert_close(load_gan(LoadRequest(tmp_path / name)).sample(z), gan.sample(z), atol=1e-4, rtol=0)
    back = load_gan(LoadRequest(tmp_path / "g.onnx")).generator
    assert back.layers == net.layers
    assert back.statistics.keys() == net.statistics.keys()
    assert load_gan(LoadRequest(tmp_path / "g.onnx")).differentiable().card.generator == stages
