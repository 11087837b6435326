"""Extraction: what the features are, and what has no influence on them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_probe.errors import BadInputError
from gan_probe.features import pooled, pooled_rows
from gan_probe.features.pooling import CPU_BATCH
from gan_probe.testing import tiny_gan

IMAGES = np.random.default_rng(0).integers(0, 256, (70, 32, 32, 3), np.uint8)
LAYERS = ["conv1", "conv2", "conv3"]


@pytest.fixture(scope="module")
def gan():
    return tiny_gan(image_size=32, channels=3, width=8)


def plain(gan, images, layers, grid):
    """The definition, spelt out in float64: the largest value of each cell of the grid."""
    net, features = gan.discriminator, []
    x = gan.from_uint8(images).double()
    for name, stage in net.named_children():
        if not name.startswith("conv"):
            break
        op, norm = stage.op, stage.norm
        x = torch.nn.functional.conv2d(x, op.weight.double(), stride=op.stride, padding=op.padding)
        if norm is not None:
            mean, var = (t.double()[:, None, None] for t in (norm.running_mean, norm.running_var))
            gain, shift = (t.double()[:, None, None] for t in (norm.weight, norm.bias))
            x = (x - mean) / torch.sqrt(var + norm.eps) * gain + shift
        x = torch.where(x > 0, x, 0.2 * x)
        if name in layers:
            features.append(cells(x.numpy(), min(grid, x.shape[2])))
    return np.concatenate(features, 1)


def cells(maps, grid):
    """Each map's largest value in every cell; cells begin at floor and end at ceil, as adaptive pooling defines."""
    side = maps.shape[2]
    edges = [(i * side // grid, -(-(i + 1) * side // grid)) for i in range(grid)]
    rows = [np.stack([maps[:, :, a:b, c:d].max((2, 3)) for c, d in edges], -1) for a, b in edges]
    return np.stack(rows, -2).reshape(len(maps), -1)


@pytest.mark.parametrize("grid", [1, 3, 4, 64])
def test_features_are_the_largest_activation_of_each_cell(gan, grid):
    features, columns = pooled(gan, gan.discriminator, IMAGES[:5], LAYERS, grid=grid)
    np.testing.assert_allclose(features, plain(gan, IMAGES[:5], LAYERS, grid), atol=5e-5)
    widths = [min(grid, side) ** 2 * maps for maps, side in ((8, 16), (16, 8), (32, 4))]
    assert [c.stop - c.start for c in columns] == widths
    assert columns[-1].stop == features.shape[1]


def test_columns_follow_the_order_asked_for(gan):
    features, columns = pooled(gan, gan.discriminator, IMAGES[:3], ["conv3", "conv1"])
    alone, _ = pooled(gan, gan.discriminator, IMAGES[:3], ["conv1"])
    np.testing.assert_array_equal(features[:, columns[1]], alone)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 100), st.integers(1, 70))
def test_batch_size_has_no_influence_beyond_rounding(gan, batch_size, n):
    whole, _ = pooled(gan, gan.discriminator, IMAGES, LAYERS)
    features, _ = pooled(gan, gan.discriminator, IMAGES[:n], LAYERS, batch_size=batch_size)
    np.testing.assert_allclose(features, whole[:n], rtol=0, atol=1e-5)


def test_the_number_of_threads_has_no_influence_at_all(gan):
    threads = torch.get_num_threads()
    found = []
    try:
        for n in (1, 2, 3):
            torch.set_num_threads(n)
            found.append(pooled(gan, gan.discriminator, np.tile(IMAGES, (4, 1, 1, 1)), LAYERS)[0])
            assert torch.get_num_threads() == n
    finally:
        torch.set_num_threads(threads)
    assert all(np.array_equal(features, found[0]) for features in found)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_network_and_torch_are_left_as_they_were_also_after_an_error(gan, threads):
    net, before = gan.discriminator, torch.get_num_threads()
    state = {p: (p.data.data_ptr(), p.stride()) for p in net.parameters()}
    torch.set_num_threads(threads)
    try:
        rows = pooled_rows(gan, net, IMAGES, LAYERS)
        next(rows)
        rows.close()
        with pytest.raises(KeyError):
            list(pooled_rows(gan, net, IMAGES, ["conv1", "no such layer"]))
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert {p: (p.data.data_ptr(), p.stride()) for p in net.parameters()} == state
    assert not torch.is_inference_mode_enabled()


def test_few_blocks_are_held_at_a_time(gan):
    blocks = [len(block) for block in pooled_rows(gan, gan.discriminator, IMAGES, LAYERS, batch_size=1000)]
    assert blocks == [CPU_BATCH, CPU_BATCH, 70 - 2 * CPU_BATCH]


def test_progress_ends_at_the_number_of_images(gan):
    seen = []
    pooled(gan, gan.discriminator, IMAGES, LAYERS, progress=lambda done, total, _: seen.append((done, total)))
    assert seen == [(32, 70), (64, 70), (70, 70)]


def test_what_cannot_be_extracted_is_one_line(gan):
    net = gan.discriminator
    with pytest.raises(BadInputError, match="no images"):
        pooled(gan, net, IMAGES[:0], LAYERS)
    with pytest.raises(BadInputError, match="no layers"):
        pooled(gan, net, IMAGES, [])
    by_batch = tiny_gan(image_size=32, channels=3)
    by_batch.discriminator.statistics = None
    with pytest.raises(BadInputError, match="recompute its batch-norm statistics"):
        pooled(by_batch, by_batch.discriminator, IMAGES, LAYERS)


def test_activations_that_are_not_finite_name_their_layer():
    gan = tiny_gan(image_size=32, channels=3)
    gan.discriminator.conv2.op.weight[0, 0, 0, 0] = float("nan")
    with pytest.raises(BadInputError, match="layer conv2 gives values that are not finite"):
        pooled(gan, gan.discriminator, IMAGES, LAYERS)


def test_features_that_do_not_fit_into_memory_are_refused_before_they_are_made(gan, monkeypatch):
    monkeypatch.setattr("gan_probe.data.memory.available_memory", lambda: 10_000)
    with pytest.raises(BadInputError, match="an array of 70 x 896 features needs"):
        pooled(gan, gan.discriminator, IMAGES, LAYERS)


def test_a_hook_keeps_what_it_was_shown(gan):
    net, kept = gan.discriminator, []
    handle = net.conv2.norm.register_forward_hook(lambda _m, _i, out: kept.append(out))
    try:
        found = net.activations(gan.from_uint8(IMAGES[:2]), ["conv2"])["conv2"]
    finally:
        handle.remove()
    assert (kept[0] < found).any()  # leaky ReLU raises what is negative: in place, the two would be one
    assert torch.equal(torch.nn.functional.leaky_relu(kept[0], 0.2), found)
