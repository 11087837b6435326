"""Feature spaces: opened by name, told apart by digest, the same for an image whatever stands beside it."""

import dataclasses
import re

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

import gan_probe
from gan_probe import BadInputError
from gan_probe.checkpoints.export import export_onnx
from gan_probe.checkpoints.native import save_checkpoint
from gan_probe.data.fit import fit_arrays
from gan_probe.feature_space import names, open_space
from gan_probe.testing import tiny_gan

from .checkpoints.graphs import graph as content
from .checkpoints.graphs import saved


def pictures(n=10, size=16, channels=1, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, size, size, channels), np.uint8)


@pytest.fixture
def judge(tmp_path):
    """A checkpoint's path, and the GAN in it."""
    gan = tiny_gan(depth=2, kernel=3)
    save_checkpoint(gan, tmp_path / "judge.pt")
    return tmp_path / "judge.pt", gan


def graph(path, nodes, shape=("N", 1, 16, 16), output=("N", 4), weights=(), kind=TensorProto.FLOAT):
    """Write an ONNX file of these nodes, from `x` to `y`."""
    proto = content(nodes, dict(weights), [("x", kind, shape)], output, kind)
    return str(saved(path.parent, proto, path.name))


PROJECTION = np.random.default_rng(3).standard_normal((256, 4)).astype(np.float32)
PROJECT = (
    [helper.make_node("Flatten", ["x"], ["f"]), helper.make_node("MatMul", ["f", "w"], ["y"])],
    [("w", PROJECTION)],
)


def test_pixels_are_values_from_zero_to_one():
    space = open_space("pixels", 16, 3)
    images = pictures(channels=3)
    assert np.array_equal(space(images), images.reshape(10, -1).astype(np.float32) / np.float32(255))
    assert (space.name, space.digest, space.notes) == ("pixels", "", ())


@pytest.mark.parametrize("layer", ["", ":conv2", ":conv4"])
def test_a_discriminators_layer_gives_each_maps_maximum_over_its_vectors_root_mean_square(judge, layer):
    path, gan = judge
    space = open_space(f"d:{path}{layer}", 16, 1)
    name = layer[1:] or gan.discriminator.layers[-2].name
    images = pictures()
    maps = gan.discriminator.activations(gan.from_uint8(images), [name])[name]
    expected = maps.amax((2, 3)).numpy()
    expected /= np.sqrt((expected**2).mean(1, keepdims=True))
    np.testing.assert_allclose(space(images), expected, atol=1e-5)
    assert re.fullmatch(rf"d:judge:{name} \([0-9a-f]{{8}}\)", space.name)
    assert space.digest[:8] in space.name


def test_an_images_features_do_not_depend_on_the_others(judge):
    path, _ = judge
    images = pictures(70)
    for spec in (f"d:{path}", graph(path.with_suffix(".onnx"), *PROJECT[:1], weights=PROJECT[1])):
        space = open_space(spec, 16, 1)
        together = space(images)
        np.testing.assert_allclose(np.concatenate([space(images[i : i + 1]) for i in range(70)]), together, atol=1e-5)


def test_other_weights_or_statistics_are_another_space(judge, tmp_path):
    path, gan = judge
    digests = {open_space(f"d:{path}", 16, 1).digest}
    statistics = gan.discriminator.statistics
    next(iter(statistics.values())).mean.add_(1)
    gan.discriminator.statistics = statistics
    save_checkpoint(gan, tmp_path / "b.pt")
    save_checkpoint(tiny_gan(seed=1, depth=2, kernel=3), tmp_path / "c.pt")
    digests |= {open_space(f"d:{tmp_path / name}", 16, 1).digest for name in ("b.pt", "c.pt")}
    assert len(digests) == 3


def test_images_of_another_size_or_colour_are_fitted_and_this_is_said(judge):
    path, _ = judge
    space, same = open_space(f"d:{path}", 28, 3), open_space(f"d:{path}", 16, 1)
    images = pictures(size=28, channels=3)
    assert np.array_equal(space(images), same(fit_arrays(images, 16, 1)))
    assert (
        f"Images of 28x28 colour are resized (bicubic, antialiased) to 16x16 grey for the feature space {space.name}."
        in space.notes
    )
    assert same.notes == ()
    assert any("converted to 16x16 grey" in note for note in open_space(f"d:{path}", 16, 3).notes)


