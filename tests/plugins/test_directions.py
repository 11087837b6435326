"""The directions of a generator whose first layer is known, walked and measured beside random ones."""

import numpy as np
import pytest
import torch

import gan_probe
from gan_probe import GAN
from gan_probe.testing import tiny_gan


def stretched(axis, factor):
    """A tiny GAN whose first layer answers to one coordinate of z `factor` times as strongly as it did."""
    gan = tiny_gan()
    with torch.no_grad():
        gan.generator.dense1.op.weight[:, axis] *= factor
    return gan


def run(gan, **options):
    return gan_probe.run(gan, "directions", **{"count": 2, "samples": 200, "tried": 30, **options})


def test_the_planted_axis_comes_first_and_changes_images_more_than_random_directions_do():
    rows = {row["direction"]: row for row in run(stretched(3, 12)).table("directions").rows}
    plain = {row["direction"]: row for row in run(tiny_gan()).table("directions").rows}
    for method in ("SeFa 1", "PCA 1"):
        assert rows[method]["at least"] > 0
        assert rows[method]["explained"] > 2 * plain[method]["explained"]
        assert rows[method]["change"] > rows["20 random"]["change"]
    assert rows["SeFa 1"]["explained"] > 0.9


def test_the_middle_frame_is_the_sample_and_the_walk_is_that_of_the_planted_axis():
    from gan_probe import Context

    gan = stretched(3, 12)
    grid = next(f for f in run(gan).figures if f.name == "sefa-walks").content
    frames = [grid[2:18, 2 + 18 * i : 18 + 18 * i, 0] for i in range(7)]
    sample = Context().samples(gan, 1)
    np.testing.assert_array_equal(frames[3], sample.pixels[0, :, :, 0])
    moved = sample.z.clone()
    moved[:, 3] += 3 * 3**-0.5
    last = gan.to_uint8(gan.sample(moved))[0, :, :, 0].astype(int)
    assert np.abs(frames[6].astype(int) - last).mean() < 0.2 * np.abs(frames[0].astype(int) - last).mean()


@pytest.mark.parametrize("classes", [0, 3])
def test_batch_size_has_no_influence(classes):
    values = [
        [row["change"] for row in run(tiny_gan(classes=classes), batch_size=b).table("directions").rows]
        for b in (7, 64)
    ]
    np.testing.assert_allclose(*values, rtol=1e-4)


def test_without_a_weight_to_read_pca_stands_alone():
    class Opaque:
        """A generator that torch does not run: its layers can be read, its weights cannot."""

        def __init__(self, net):
            self._net = net
            self.layers, self.statistics = net.layers, net.statistics
            self.activations = net.activations

        def __call__(self, x, labels=None):
            return self._net(x, labels)

    gan = tiny_gan()
    report = run(GAN(gan.card, Opaque(gan.generator)))
    names = [row["direction"] for row in report.table("directions").rows]
    assert names == ["PCA 1", "PCA 2", "20 random"]
    first, *_, random = report.table("directions").rows
    (said,) = report.findings
    assert said.startswith(f"Along PCA 1 images change by {first['change']:.2f} ({first['low']:.2f} to ")
    assert f"along 20 random directions by {random['change']:.2f} (" in said
    assert f"{first['over random']:+.2f} ({first['at least']:+.2f} to {first['at most']:+.2f}). {first['n']} " in said
    assert any(note.startswith("Without SeFa") for note in report.notes)


def test_a_generator_of_transposed_convolutions_gives_the_same_directions():
    """A projection by a dense layer and by a transposed convolution over one position are one map."""
    from torch import nn

    from gan_probe.wrapped import Wrapped
    from gan_probe_plugins.directions.first_layer import weight

    class Net(nn.Module):
        def __init__(self, first):
            super().__init__()
            self.first = first
            self.last = nn.ConvTranspose2d(4, 1, 4, 2, 1)

        def forward(self, z):
            return torch.tanh(self.last(torch.relu(self.first(z))))

    kernel = nn.ConvTranspose2d(8, 4, 4, bias=False)
    net = Wrapped(Net(kernel).eval(), torch.zeros(1, 8, 1, 1))
    z = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    by_matrix = z.double().numpy() @ weight(net, 8).T  # (5, F), positions of each map together
    expected = kernel(z[:, :, None, None]).detach().flatten(1).numpy()
    np.testing.assert_allclose(np.sort(by_matrix, axis=1), np.sort(expected, axis=1), atol=1e-5)
