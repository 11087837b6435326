"""Keras files that cannot be opened, or that mean harm."""

from __future__ import annotations

import json
import sys
import zipfile

import numpy as np
import pytest

from gan_probe import load
from gan_probe.errors import BadInputError

h5py = pytest.importorskip("h5py")
pytestmark = [
    # Keras on torch speaks NumPy's older dialect
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def model_of(keras, *layers):
    return keras.Sequential([keras.Input((8,)), keras.layers.Dense(64, name="dense"), *layers])


def refused(keras):
    L = keras.layers

    @keras.saving.register_keras_serializable("mine")
    class Scale(L.Layer):
        def call(self, x):
            return 2 * x

    one, two = keras.Input((8,)), keras.Input((8,))
    reshape = L.Reshape((4, 4, 4))
    return {
        "Lambda": model_of(keras, L.Lambda(lambda x: x * 2)),
        "Scale": model_of(keras, Scale()),
        "MaxPooling2D": model_of(keras, reshape, L.MaxPooling2D()),
        "LayerNormalization": model_of(keras, L.LayerNormalization()),
        "'softplus'": model_of(keras, L.Activation("softplus")),
        "not square": model_of(keras, reshape, L.Conv2D(3, (1, 3))),
        "dilated": model_of(keras, reshape, L.Conv2D(3, 3, padding="same", dilation_rate=2)),
        "joins several": keras.Model([one, two], L.Dense(4)(L.Concatenate()([one, two]))),
        "square maps": model_of(keras, L.Reshape((2, 8, 4))),
        "second activation": model_of(keras, L.ReLU(), L.Activation("tanh")),
        "maximum": model_of(keras, L.ReLU(max_value=6.0)),
    }


def test_what_stages_cannot_say_is_refused_by_name(keras, save, tmp_path):
    for word, model in refused(keras).items():
        for suffix in (".keras", ".h5"):
            save(model, tmp_path / f"g{suffix}")
            with pytest.raises(BadInputError, match=word) as caught:
                load(tmp_path / f"g{suffix}")
            assert len(str(caught.value)) <= 200


@pytest.mark.filterwarnings("ignore:.*z is taken as")
def test_a_lambdas_code_does_not_run(keras, tmp_path):
    marker = tmp_path / "marker"
    g = model_of(keras, keras.layers.Reshape((4, 4, 4)), keras.layers.Conv2D(3, 3, padding="same"))
    g.save(tmp_path / "g.keras")
    with zipfile.ZipFile(tmp_path / "g.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"][1]["module"] = "os"
    config["config"]["layers"][1]["config"]["kernel_initializer"] = {
        "module": "os",
        "class_name": "system",
        "config": f"touch {marker}",
    }
    with zipfile.ZipFile(tmp_path / "evil.keras", "w") as archive:
        for name, content in (members | {"config.json": json.dumps(config)}).items():
            archive.writestr(name, content)
    load(tmp_path / "evil.keras")
    assert not marker.exists()


def kernel_of(group):
    names: list[str] = []
    group.visit(lambda name: names.append(name) if name.endswith("dense/kernel") else None)
    return group[names[0].rpartition("/")[0]]


def external_link(group):
    group["other"] = h5py.ExternalLink("/etc/passwd", "/")


def external_data(group):
    where = kernel_of(group)
    del where["kernel"]
    where.create_dataset("kernel", (8, 64), "f4", external=[("/etc/passwd", 0, 2048)])


def virtual(group):
    where = kernel_of(group)
    del where["kernel"]
    layout = h5py.VirtualLayout((8, 64), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", shape=(8, 64))
    where.create_virtual_dataset("kernel", layout)


def never_stored(group):
    where = kernel_of(group)
    del where["kernel"]
    where.create_dataset("kernel", (10**6, 10**6), "f4", chunks=(1000, 1000))


def circle(group):
    group["again"] = h5py.SoftLink("/model_weights")


def bomb(group):
    where = kernel_of(group)
    del where["kernel"]
    data = where.create_dataset("kernel", (4000, 4000), "f4", chunks=(4000, 4000), compression="gzip")
    data[:] = 0


def diverged(group):
    kernel_of(group)["kernel"][0, 0] = np.nan


def two_names(group):
    group.copy(kernel_of(group), group["dense"], "copy")


HOSTILE = {
    "elsewhere": external_link,
    "holds more than is stored": external_data,
    "holds more than is stored|damaged": virtual,
    "more than is stored": never_stored,
    "to elsewhere": circle,
    "is stored": bomb,
    "NaN": diverged,
    "2 times": two_names,
}


@pytest.mark.filterwarnings("ignore:.*z is taken as")
@pytest.mark.parametrize("message", HOSTILE)
def test_a_hostile_hdf5_part_is_refused(keras, save, tmp_path, message):
    g = model_of(keras, keras.layers.Reshape((4, 4, 4)), keras.layers.Conv2D(3, 3, padding="same"))
    save(g, tmp_path / "g.h5")
    load(tmp_path / "g.h5")
    with h5py.File(tmp_path / "g.h5", "r+") as file:
        HOSTILE[message](file["model_weights"])
    with pytest.raises(BadInputError, match=message) as caught:
        load(tmp_path / "g.h5")
    assert len(str(caught.value)) <= 200


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_file_cut_short_is_refused_in_one_line(keras, save, tmp_path, suffix):
    g = model_of(keras, keras.layers.Reshape((4, 4, 4)), keras.layers.Conv2D(3, 3, padding="same"))
    save(g, tmp_path / f"g{suffix}")
    raw = (tmp_path / f"g{suffix}").read_bytes()
    for length in np.linspace(1, len(raw) - 1, 25).astype(int):
        (tmp_path / f"cut{suffix}").write_bytes(raw[:length])
        with pytest.raises(BadInputError) as caught:
            load(tmp_path / f"cut{suffix}")
        assert len(str(caught.value)) <= 200


def test_weights_without_their_model_are_named(keras, tmp_path):
    model_of(keras).save_weights(tmp_path / "g.weights.h5")
    with pytest.raises(BadInputError, match="without their model"):
        load(tmp_path / "g.weights.h5")


def test_without_h5py_the_extra_is_named(keras, tmp_path, monkeypatch):
    model_of(keras).save(tmp_path / "g.keras")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(BadInputError, match=r"gan-probe\[keras\]"):
        load(tmp_path / "g.keras")
