"""Receptive fields: exactly the pixels that a unit's value depends on."""

import pytest
import torch

from gan_probe.network import Network
from gan_probe.receptive_field import receptive_field
from gan_probe.stage import Stage


def conv(kernel, stride, padding, inputs=2, **others):
    return Stage("conv", inputs, 2, kernel, stride, padding, **others)


STACKS = {
    "dcgan": (32, [conv(4, 2, 1), conv(4, 2, 1), conv(4, 2, 1)]),
    "release": (32, [conv(5, 2, 2), conv(5, 2, 2), conv(5, 2, 2)]),
    "imagenet": (16, [conv(3, 1, 1), conv(3, 2, 1), conv(3, 1, 1)]),
    "ragged": (15, [conv(4, 3, 0), conv(3, 2, 1)]),
    "padded at one end": (16, [conv(4, 2, 0, end_padding=3), conv(3, 2, 1, end_padding=0)]),
    "pooled": (24, [conv(3, 1, 1, pool=2), conv(3, 1, 1, pool=3, pooling="average")]),
    "enlarged": (8, [conv(3, 2, 1, upsample=2), conv(3, 1, 1)]),
    "enlarged smoothly": (8, [conv(3, 2, 1, upsample=2, interpolation="bilinear")]),
    "enlarged smoothly by three": (6, [conv(2, 2, 0, upsample=3, interpolation="bilinear")]),
    "transposed": (8, [Stage("conv_transpose", 2, 2, 4, 2, 1), conv(4, 2, 1)]),
    "transposed, ragged": (7, [Stage("conv_transpose", 2, 2, 5, 3, 2, output_padding=1), conv(3, 2, 0)]),
    "bordered": (12, [conv(3, 2, 0, border=(1, 2)), conv(3, 1, 1)]),
    "dense": (6, [conv(3, 1, 1), Stage("linear", 72, 3)]),
}


def seen(net, size, row):
    """First and last pixel row, half-open, that the unit at this row depends on, by gradients of a positive net."""
    x = torch.rand(64, 2, size, size, dtype=torch.float64, requires_grad=True)
    y = net(x)
    unit = y[:, 0, row, row] if y.dim() == 4 else y[:, 0]
    (gradient,) = torch.autograd.grad(unit.sum(), x)
    rows = gradient.abs().sum(dim=(0, 1, 3)).nonzero().flatten()
    return (int(rows[0]), int(rows[-1]) + 1) if len(rows) else None


@pytest.mark.parametrize("name", STACKS)
def test_a_field_holds_exactly_the_pixels_that_have_a_gradient(name):
    size, stages = STACKS[name]
    net = Network(stages, size).double()
    torch.manual_seed(0)
    for parameter in net.parameters():
        parameter.data.uniform_(0.1, 1)
    for row in range(net.layers[-1].size):
        field = receptive_field(stages, size, row)
        measured = seen(net, size, row)
        assert measured is None or (field.first, field.last) == measured
        if measured is None:
            assert field.first >= field.last


@pytest.mark.parametrize(("name", "start", "width"), [("dcgan", -7, 22), ("release", -14, 29), ("imagenet", -4, 9)])
def test_the_endless_field_is_as_wide_everywhere_and_moves_by_the_stride(name, start, width):
    size, stages = STACKS[name]
    net = Network(stages, size)
    stride = size // net.layers[-1].size
    for position in range(net.layers[-1].size):
        field = receptive_field(stages, size, position)
        assert (field.start, field.stop) == (start + stride * position, start + stride * position + width)
        assert field.centre == start + stride * position + width / 2
