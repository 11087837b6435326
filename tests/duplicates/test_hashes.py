"""Hashes: what is equal, what is near, against brute force."""

import copy

import numpy as np
import pytest

from gan_probe.duplicates.autoencoder import Autoencoder
from gan_probe.duplicates.hashes import equal, matches, perceptual_hashes, within
from gan_probe.duplicates.planted import compressed, mirrored


def codes_near_each_other(rng, n=300, width=8):
    """Codes in clusters: a few centres, each bit flipped with a chance of 5 %."""
    bits = rng.integers(0, 2, (20, 8 * width))[rng.integers(0, 20, n)] ^ (rng.random((n, 8 * width)) < 0.05)
    return np.packbits(bits.astype(np.uint8), axis=1)


def by_brute_force(codes, others, radius):
    bits, theirs = np.unpackbits(codes, axis=1), np.unpackbits(others, axis=1)
    return np.argwhere((bits[:, None] != theirs).sum(2) <= radius)


@pytest.mark.parametrize(("radius", "width"), [(0, 8), (3, 8), (9, 8), (4, 16), (2, 3)])
def test_multi_index_tables_find_what_brute_force_finds(radius, width):
    codes = codes_near_each_other(np.random.default_rng(radius), width=width)
    pairs = by_brute_force(codes, codes, radius)
    np.testing.assert_array_equal(within(codes, radius), pairs[pairs[:, 0] < pairs[:, 1]])
    others = codes_near_each_other(np.random.default_rng(99), n=70, width=width)
    np.testing.assert_array_equal(matches(others, codes, radius), by_brute_force(others, codes, radius))


def test_equal_codes_are_paired_with_their_first():
    codes = np.array([[1, 2], [3, 4], [1, 2], [5, 6], [3, 4], [1, 2]], np.uint8)
    assert equal(codes).tolist() == [[0, 2], [1, 4], [0, 5]]
    assert equal(codes[[0, 1, 3]]).shape == (0, 2)


def test_the_perceptual_hash_is_the_dct_above_its_median_and_blind_to_brightness():
    images = np.random.default_rng(0).integers(0, 128, (5, 32, 32, 3), dtype=np.uint8)
    angle = np.pi * (np.arange(32) + 0.5) / 32
    basis = np.cos(np.arange(8)[:, None] * angle)
    grey = images @ np.array([0.299, 0.587, 0.114])
    low = np.einsum("uy,nyx,vx->nuv", basis, grey, basis).reshape(5, 64)
    # scipy's orthogonal factors differ for the zeroth row and column: the unnormalised transform has none
    expected = low > np.median(low[:, 1:], axis=1, keepdims=True)
    expected[:, 0] = False
    np.testing.assert_array_equal(np.unpackbits(perceptual_hashes(images), axis=1), expected)
    np.testing.assert_array_equal(perceptual_hashes(images * 2), perceptual_hashes(images))


def test_the_autoencoders_gradients_and_steps_are_those_of_torch(rooms, monkeypatch):
    torch = pytest.importorskip("torch")
    for name in ("NOISE", "DROPPED"):
        monkeypatch.setattr(f"gan_probe.duplicates.autoencoder.{name}", 0.0)
    ours = Autoencoder(rooms, np.random.default_rng(3))
    start = [ours.encoder, ours.shift, ours.decoder, ours.out]
    encoder, shift, decoder, out = theirs = [torch.tensor(w).requires_grad_() for w in start]
    adam = torch.optim.Adam(theirs, lr=1e-3)
    rng = copy.deepcopy(ours.rng)
    ours.train(3)
    for step in range(3):
        chosen = rng.integers(len(rooms), size=128)
        rng.standard_normal((128, 3072), dtype=np.float32)
        rng.random((128, 128), np.float32)
        x = torch.from_numpy(rooms[chosen].reshape(128, -1)) / 255 - torch.from_numpy(ours.mean)
        loss = torch.nn.functional.mse_loss(torch.relu(x @ encoder + shift) @ decoder + out, x)
        adam.param_groups[0]["lr"] = 1e-3 * (1 + np.cos(np.pi * step / 3)) / 2
        adam.zero_grad()
        torch.autograd.backward(loss)
        adam.step()
    for mine, expected in zip([ours.encoder, ours.shift, ours.decoder, ours.out], theirs, strict=True):
        np.testing.assert_allclose(mine, expected.detach().numpy(), atol=2e-5)


def test_the_papers_hash_is_a_function_of_the_seed_and_survives_jpeg_more_than_mirroring(rooms):
    def trained(seed, steps=30):
        autoencoder = Autoencoder(rooms, np.random.default_rng(seed))
        return autoencoder, autoencoder.train(steps)

    autoencoder, error = trained(0)
    codes = autoencoder.hashes(rooms)
    assert codes.shape == (len(rooms), 16)
    assert error < 0.8 * trained(0, 2)[1]
    np.testing.assert_array_equal(codes, trained(0)[0].hashes(rooms))
    assert (codes != trained(1)[0].hashes(rooms)).any()
    np.testing.assert_array_equal(codes[:7], autoencoder.hashes(rooms[:7]))  # no batch has influence

    def differing(copies):
        return np.bitwise_count(codes ^ autoencoder.hashes(copies)).sum(1).mean()

    assert differing(compressed(rooms)) < 0.5 * differing(mirrored(rooms))
