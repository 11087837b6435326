"""What Keras predicts is what comes out of its files."""

from __future__ import annotations

import contextlib
import json

import numpy as np
import pytest
import torch

from gan_probe import load

pytestmark = [
    # Keras on torch speaks NumPy's older dialect
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def tutorial(keras, width: int = 8):
    """The DCGAN of TensorFlow's tutorial: 5x5 kernels, asymmetric crops, 28 pixels."""
    L = keras.layers
    g = keras.Sequential(
        [
            keras.Input((100,)),
            L.Dense(7 * 7 * 4 * width, use_bias=False),
            L.BatchNormalization(momentum=0.8),
            L.LeakyReLU(),
            L.Reshape((7, 7, 4 * width)),
            L.Conv2DTranspose(2 * width, 5, strides=1, padding="same", use_bias=False),
            L.BatchNormalization(momentum=0.8),
            L.LeakyReLU(),
            L.Conv2DTranspose(width, 5, strides=2, padding="same", use_bias=False),
            L.BatchNormalization(momentum=0.8),
            L.LeakyReLU(),
            L.Conv2DTranspose(1, 5, strides=2, padding="same", use_bias=False, activation="tanh"),
        ]
    )
    d = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            L.Conv2D(width, 5, strides=2, padding="same"),
            L.LeakyReLU(),
            L.Dropout(0.3),
            L.Conv2D(2 * width, 5, strides=2, padding="same"),
            L.LeakyReLU(),
            L.Dropout(0.3),
            L.Flatten(),
            L.Dense(1),
        ]
    )
    return g, d


def celeba(keras, width: int = 8):
    """The 64-pixel faces of Keras' own example: no norms, 4x4 kernels, outputs in [0, 1]."""
    L = keras.layers
    g = keras.Sequential(
        [
            keras.Input((128,)),
            L.Dense(8 * 8 * width),
            L.Reshape((8, 8, width)),
            L.Conv2DTranspose(width, kernel_size=4, strides=2, padding="same"),
            L.LeakyReLU(negative_slope=0.2),
            L.Conv2DTranspose(2 * width, kernel_size=4, strides=2, padding="same"),
            L.LeakyReLU(negative_slope=0.2),
            L.Conv2DTranspose(4 * width, kernel_size=4, strides=2, padding="same"),
            L.LeakyReLU(negative_slope=0.2),
            L.Conv2D(3, kernel_size=5, padding="same", activation="sigmoid"),
        ]
    )
    layers = [keras.Input((64, 64, 3))]
    for outputs in (width, 2 * width, 2 * width):
        layers += [L.Conv2D(outputs, kernel_size=4, strides=2, padding="same"), L.LeakyReLU(negative_slope=0.2)]
    return g, keras.Sequential([*layers, L.Flatten(), L.Dropout(0.2), L.Dense(1, activation="sigmoid")])


def upsampling(keras, width: int = 8):
    """Keras-GAN's dcgan: enlargement and 3x3 kernels; a padding in front of a norm; models around sequences."""
    L = keras.layers
    g = keras.Sequential(
        [
            keras.Input((100,)),
            L.Dense(7 * 7 * 2 * width, activation="relu"),
            L.Reshape((7, 7, 2 * width)),
            L.UpSampling2D(),
            L.Conv2D(2 * width, kernel_size=3, padding="same"),
            L.BatchNormalization(momentum=0.8),
            L.Activation("relu"),
            L.UpSampling2D(),
            L.Conv2D(width, kernel_size=3, padding="same"),
            L.BatchNormalization(momentum=0.8),
            L.Activation("relu"),
            L.Conv2D(1, kernel_size=3, padding="same"),
            L.Activation("tanh"),
        ]
    )
    layers = [keras.Input((28, 28, 1)), L.Conv2D(width, kernel_size=3, strides=2, padding="same")]
    layers += [L.LeakyReLU(negative_slope=0.2), L.Dropout(0.25)]
    layers += [L.Conv2D(2 * width, kernel_size=3, strides=2, padding="same"), L.ZeroPadding2D(((0, 1), (0, 1)))]
    layers += [L.BatchNormalization(momentum=0.8), L.LeakyReLU(negative_slope=0.2), L.Dropout(0.25)]
    for outputs, stride in ((2 * width, 2), (4 * width, 1)):
        layers += [L.Conv2D(outputs, kernel_size=3, strides=stride, padding="same")]
        layers += [L.BatchNormalization(momentum=0.8), L.LeakyReLU(negative_slope=0.2), L.Dropout(0.25)]
    d = keras.Sequential([*layers, L.Flatten(), L.Dense(1, activation="sigmoid")])
    z, image = keras.Input((100,)), keras.Input((28, 28, 1))
    return keras.Model(z, g(z)), keras.Model(image, d(image))


FAMILIES = {"tutorial": tutorial, "celeba": celeba, "upsampling": upsampling}


