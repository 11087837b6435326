"""Keras files of plain DCGANs, `.keras` or whole-model `.h5`: the configuration is read, and none of its code runs."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from gan_probe.errors import BadInputError, one_line

if TYPE_CHECKING:
    import numpy as np

    from gan_probe.checkpoints import LoadRequest
    from gan_probe.checkpoints.keras.config import KerasLayer
    from gan_probe.checkpoints.keras.layers import Weights
    from gan_probe.gan import GAN

HDF5 = b"\x89HDF\r\n\x1a\n"
CONFIG, WEIGHTS = "config.json", "model.weights.h5"
CONTAINERS = ("layers", "_layer_checkpoint_dependencies")  # the second is TensorFlow 2.12's
LARGEST_FILE = 2**31
DAMAGED = "it is a .keras archive cut short or damaged; get it again"


def load(request: LoadRequest) -> GAN | None:
    """Open one or two Keras files, or a folder with a pair; None for other things.

    Raises BadInputError for damaged files, and by name for layers that no list of stages can say.
    """
    from gan_probe.checkpoints.foreign import files
    from gan_probe.checkpoints.keras.pair import Part, gan_of, parts

    found: list[Part] = []
    digests = []
    for path, role in files(request, recognised):
        model, weights, digest = read(path)
        found += parts(model, weights, role)
        digests.append(digest)
    if not found:
        return None
    sha256 = digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    return gan_of(request, found, sha256)


def recognised(path: Path) -> bool:
    """Whether the file is a `.keras` archive or an HDF5 file, by its content."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(8)
    if head[:2] == b"PK":
        try:
            with zipfile.ZipFile(path) as archive:
                return {CONFIG, WEIGHTS} <= {*archive.namelist()}
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
            return False
    return head == HDF5


def read(path: Path) -> tuple[KerasLayer, Weights, str]:
    """A file's model, where its layers' weights are found, and its sha256."""
    from gan_probe.checkpoints.keras.config import read_config
    from gan_probe.checkpoints.keras.hdf5 import read_hdf5

    if path.stat().st_size > LARGEST_FILE:
        raise BadInputError(f"it is larger than {LARGEST_FILE:,} bytes: no GAN; not opened")
    raw = path.read_bytes()
    digest = hashlib.sha256(raw).hexdigest()
    if raw[:2] == b"PK":
        config, content = _unzipped(raw)
        model = read_config(config)
        return model, _by_path(read_hdf5(io.BytesIO(content))[0]), digest
    arrays, texts = read_hdf5(io.BytesIO(raw))
    if "model_config" not in texts:
        raise BadInputError("it is an HDF5 file of weights without their model: save the whole, model.save('g.keras')")
    return read_config(texts["model_config"]), _by_name(arrays), digest


def _unzipped(raw: bytes) -> tuple[str, bytes]:
    from gan_probe.checkpoints.keras.config import LARGEST_CONFIG

    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            sizes = [archive.getinfo(name).file_size for name in (CONFIG, WEIGHTS)]
            # Keras stores its weights as they are, so that they cannot unpack to more
            if sizes[0] > LARGEST_CONFIG or sizes[1] > len(raw):
                raise BadInputError("its zip entries unpack to more than the file holds: a zip bomb; not opened")
            return archive.read(CONFIG).decode("utf-8", "replace"), archive.read(WEIGHTS)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError, KeyError) as error:
        raise BadInputError(DAMAGED) from error


def _by_path(arrays: dict[str, np.ndarray]) -> Weights:
    """Weights in a `.keras` file: numbered, at the place of their layer."""

    def find(layer: KerasLayer, leaves: list[str]) -> list[np.ndarray]:
        for container in CONTAINERS:
            place = layer.path.replace("layers/", f"{container}/")
            found = [arrays.get(f"{place}/vars/{i}") for i in range(len(leaves))]
            if all(array is not None for array in found) and f"{place}/vars/{len(leaves)}" not in arrays:
                return [array for array in found if array is not None]
        raise BadInputError(f"its weights ({', '.join(leaves)}) are not in the file")

    return find


def _by_name(arrays: dict[str, np.ndarray]) -> Weights:
    """Weights in an .h5 file: in their layer's group or, of a layer in a nested model, under its name in there."""

    def find(layer: KerasLayer, leaves: list[str]) -> list[np.ndarray]:
        found = []
        for leaf in leaves:
            places = [path.split("/") for path in arrays if path.removesuffix(":0").endswith(f"/{leaf}")]
            # a layer that was renamed has kept the old name further in
            fitting = [p for p in places if p[:2] == ["model_weights", layer.name]]
            fitting = fitting or [p for p in places if p[0] == "model_weights" and p[-2] == layer.name]
            if len(fitting) != 1:
                raise BadInputError(one_line(f"its weight {leaf} is in the file {len(fitting)} times"))
            found.append(arrays["/".join(fitting[0])])
        return found

    return find