def test_the_judged_gans_own_discriminator_is_refused_unless_it_is_meant(judge, tmp_path):
    path, gan = judge
    save_checkpoint(gan, tmp_path / "copy.pt", {"another": "file"})
    loaded = gan_probe.load(path)
    for own in (path, tmp_path / "copy.pt"):
        with pytest.raises(BadInputError, match="judged GAN's own discriminator"):
            open_space(f"d:{own}", 16, 1, judged=loaded)
    assert open_space(f"d:{path}", 16, 1, judged=loaded, own=True)(pictures()).shape[0] == 10
    save_checkpoint(tiny_gan(seed=1), tmp_path / "other.pt")
    assert open_space(f"d:{tmp_path / 'other.pt'}", 16, 1, judged=loaded).digest


def test_the_default_is_refused_in_a_line_where_its_model_is_not_here_and_found_where_it_is(judge, monkeypatch):
    monkeypatch.setattr(names, "DEFAULTS", {1: "no-such-model", 3: str(judge[0])})
    with pytest.raises(BadInputError, match=r"discriminator of no-such-model, .* that is not here: name pixels"):
        open_space("default", 16, 1)
    assert open_space("default", 16, 3).name.startswith("d:judge:")


def test_a_users_graph_maps_images_in_its_range_to_vectors(tmp_path):
    space = open_space(graph(tmp_path / "net.onnx", PROJECT[0], weights=PROJECT[1]), 16, 1)
    images = pictures(100)
    expected = (images.reshape(100, -1) / 127.5 - 1) @ PROJECTION
    np.testing.assert_allclose(space(images), expected, atol=1e-4)
    assert re.fullmatch(r"net\.onnx \([0-9a-f]{8}\)", space.name)
    assert any("[-1, 1]" in note for note in space.notes)


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_a_graph_of_a_fixed_batch_gives_the_same(tmp_path, batch):
    free = open_space(graph(tmp_path / "free.onnx", PROJECT[0], weights=PROJECT[1]), 16, 1)
    fixed_file = graph(tmp_path / "fixed.onnx", PROJECT[0], (batch, 1, 16, 16), (batch, 4), PROJECT[1])
    np.testing.assert_allclose(open_space(fixed_file, 16, 1)(pictures(70)), free(pictures(70)), atol=1e-4)


def test_maps_of_a_graph_are_flattened_and_half_precision_is_converted(tmp_path):
    nodes = [helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[4, 4], strides=[4, 4])]
    for kind in (TensorProto.FLOAT, TensorProto.FLOAT16):
        space = open_space(graph(tmp_path / "maps.onnx", nodes, output=("N", 1, 4, 4), kind=kind), 16, 1)
        expected = pictures().reshape(10, 4, 4, 4, 4).max((2, 4)).reshape(10, 16) / 127.5 - 1
        np.testing.assert_allclose(space(pictures()), expected, atol=1e-5)


def test_a_graph_that_we_exported_brings_its_range(tmp_path):
    gan = tiny_gan()
    gan = gan_probe.GAN(dataclasses.replace(gan.card, value_range=(0.0, 1.0)), None, gan.discriminator)
    (path,) = export_onnx(gan, tmp_path / "d.onnx")
    model = onnx.load(path)
    first = gan.discriminator.layers[0]
    del model.graph.output[:]
    value = next(node.output[0] for node in model.graph.node if node.op_type == "LeakyRelu")
    shape = ("N", first.channels, first.size, first.size)
    model.graph.output.append(helper.make_tensor_value_info(value, TensorProto.FLOAT, shape))
    onnx.save(model, path)
    space = open_space(str(path), 16, 1)
    assert space.notes == ()
    expected = gan.discriminator.activations(gan.from_uint8(pictures()), [first.name])[first.name].flatten(1)
    np.testing.assert_allclose(space(pictures()), expected.numpy(), atol=1e-5)


def by_batch():
    scale = [(name, np.ones(1, np.float32)) for name in "sbmv"]
    nodes = [
        helper.make_node("BatchNormalization", ["x", "s", "b", "m", "v"], ["n", "m1", "v1"], training_mode=1),
        helper.make_node("Flatten", ["n"], ["f"]),
        helper.make_node("MatMul", ["f", "w"], ["y"]),
    ]
    return nodes, [*scale, *PROJECT[1]]


def node(operator, **attributes):
    return [helper.make_node(operator, ["x"], ["y"], **attributes)]