def trained(pair, kind: str = "normal", steps: int = 12):
    """The pair with biases and norms that are not as they were made."""
    g, d = pair
    rng = np.random.default_rng(0)
    for net in pair:
        for weight in net.weights:
            if weight.name in ("bias", "beta", "gamma"):
                weight.assign(weight.numpy() + rng.normal(0, 0.2, weight.shape).astype("f4"))
    size = g.input_shape[1]
    for _ in range(steps):
        z = rng.normal(size=(64, size)) if kind == "normal" else rng.uniform(-1, 1, (64, size))
        d(g(z.astype("f4"), training=True), training=True)
    return g, d


def assert_same(gan, g, d, sigmoid: bool, atol: float = 1e-4) -> None:
    rng = np.random.default_rng(1)
    z = rng.normal(size=(5, g.input_shape[1])).astype("f4")
    images = rng.uniform(-1, 1, (5, *d.input_shape[1:])).astype("f4")
    ours = gan.sample(torch.from_numpy(z)).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(ours, g.predict(z, verbose=0), atol=atol, rtol=0)
    with torch.no_grad():
        scores = gan.discriminator(torch.from_numpy(images.transpose(0, 3, 1, 2).copy()))
    theirs = d.predict(images, verbose=0)
    np.testing.assert_allclose((scores.sigmoid() if sigmoid else scores).numpy(), theirs, atol=atol, rtol=0)
    assert np.ptp(theirs) > 1e-3  # or the comparison would say nothing


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_pair_gives_what_keras_predicts(keras, save, tmp_path, family, suffix):
    g, d = trained(FAMILIES[family](keras), steps=1 if family == "celeba" else 20)
    save(g, tmp_path / f"generator{suffix}")
    save(d, tmp_path / f"discriminator{suffix}")
    with pytest.warns(UserWarning, match="pin it") if family == "celeba" else contextlib.nullcontext():
        gan = load(tmp_path)
    assert gan.card.format == "Keras"
    assert gan.card.z_distribution == "normal"
    assert gan.card.value_range == ((0, 1) if family == "celeba" else (-1, 1))
    assert any("sigmoid was left out" in line for line in gan.card.assumed) == (family != "tutorial")
    assert_same(gan, g, d, sigmoid=family != "tutorial")


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_file_of_both_networks_in_a_row_gives_both(keras, save, tmp_path, suffix):
    g, d = trained(upsampling(keras))
    z = keras.Input((100,))
    save(keras.Model(z, d(g(z))), tmp_path / f"combined{suffix}")
    assert_same(load(tmp_path / f"combined{suffix}"), g, d, sigmoid=True)


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_the_norms_tell_the_latents_distribution(keras, tmp_path, kind):
    g, d = trained(tutorial(keras), kind, steps=40)
    g.save(tmp_path / "g.keras")
    gan = load(tmp_path / "g.keras")
    assert gan.card.z_distribution == kind
    assert load(tmp_path / "g.keras", pinned={"z_distribution": "normal"}).card.z_distribution == "normal"
    assert d.count_params()


@pytest.mark.filterwarnings("ignore:.*z is taken as")  # these generators have no norms
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_every_kernel_stride_and_padding_acts_as_in_keras(keras, tmp_path, transposed, padding):
    rng = np.random.default_rng(2)
    layer = keras.layers.Conv2DTranspose if transposed else keras.layers.Conv2D
    for kernel in (1, 2, 3, 4, 5, 7):
        for stride in (1, 2, 3):
            for side in (7, 8):
                if kernel == 1 and transposed and stride > 1:
                    continue
                inputs = keras.Input((6,))
                x = keras.layers.Reshape((side, side, 4))(keras.layers.Dense(side * side * 4)(inputs))
                g = keras.Model(inputs, layer(3, kernel, strides=stride, padding=padding)(x))
                g.save(tmp_path / "g.keras")
                if g.output_shape[1] == 1:
                    continue
                z = rng.normal(size=(3, 6)).astype("f4")
                ours = load(tmp_path / "g.keras").sample(torch.from_numpy(z)).permute(0, 2, 3, 1).numpy()
                np.testing.assert_allclose(ours, g.predict(z, verbose=0), atol=1e-5, rtol=0)


