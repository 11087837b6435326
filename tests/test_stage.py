"""Stages whose two ends differ: as data, and against torch spelt out."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import conv2d, conv_transpose2d, pad

from gan_probe.errors import BadInputError
from gan_probe.network import Network
from gan_probe.stage import Stage


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["conv", "conv_transpose"]),
    st.integers(1, 5),
    st.integers(1, 3),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
)
def test_each_end_is_padded_or_cropped_for_itself(op, kernel, stride, ends, border):
    stage = Stage(op, 2, 3, kernel, stride, ends[0], end_padding=ends[1], border=border)
    assert Stage.from_dict(stage.to_dict()) == stage
    if stage.size(6) < 1 + sum(border):
        return
    net = Network([stage], 6)
    x = torch.randn(2, 2, 6, 6)
    weight = net.conv1.op.weight if op == "conv" else net.deconv1.op.weight
    if op == "conv":
        wanted = conv2d(pad(x, ends * 2), weight, stride=stride)
    else:
        whole = conv_transpose2d(x, weight, stride=stride)
        end = whole.shape[2] - ends[1]
        wanted = whole[:, :, ends[0] : end, ends[0] : end]
    wanted = pad(wanted, border * 2)
    assert stage.size(6) == wanted.shape[2] == net.layers[0].size
    torch.testing.assert_close(net(x).reshape(wanted.shape), wanted)


@pytest.mark.parametrize(
    "wrong",
    [
        {"border": [1, 2, 3]},
        {"border": [-1, 0]},
        {"border": 5},
        {"border": [1.5, 0]},
        {"end_padding": -1},
        {"end_padding": "1"},
        {"end_padding": True},
        {"op": "linear", "end_padding": 1},
        {"op": "linear", "border": [0, 1]},
    ],
)
def test_impossible_ends_are_refused(wrong):
    with pytest.raises(BadInputError, match=r"impossible|no sense|cannot be read"):
        Stage.from_dict({"op": "conv", "inputs": 2, "outputs": 3} | wrong)


def test_a_card_written_before_there_were_ends_still_loads():
    assert Stage.from_dict({"op": "conv", "inputs": 2, "outputs": 3, "kernel": 4, "padding": 1}).paddings == (1, 1)
