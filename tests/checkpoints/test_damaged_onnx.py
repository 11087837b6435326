"""ONNX files that are cut, changed, or not what their card says."""

from __future__ import annotations

import contextlib

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

from gan_probe.checkpoints import LoadRequest, load_gan
from gan_probe.errors import BadInputError

from .graphs import saved
from .refusing import refused_at_once

pytestmark = pytest.mark.usefixtures("little_memory")


def opened(path):
    """The GAN, or None where it is refused in one line."""
    gan = None
    with contextlib.suppress(BadInputError):
        gan = load_gan(LoadRequest(path))
    return gan


def test_a_file_cut_anywhere_is_refused(exported, tmp_path):
    path = tmp_path / "d.onnx"
    for length in [*range(60), *range(60, len(exported), 41)]:
        path.write_bytes(exported[:length])
        # protobuf reads a file that ends between two fields; what is then lost is the metadata, at the file's end
        assert opened(path) is None or length > 0.8 * len(exported), length


@settings(max_examples=60, deadline=None)
@given(position=st.integers(0, 10**6), value=st.integers(0, 255))
def test_a_damaged_byte_is_refused_or_harmless(exported, tmp_path_factory, position, value):
    raw = bytearray(exported)
    raw[position % len(raw)] = value
    path = tmp_path_factory.mktemp("damaged") / "d.onnx"
    path.write_bytes(raw)
    opened(path)


def test_wrong_weights_are_named(tmp_path, proto):
    def with_values(name, change):
        copy = onnx.ModelProto()
        copy.CopyFrom(proto)
        target = next(t for t in copy.graph.initializer if t.name == name)
        array = numpy_helper.to_array(target).copy()
        target.CopyFrom(numpy_helper.from_array(change(array), name))
        return copy

    refused_at_once(saved(tmp_path, with_values("conv1.weight", lambda a: a * np.nan)), "NaN or infinite")
    refused_at_once(saved(tmp_path, with_values("conv2.variance", lambda a: a * 0 - 1)), "negative variances")
    refused_at_once(saved(tmp_path, with_values("conv1.weight", lambda a: a[:, :, :2])))
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    copy.graph.initializer[0].dims[0] = 10**12
    refused_at_once(saved(tmp_path, copy), "bytes, not|declares more")
    del copy.graph.initializer[:]
    refused_at_once(saved(tmp_path, copy))


def test_a_card_that_disagrees_with_the_graph_is_refused(tmp_path, proto):
    for entry in proto.metadata_props:
        entry.value = entry.value.replace('"image_size": 16', '"image_size": 32')
    refused_at_once(saved(tmp_path, proto), "disagree")
    for entry in proto.metadata_props:
        entry.value = "{"
    refused_at_once(saved(tmp_path, proto))
