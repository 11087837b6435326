"""Other people's ONNX files: where their layers end, their floats, norms and latents."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from onnx import TensorProto

from gan_probe.checkpoints import LoadRequest, load_gan

from .graphs import CONV, HEAD, IMAGES, convolved, expected, graph, saved, tensor, weights

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
    extra = {key: np.array(value, np.float32) for key, value in constants.items()}
    proto = graph([("Conv", "x w b", "c", CONV), *nodes, *HEAD], held | extra)
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
    held = {"w": tensor("w", 2, 2, 3, 3), "w2": tensor("w2", 1, 128)}
    nodes = [("Conv", "x w", "c", {"pads": [1] * 4}), ("Add", "c x", "s", {}), ("Relu", "s", "a", {}), *HEAD[:2]]
    nodes[-1] = ("Gemm", "f w2", "y", {"transB": 1})
    net = load_gan(LoadRequest(saved(tmp_path, graph(nodes, held)))).discriminator
    plain = torch.nn.functional.conv2d(IMAGES, torch.tensor(held["w"]), padding=1)
    torch.testing.assert_close(net.activations(IMAGES, ["conv1"])["conv1"], plain, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("kind", "dtype", "atol"), [(TensorProto.FLOAT16, np.float16, 2e-2), (TensorProto.DOUBLE, np.float64, 1e-5)]
)
def test_other_float_types_are_cast(tmp_path, kind, dtype, atol):
    held = weights(dtype)
    nodes = [("Conv", "x w b", "c", CONV), ("LeakyRelu", "c", "a", {"alpha": 0.2}), *HEAD]
    proto = graph(nodes, held, [("x", kind, ("N", 2, 8, 8))], kind=kind)
    gan = load_gan(LoadRequest(saved(tmp_path, proto)))
    found = gan.discriminator(IMAGES)
    assert found.dtype == torch.float32
    assert (kind == TensorProto.DOUBLE) == any("float64" in note for note in gan.card.assumed)
    torch.testing.assert_close(found, expected(held)[1], atol=atol, rtol=0)


@pytest.mark.parametrize("opset", [11, 13, 18, 21])
def test_batch_norm_in_training_mode_or_not_normalises_by_batch_on_request(tmp_path, opset):
    held = weights() | {name: tensor(name, 3, scale=1) for name in ("g", "h", "mean")}
    held["variance"] = np.array([1, 2, 3], np.float32)
    nodes = [("Conv", "x w b", "c", CONV), ("BatchNormalization", "c g h mean variance", "n", {"epsilon": 1e-3})]
    nodes += [("LeakyRelu", "n", "a", {"alpha": 0.2}), *HEAD]
    net = load_gan(LoadRequest(saved(tmp_path, graph(nodes, held, opset=opset)))).discriminator
    c, g, h = convolved(held), torch.tensor(held["g"]), torch.tensor(held["h"])
    moments = net.moments(IMAGES)["conv1"]
    torch.testing.assert_close(moments.mean, c.mean((0, 2, 3)))
    torch.testing.assert_close(moments.variance, c.var((0, 2, 3), unbiased=False))
    assert net.statistics["conv1"].variance.tolist() == [1, 2, 3]
    net.statistics = None
    by_batch = torch.nn.functional.leaky_relu(torch.nn.functional.batch_norm(c, None, None, g, h, True, eps=1e-3), 0.2)
    torch.testing.assert_close(net.activations(IMAGES, ["conv1"])["conv1"], by_batch, atol=1e-5, rtol=0)


def test_a_generator_with_pixels_of_latents_is_recognised(tmp_path):
    nodes = [("ConvTranspose", "x w", "c", {"strides": [4, 4]}), ("Sigmoid", "c", "y", {})]
    latents = [("x", TensorProto.FLOAT, ("N", 6, 1, 1))]
    proto = graph(nodes, {"w": tensor("w", 6, 3, 8, 8)}, latents, ("N", 3, 8, 8))
    gan = load_gan(LoadRequest(saved(tmp_path, proto)))
    assert (gan.card.z_size, gan.card.image_size, gan.card.channels, gan.card.value_range) == (6, 8, 3, (0.0, 1.0))
    assert gan.sample(gan.latent(2, np.random.default_rng(0))).shape == (2, 3, 8, 8)
    assert any("z is uniform" in note for note in gan.card.assumed)


def batch_norm_in_training():
    held = weights() | {name: np.ones(3, np.float32) for name in ("g", "h", "mean", "variance")}
    nodes = [("Conv", "x w b", "c", CONV)]
    nodes += [("BatchNormalization", "c g h mean variance", "n rm rv", {"training_mode": 1})]
    return graph([*nodes, ("LeakyRelu", "n", "a", {}), *HEAD], held)


def test_a_graph_saved_in_training_mode_has_no_stored_statistics(tmp_path):
    net = load_gan(LoadRequest(saved(tmp_path, batch_norm_in_training()))).discriminator
    assert net.statistics is None
    net.statistics = net.moments(IMAGES)
    torch.testing.assert_close(net(IMAGES)[:2], net(IMAGES[:2]))