def odd_generators(keras):
    L = keras.layers
    return {
        "bilinear": [L.Dense(64), L.Reshape((4, 4, 4)), L.UpSampling2D(2, interpolation="bilinear"), L.Conv2D(3, 3)],
        "latents as a pixel": [
            L.Reshape((1, 1, 8)),
            L.Conv2DTranspose(4, 4),
            L.BatchNormalization(scale=False),
            L.ReLU(),
            L.Conv2DTranspose(3, 4, 2, padding="same", activation="tanh"),
        ],
        "output padding": [L.Dense(64), L.Reshape((4, 4, 4)), L.Conv2DTranspose(3, 3, 2, output_padding=1)],
        "a sequence in a sequence": [keras.Sequential([L.Dense(64, "selu"), L.Reshape((4, 4, -1))]), L.Conv2D(3, 1)],
        "padding in front": [
            L.Dense(64),
            L.Reshape((4, 4, 4)),
            L.ELU(),
            L.ZeroPadding2D(((0, 1), (0, 1))),
            L.Conv2D(3, 3, strides=2, padding="same", activation="leaky_relu"),
        ],
        "norm behind activation": [
            L.Dense(64, "relu"),
            L.BatchNormalization(center=False),
            L.Reshape((4, 4, 4)),
            L.Conv2D(1, 3, padding="same"),
        ],
    }


@pytest.mark.filterwarnings("ignore:.*z is taken as")
def test_less_usual_layers_act_as_in_keras(keras, save, tmp_path):
    rng = np.random.default_rng(3)
    z = rng.normal(size=(4, 8)).astype("f4")
    for name, layers in odd_generators(keras).items():
        g = keras.Sequential([keras.Input((8,)), *layers])
        for weight in g.weights:
            noise = (
                np.abs(rng.normal(0, 0.3, weight.shape))
                if "variance" in weight.name
                else rng.normal(0, 0.3, weight.shape)
            )
            weight.assign(weight.numpy() + noise.astype("f4"))
        for suffix in (".keras", ".h5"):
            save(g, tmp_path / f"g{suffix}")
            ours = load(tmp_path / f"g{suffix}").sample(torch.from_numpy(z)).permute(0, 2, 3, 1).numpy()
            np.testing.assert_allclose(ours, g.predict(z, verbose=0), atol=1e-5, rtol=0, err_msg=name)


@pytest.mark.filterwarnings("ignore:.*z is taken as")
def test_files_of_keras_2_are_read(tmp_path):
    """Written by hand as Keras 2 did: input shapes in the first layer, `alpha`, [name, node, tensor, {}], `:0`."""
    h5py = pytest.importorskip("h5py")
    rng = np.random.default_rng(0)
    dense, kernel = rng.normal(size=(8, 64)).astype("f4"), rng.normal(size=(3, 3, 2, 4)).astype("f4")
    conv = {"name": "up", "strides": [2, 2], "padding": "same", "use_bias": False, "activation": "tanh"}
    inner = [
        {"class_name": "Dense", "config": {"name": "fc", "batch_input_shape": [None, 8], "use_bias": False}},
        {"class_name": "LeakyReLU", "config": {"name": "leaky", "alpha": 0.25}},
        {"class_name": "Reshape", "config": {"name": "cut", "target_shape": [4, 4, 4]}},
        {"class_name": "Conv2DTranspose", "config": conv},
    ]
    layers = [
        {"class_name": "InputLayer", "config": {"name": "z", "batch_input_shape": [None, 8]}, "inbound_nodes": []},
        {"class_name": "Sequential", "config": {"name": "seq", "layers": inner}, "inbound_nodes": [[["z", 0, 0, {}]]]},
    ]
    for layer in layers:
        layer["name"] = layer["config"]["name"]
    with h5py.File(tmp_path / "g.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(
            {"class_name": "Model", "config": {"name": "m", "layers": layers}}
        ).encode()
        file["model_weights/seq/fc/kernel:0"] = dense
        file["model_weights/seq/up/kernel:0"] = kernel
        file["optimizer_weights/training/fc/kernel:0"] = dense
    z = torch.randn(3, 8)
    maps = torch.nn.functional.leaky_relu(z @ torch.from_numpy(dense), 0.25).reshape(3, 4, 4, 4).permute(0, 3, 1, 2)
    weight = torch.from_numpy(kernel).permute(3, 2, 0, 1)  # from (H, W, out, in)
    wanted = torch.tanh(torch.nn.functional.conv_transpose2d(maps, weight, stride=2)[:, :, :8, :8])
    torch.testing.assert_close(load(tmp_path / "g.h5").sample(z), wanted)


def test_uneven_paddings_survive_our_own_formats(keras, tmp_path, gan_probe_command):
    g, d = trained(upsampling(keras))
    files = tmp_path / "keras"
    files.mkdir()
    g.save(files / "generator.keras")
    d.save(files / "discriminator.keras")
    for to in ("gan.pt", "folder", "onnx/"):
        kind = ["--format", "onnx"] if to == "onnx/" else []
        code, _, err = gan_probe_command("convert", files, "--to", tmp_path / to, *kind)
        assert (code, err) == (0, "")
        assert_same(load(tmp_path / to), g, d, sigmoid=True)
    code, out, _ = gan_probe_command("info", tmp_path / "gan.pt")
    assert code == 0
    assert "padding 0 and 1" in out
    assert "border of zeros 0 and 1" in out
