from __future__ import annotations

import dataclasses
import json

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

import gan_probe
from gan_probe.checkpoints import LoadRequest, load_gan
from gan_probe.checkpoints.export import export_onnx
from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.checkpoints.onnx.write import to_onnx
from gan_probe.errors import BadInputError, OutputError, UsageError
from gan_probe.features import recalibrate, recalibrated
from gan_probe.testing import tiny_gan

RNG = np.random.default_rng(0)
IMAGES = torch.from_numpy(RNG.uniform(-1, 1, (5, 2, 8, 8)).astype(np.float32))


def tensor(name, *shape, dtype=np.float32, scale=0.3):
    return numpy_helper.from_array(RNG.normal(0, scale, shape).astype(dtype), name)


def model(nodes, weights, source=("N", 2, 8, 8), target=("N", 1), kind=TensorProto.FLOAT, opset=17):
    """A foreign file: one input x, one output y."""
    graph = helper.make_graph(
        [
            helper.make_node(op, inputs.split(), outputs.split(), **attributes)
            for op, inputs, outputs, attributes in nodes
        ],
        "foreign",
        [helper.make_tensor_value_info("x", kind, source)],
        [helper.make_tensor_value_info("y", kind, target)],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


CONV = {"strides": [2, 2], "pads": [1, 1, 1, 1], "kernel_shape": [4, 4]}
HEAD = [("Flatten", "a", "f", {}), ("Gemm", "f w2", "l", {"transB": 1}), ("Sigmoid", "l", "y", {})]


def weights(dtype=np.float32):
    return [tensor("w", 3, 2, 4, 4, dtype=dtype), tensor("b", 3, dtype=dtype), tensor("w2", 1, 48, dtype=dtype)]


def expected(weights, activation=lambda h: torch.nn.functional.leaky_relu(h, 0.2)):
    w, b, w2 = (torch.tensor(numpy_helper.to_array(t)).float() for t in weights)
    h = activation(torch.nn.functional.conv2d(IMAGES, w, b, 2, 1))
    return h, h.flatten(1) @ w2.T


def saved(tmp_path, proto, name="d.onnx"):
    path = tmp_path / name
    path.write_bytes(proto.SerializeToString())
    return path


def refused(path, match):
    with pytest.raises(BadInputError, match=match) as caught:
        load_gan(LoadRequest(path))
    assert len(str(caught.value)) <= 200
    assert "\n" not in str(caught.value)


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


ACTIVATIONS = {
    "leaky relu": ([("LeakyRelu", "c", "a", {"alpha": 0.2})], lambda h: torch.nn.functional.leaky_relu(h, 0.2)),
    "leaky relu as a maximum": (
        [("Mul", "c s", "m", {}), ("Max", "c m", "a", {})],
        lambda h: torch.maximum(h, 0.2 * h),
    ),
    "leaky relu as a choice": (
        [("Greater", "c o", "g", {}), ("Mul", "c s", "m", {}), ("Where", "g c m", "a", {})],
        lambda h: torch.where(h > 0, h, 0.2 * h),
    ),
    "swish": ([("Sigmoid", "c", "g", {}), ("Mul", "c g", "a", {})], torch.nn.functional.silu),
    "prelu": ([("PRelu", "c p", "a", {})], lambda h: torch.nn.functional.leaky_relu(h, 0.25)),
    "elu": ([("Elu", "c", "a", {})], torch.nn.functional.elu),
    "folded norm and relu": (
        [("Mul", "c s", "n", {}), ("Add", "n t", "m", {}), ("Relu", "m", "a", {})],
        lambda h: torch.relu(0.2 * h + 0.1),
    ),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_layer_ends_behind_its_activation_however_it_is_written(tmp_path, name):
    nodes, activation = ACTIVATIONS[name]
    held = weights()
    constants = {"s": 0.2, "t": 0.1, "o": 0.0, "p": np.full((3, 1, 1), 0.25)}
    extra = [numpy_helper.from_array(np.array(value, np.float32), key) for key, value in constants.items()]
    proto = model([("Conv", "x w b", "c", CONV), *nodes, *HEAD], held + extra)
    gan = load_gan(LoadRequest(saved(tmp_path, proto)))
    h, logits = expected(held, activation)
    assert [(layer.name, layer.channels, layer.size) for layer in gan.discriminator.layers] == [
        ("conv1", 3, 4),
        ("dense1", 1, 1),
    ]
    found = gan.discriminator.activations(IMAGES, ["conv1", "dense1"])
    torch.testing.assert_close(found["conv1"], h, atol=1e-5, rtol=0)
    torch.testing.assert_close(found["dense1"], logits, atol=1e-5, rtol=0)
    torch.testing.assert_close(gan.discriminator(IMAGES), logits, atol=1e-5, rtol=0)  # in front of the sigmoid
    assert any("sigmoid was left out" in note for note in gan.card.assumed)
    assert (gan.discriminator.statistics, gan.discriminator.moments(IMAGES)) == ({}, {})


def test_a_layer_ends_where_a_shortcut_leaves_it(tmp_path):
    held = [tensor("w", 2, 2, 3, 3), tensor("w2", 1, 128)]
    nodes = [("Conv", "x w", "c", {"pads": [1] * 4}), ("Add", "c x", "s", {}), ("Relu", "s", "a", {}), *HEAD[:2]]
    nodes[-1] = ("Gemm", "f w2", "y", {"transB": 1})
    net = load_gan(LoadRequest(saved(tmp_path, model(nodes, held)))).discriminator
    w = torch.tensor(numpy_helper.to_array(held[0]))
    plain = torch.nn.functional.conv2d(IMAGES, w, padding=1)
    torch.testing.assert_close(net.activations(IMAGES, ["conv1"])["conv1"], plain, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("kind", "dtype", "atol"), [(TensorProto.FLOAT16, np.float16, 2e-2), (TensorProto.DOUBLE, np.float64, 1e-5)]
)
def test_other_float_types_are_cast(tmp_path, kind, dtype, atol):
    held = weights(dtype)
    proto = model([("Conv", "x w b", "c", CONV), ("LeakyRelu", "c", "a", {"alpha": 0.2}), *HEAD], held, kind=kind)
    gan = load_gan(LoadRequest(saved(tmp_path, proto)))
    found = gan.discriminator(IMAGES)
    assert found.dtype == torch.float32
    assert (kind == TensorProto.DOUBLE) == any("float64" in note for note in gan.card.assumed)
    torch.testing.assert_close(found, expected(held)[1], atol=atol, rtol=0)


@pytest.mark.parametrize("fixed", [1, 3])
def test_a_fixed_batch_is_run_part_by_part(tmp_path, fixed):
    held = weights()
    nodes = [("Conv", "x w b", "c", CONV), ("LeakyRelu", "c", "a", {"alpha": 0.2}), *HEAD]
    proto = model(nodes, held, source=(fixed, 2, 8, 8), target=(fixed, 1))
    found = load_gan(LoadRequest(saved(tmp_path, proto))).discriminator(IMAGES)
    torch.testing.assert_close(found, expected(held)[1], atol=1e-5, rtol=0)


def at_batch(path, size, flatten=True):
    """Fix a file's batch as exporters without dynamic axes do, in the flattening too."""
    proto = onnx.load(path)
    for value in (*proto.graph.input, *proto.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = size
    flat = next((node for node in proto.graph.node if node.op_type == "Flatten"), None)
    if flat is not None and flatten:
        # in the pieces in which torch writes it
        pieces = {"batch": size, "rest": [-1], "axis": [0]}
        proto.graph.initializer.extend(numpy_helper.from_array(np.array(v), name) for name, v in pieces.items())
        reshape = helper.make_node("Reshape", [flat.input[0], "flat"], list(flat.output), allowzero=1)
        before = [
            helper.make_node("Unsqueeze", ["batch", "axis"], ["first"]),
            helper.make_node("Concat", ["first", "rest"], ["flat"], axis=0),
        ]
        nodes = [*before, *(reshape if node == flat else node for node in proto.graph.node)]
        del proto.graph.node[:]
        proto.graph.node.extend(nodes)
    onnx.save(proto, path)


@pytest.mark.parametrize("fixed", [1, 3])
def test_a_fixed_batch_is_freed_where_each_image_keeps_its_result(tmp_path, fixed):
    gan = tiny_gan()
    paths = export_onnx(gan, tmp_path)
    images, order = torch.rand(64, 1, 16, 16), [torch.Generator().manual_seed(1) for _ in range(2)]
    z = gan.latent(5, np.random.default_rng(0))
    for path in paths:
        at_batch(path, fixed)
    back = load_gan(LoadRequest(tmp_path))
    ours, theirs = gan.discriminator, back.discriminator
    torch.testing.assert_close(theirs(images), ours(images), atol=1e-5, rtol=0)
    torch.testing.assert_close(back.sample(z), gan.sample(z), atol=1e-5, rtol=0)
    for name, moments in ours.moments(images).items():
        torch.testing.assert_close(theirs.moments(images)[name].variance, moments.variance)
    twins = ours.random_twin(order[0]), theirs.random_twin(order[1])
    twins[0].statistics = None
    torch.testing.assert_close(twins[1](images), twins[0](images), atol=1e-4, rtol=0)


def test_a_fixed_batch_beyond_memory_is_refused_before_it_is_run(tmp_path):
    path = export_onnx(tiny_gan(), tmp_path)[1]
    at_batch(path, 2**40, flatten=False)
    refused(path, "fixed to 1,099,511,627,776")


def test_a_batch_woven_into_the_graph_stays_fixed_and_keeps_its_statistics(tmp_path):
    gan = tiny_gan()
    path = export_onnx(gan, tmp_path)[1]
    at_batch(path, 1)
    proto = onnx.load(path)
    node = next(node for node in proto.graph.node if node.op_type == "Conv")
    source, node.input[0] = node.input[0], "one"
    proto.graph.initializer.append(numpy_helper.from_array(np.array([0, 1]), "axes"))
    first = [
        helper.make_node("Squeeze", [source, "axes"], ["square"]),
        helper.make_node("Unsqueeze", ["square", "axes"], ["one"]),
    ]
    nodes = [*first, *proto.graph.node]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    onnx.save(proto, path)
    back = load_gan(LoadRequest(path))
    images = torch.rand(3, 1, 16, 16)
    torch.testing.assert_close(back.discriminator(images), gan.discriminator(images), atol=1e-5, rtol=0)
    assert (back.discriminator.statistics, back.discriminator.moments(images)) == ({}, {})
    assert back.discriminator.random_twin(torch.Generator()) is None
    assert any("fixed batch" in note for note in back.card.assumed)


def test_a_probe_of_a_fixed_batch_is_that_of_a_dynamic_one(tmp_path):
    accuracies = []
    for fixed in (False, True):
        folder = tmp_path / str(fixed)
        for path in export_onnx(tiny_gan(), folder):
            if fixed:
                at_batch(path, 1)
        report = gan_probe.run(folder, "linear-probe", data="digits", c="0.01", train_size=100, test_size=200)
        accuracies.append([(row["features"], row["accuracy"]) for row in report.table("accuracy").rows])
    assert accuracies[0] == accuracies[1]
    assert len(accuracies[0]) == 3


@pytest.mark.parametrize("opset", [11, 13, 18, 21])
def test_batch_norm_in_training_mode_or_not_normalises_by_batch_on_request(tmp_path, opset):
    held = [*weights(), *(tensor(name, 3, scale=1) for name in ("g", "h", "mean"))]
    variance = numpy_helper.from_array(np.array([1, 2, 3], np.float32), "variance")
    nodes = [("Conv", "x w b", "c", CONV), ("BatchNormalization", "c g h mean variance", "n", {"epsilon": 1e-3})]
    nodes += [("LeakyRelu", "n", "a", {"alpha": 0.2}), *HEAD]
    net = load_gan(LoadRequest(saved(tmp_path, model(nodes, [*held, variance], opset=opset)))).discriminator
    w, b, _, g, h, _ = (torch.tensor(numpy_helper.to_array(t)) for t in held)
    c = torch.nn.functional.conv2d(IMAGES, w, b, 2, 1)
    moments = net.moments(IMAGES)["conv1"]
    torch.testing.assert_close(moments.mean, c.mean((0, 2, 3)))
    torch.testing.assert_close(moments.variance, c.var((0, 2, 3), unbiased=False))
    assert net.statistics["conv1"].variance.tolist() == [1, 2, 3]
    net.statistics = None
    by_batch = torch.nn.functional.leaky_relu(torch.nn.functional.batch_norm(c, None, None, g, h, True, eps=1e-3), 0.2)
    torch.testing.assert_close(net.activations(IMAGES, ["conv1"])["conv1"], by_batch, atol=1e-5, rtol=0)


def test_a_generator_with_pixels_of_latents_is_recognised(tmp_path):
    nodes = [("ConvTranspose", "x w", "c", {"strides": [4, 4]}), ("Sigmoid", "c", "y", {})]
    proto = model(nodes, [tensor("w", 6, 3, 8, 8)], source=("N", 6, 1, 1), target=("N", 3, 8, 8))
    gan = load_gan(LoadRequest(saved(tmp_path, proto)))
    assert (gan.card.z_size, gan.card.image_size, gan.card.channels, gan.card.value_range) == (6, 8, 3, (0.0, 1.0))
    assert gan.sample(gan.latent(2, RNG)).shape == (2, 3, 8, 8)
    assert any("z is uniform" in note for note in gan.card.assumed)


def batch_norm_in_training():
    names = ("g", "h", "mean", "variance")
    held = [*weights(), *(numpy_helper.from_array(np.ones(3, np.float32), name) for name in names)]
    nodes = [("Conv", "x w b", "c", CONV)]
    nodes += [("BatchNormalization", "c g h mean variance", "n rm rv", {"training_mode": 1})]
    return model([*nodes, ("LeakyRelu", "n", "a", {}), *HEAD], held)


def test_a_graph_saved_in_training_mode_has_no_stored_statistics(tmp_path):
    net = load_gan(LoadRequest(saved(tmp_path, batch_norm_in_training()))).discriminator
    assert net.statistics is None
    net.statistics = net.moments(IMAGES)
    torch.testing.assert_close(net(IMAGES)[:2], net(IMAGES[:2]))


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