REFUSED = {
    "a score": (node("ReduceMean", axes=[1, 2, 3], keepdims=0), [], {"output": ("N",)}, "no vector"),
    "by its batch": (*by_batch(), {}, "depend on the other images"),
    "not square": (node("Flatten"), [], {"shape": ("N", 1, 16, 8), "output": ("N", 128)}, "of fixed size S"),
    "any size": (node("GlobalMaxPool"), [], {"shape": ("N", 3, "H", "W"), "output": ("N", 3, 1, 1)}, "size"),
    "channels last": (node("Flatten"), [], {"shape": ("N", 16, 16, 3), "output": ("N", 768)}, "1 or 3, S, S"),
    "one for all": (node("ReduceMax", axes=[0]), [], {"output": (1, 1, 16, 16)}, "vectors for"),
    "random": (node("RandomNormalLike"), [], {"output": ("N", 1, 16, 16)}, "RandomNormalLike"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_graph_that_is_no_map_of_images_to_vectors_is_refused_in_a_line(tmp_path, case):
    nodes, weights, given, message = REFUSED[case]
    with pytest.raises(BadInputError, match=message) as error:
        open_space(graph(tmp_path / "net.onnx", nodes, weights=weights, **given), 16, 1)
    assert len(str(error.value)) <= 200
    assert "net.onnx" in str(error.value)


def test_vectors_that_are_not_finite_are_refused(tmp_path):
    path = graph(tmp_path / "log.onnx", [helper.make_node("Log", ["x"], ["y"])], output=("N", 1, 16, 16))
    with pytest.raises(BadInputError, match="not finite"):
        open_space(path, 16, 1)(pictures())


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "feature space '' is not known: pixels, d:CHECKPOINT"),
        ("d:", "'d:' is not known"),
        ("inception", "'inception' is not known"),
        ("evil\n\x1b[31m" * 50, "is not known"),
        ("d:no-such-file", "no such file"),
        ("d:no-such-file:conv1", "no such file"),
        ("missing.onnx", "missing.onnx: there is no such file"),
        ("{judge}.png.onnx", "not an ONNX file"),
        ("d:{judge}:conv99", r"has no layer 'conv99'; it has conv1, conv2"),
        ("d:{judge}:dense1", "has no layer 'dense1'"),
    ],
)
def test_what_is_no_space_is_refused_in_a_line(judge, spec, message):
    path, _ = judge
    path.with_name("judge.pt.png.onnx").write_bytes(b"\x89PNG")
    with pytest.raises(BadInputError, match=message) as error:
        open_space(spec.replace("{judge}", str(path)), 16, 1)
    assert len(str(error.value)) <= 200
    assert str(error.value).isprintable()


def test_discriminators_that_are_no_fixed_map_of_images_are_refused(tmp_path):
    gan = tiny_gan()
    gan.discriminator.statistics = None
    save_checkpoint(gan, tmp_path / "batch.pt")
    save_checkpoint(tiny_gan(classes=3), tmp_path / "labels.pt")
    save_checkpoint(gan_probe.GAN(gan.card, gan.generator), tmp_path / "alone.pt")
    for name, message in (
        ("batch", "normalises by its batch"),
        ("labels", "conditional"),
        ("alone", "no discriminator"),
    ):
        with pytest.raises(BadInputError, match=message) as error:
            open_space(f"d:{tmp_path / name}.pt", 16, 1)
        assert len(str(error.value)) <= 200


@pytest.mark.parametrize(
    "images", [pictures(size=8), pictures(channels=3), pictures().astype(np.float32), pictures()[:0], pictures()[0]]
)
def test_images_of_another_kind_than_announced_are_refused(images):
    with pytest.raises(BadInputError, match="opened for uint8"):
        open_space("pixels", 16, 1)(images)


def test_a_black_vector_stays_at_zero(tmp_path):
    gan = tiny_gan()
    with torch.no_grad():
        for weight in gan.discriminator.parameters():
            weight.zero_()
    save_checkpoint(gan, tmp_path / "dead.pt")
    assert (open_space(f"d:{tmp_path / 'dead.pt'}", 16, 1)(pictures()) == 0).all()


def test_a_damaged_graph_is_refused_in_a_line_or_runs(tmp_path):
    graph(tmp_path / "net.onnx", PROJECT[0], weights=PROJECT[1])
    whole = (tmp_path / "net.onnx").read_bytes()
    rng = np.random.default_rng(0)
    opened, refused = 0, []
    for trial in range(120):
        raw = bytearray(whole[: rng.integers(1, len(whole))] if trial % 2 else whole)
        raw[rng.integers(min(len(raw), 400))] ^= 1 << rng.integers(8)
        (tmp_path / "bad.onnx").write_bytes(raw)
        try:
            assert np.isfinite(open_space(str(tmp_path / "bad.onnx"), 16, 1)(pictures(3))).all()
            opened += 1
        except BadInputError as error:
            refused.append(str(error))
    assert opened > 0  # a flipped bit may stand in a name or a weight
    assert len(refused) > 20
    assert all(len(message) <= 200 and message.isprintable() for message in refused)
