from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d

from gan_probe.checkpoints import LoadRequest, load_gan
from gan_probe.errors import BadInputError
from gan_probe.gan import Moments

from .refusing import refused

RNG = np.random.default_rng(0)


def dump(folder, role, arrays, snapshot="200", first=1):
    folder.mkdir(exist_ok=True)
    for number, array in enumerate(arrays, first):
        np.save(folder / f"{snapshot}_{role}_params.jl_{number:02}.npy", array)
    (folder / f"{snapshot}_{role}_params.jl").write_bytes(b"cos\nsystem\n(S'echo ran'\ntR.")


def normal(*shape):
    return RNG.normal(0, 0.1, shape).astype(np.float32)


def gen_params(z=6, maps=(8, 4), channels=3, side=5, dense=None):
    dense = dense or maps[0] * 16
    layers = [normal(z, dense), 1 + normal(dense), normal(dense)]
    for inputs, outputs in itertools.pairwise(maps):
        layers += [normal(inputs, outputs, side, side), 1 + normal(outputs), normal(outputs)]
    return [*layers, normal(maps[-1], channels, side, side)]


def discrim_params(maps=(4, 8), channels=3, side=5):
    layers = [normal(maps[0], channels, side, side)]
    for inputs, outputs in itertools.pairwise(maps):
        layers += [normal(outputs, inputs, side, side), 1 + normal(outputs), normal(outputs)]
    return [*layers, normal(maps[-1] * 16, 1)]


def true_convolution(x, w, stride, padding):
    """(N, C, H, W) with w (out, in, k, k), kernels flipped by scipy, as theano's dnn_conv does by default."""
    x = np.pad(x, ((0, 0), (0, 0), (padding,) * 2, (padding,) * 2)).astype(np.float64)

    def one(image, kernels):
        return sum(convolve2d(a, k, "valid") for a, k in zip(image, kernels, strict=True))

    return np.array([[one(image, kernels) for kernels in w] for image in x])[:, :, ::stride, ::stride]


def batch_norm(x, gain, bias):
    axes = tuple(axis for axis in range(x.ndim) if axis != 1)
    shape = [1, -1, *[1] * (x.ndim - 2)]
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-8) * gain.reshape(shape) + bias.reshape(shape)


def test_the_discriminator_equals_the_release_written_out_in_numpy(tmp_path):
    w, w2, g2, b2, wy = params = discrim_params()
    dump(tmp_path, "discrim", params)
    gan = load_gan(LoadRequest(tmp_path))
    assert (gan.card.image_size, gan.card.channels, gan.generator) == (16, 3, None)
    assert gan.discriminator.statistics is None
    assert any("each batch's own" in note for note in gan.card.assumed)
    x = RNG.uniform(-1, 1, (4, 3, 16, 16)).astype(np.float32)
    h = true_convolution(x, w, 2, 2)
    h = np.where(h > 0, h, 0.2 * h)
    h2 = batch_norm(true_convolution(h, w2, 2, 2), g2, b2)
    h2 = np.where(h2 > 0, h2, 0.2 * h2)
    found = gan.discriminator.activations(torch.from_numpy(x), ["conv1", "conv2"])
    np.testing.assert_allclose(found["conv1"], h, atol=1e-5)
    np.testing.assert_allclose(found["conv2"], h2, atol=1e-4)
    np.testing.assert_allclose(gan.discriminator(torch.from_numpy(x)), h2.reshape(4, -1) @ wy, atol=1e-4)


def test_the_generator_equals_the_release_written_out_in_numpy(tmp_path):
    w, g, b, w2, g2, b2, wx = params = gen_params()
    dump(tmp_path, "gen", params)
    gan = load_gan(LoadRequest(tmp_path))
    assert (gan.card.z_size, gan.card.image_size, gan.discriminator) == (6, 16, None)
    z = RNG.normal(size=(4, 6)).astype(np.float32)

    def deconvolution(x, w):  # the transpose of a strided true convolution: zeros between, unflipped correlation
        n, c, side, _ = x.shape
        spread = np.zeros((n, c, 2 * side, 2 * side))
        spread[:, :, ::2, ::2] = x
        return true_convolution(spread, w.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1], 1, 2)

    h = np.maximum(batch_norm((z @ w).astype(np.float64), g, b), 0).reshape(4, 8, 4, 4)
    h2 = np.maximum(batch_norm(deconvolution(h, w2), g2, b2), 0)
    expected = np.tanh(deconvolution(h2, wx))
    gan.generator.statistics = None  # the release's mode
    np.testing.assert_allclose(gan.generator(torch.from_numpy(z)), expected, atol=1e-4)


def test_a_sample_does_not_depend_on_its_neighbours(tmp_path):
    dump(tmp_path, "gen", gen_params())
    gan = load_gan(LoadRequest(tmp_path))
    z = gan.latent(6, np.random.default_rng(1))
    alone = torch.cat([gan.sample(one[None]) for one in z])
    torch.testing.assert_close(alone, gan.sample(z), atol=1e-6, rtol=0)
    assert any("2,048 latents" in note for note in gan.card.assumed)
    assert load_gan(LoadRequest(tmp_path)).card == gan.card
    assert isinstance(gan.generator.statistics["dense1"], Moments)


def test_the_release_of_3x3_kernels_alternates_its_strides(tmp_path):
    dump(tmp_path, "gen", gen_params(z=9, maps=(8, 8, 4, 4), side=3))
    dump(tmp_path, "discrim", discrim_params(maps=(4, 4, 8, 8), side=3))
    gan = load_gan(LoadRequest(tmp_path))
    assert [stage.stride for stage in gan.discriminator.stages[:-1]] == [1, 2, 1, 2]
    assert [stage.stride for stage in gan.generator.stages[1:]] == [2, 1, 2, 1]
    assert gan.card.image_size == 16
    assert gan.card.z_distribution == "uniform"


def test_arrays_are_read_in_natural_order_and_the_latest_snapshot_counts(tmp_path):
    dump(tmp_path, "discrim", discrim_params(channels=1), snapshot="9")
    dump(tmp_path, "discrim", discrim_params(), snapshot="25", first=8)  # numbers 08 to 12
    gan = load_gan(LoadRequest(tmp_path))
    assert gan.card.channels == 3
    assert any("the latest of 2 snapshots" in note for note in gan.card.assumed)
    assert load_gan(LoadRequest(tmp_path / "9_discrim_params.jl")).card.channels == 1


def test_a_pinned_latent_distribution_is_no_assumption(tmp_path):
    dump(tmp_path, "gen", gen_params())
    gan = load_gan(LoadRequest(tmp_path, pinned={"z_distribution": "uniform"}))
    assert gan.card.z_distribution == "uniform"
    assert not any("z is" in note for note in gan.card.assumed)
    with pytest.raises(BadInputError, match="choose normal or uniform"):
        load_gan(LoadRequest(tmp_path, pinned={"z_distribution": "cauchy"}))


def test_a_missing_array_is_named_by_what_is_there(tmp_path):
    dump(tmp_path, "discrim", discrim_params())
    (tmp_path / "200_discrim_params.jl_03.npy").unlink()
    refused(tmp_path, "is a file missing")


def test_an_array_of_objects_never_runs(tmp_path):
    dump(tmp_path, "discrim", discrim_params())
    marker = tmp_path / "ran"

    class Runs:
        def __reduce__(self):
            return exec, (f"open({str(marker)!r}, 'w').close()",)

    np.save(tmp_path / "200_discrim_params.jl_01.npy", np.array([Runs()], dtype=object), allow_pickle=True)
    refused(tmp_path, "not a whole .npy array")
    assert not marker.exists()


def test_damaged_arrays_are_refused(tmp_path):
    dump(tmp_path, "discrim", discrim_params())
    path = tmp_path / "200_discrim_params.jl_02.npy"
    raw = path.read_bytes()
    for content in (b"", raw[:5], raw[:100], raw[:-1], raw.replace(b"(8, 4", b"(88888888888, 4"), b"<html>" * 9):
        path.write_bytes(content)
        refused(tmp_path, "jl_02.npy|order")
    np.save(path, np.full((8, 4, 5, 5), np.nan, np.float32))
    refused(tmp_path, "NaN")
    np.save(path, np.zeros((8, 4, 5, 5), np.int8))
    refused(tmp_path, "int8")


def test_the_authors_svhn_model_loads_and_its_kernels_are_flipped_rightly(shared):
    gan = load_gan(LoadRequest(shared / "weights" / "dcgan_code_svhn"))
    assert [(layer.channels, layer.size) for layer in gan.discriminator.layers[:3]] == [(64, 16), (128, 8), (256, 4)]
    assert (gan.card.z_size, gan.card.z_distribution, gan.card.image_size) == (100, "normal", 32)
    z = gan.latent(128, np.random.default_rng(0))
    right = gan.discriminator(gan.sample(z)).mean()
    for layer in ("deconv1", "deconv2", "deconv3"):
        weight = getattr(gan.generator, layer).op.weight
        weight.data = weight.data.flip(2, 3)
    gan.generator.statistics = None
    wrong = gan.discriminator(gan.sample(z)).mean()
    # the other way round there are no digits, which the discriminator notices: logits of -5.7 and -12.6
    assert right > wrong + 3
