"""Arrays in an HDF5 file, each checked before it is read: nothing outside the file, nothing larger than it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gan_probe.errors import BadInputError, one_line

if TYPE_CHECKING:
    import io

    import numpy as np

DEEPEST, MOST = 16, 5000
MAX_RATIO, SMALL = 200, 2**22  # how far compressed numbers may unpack, and bytes that may at any ratio
DAMAGED = "its HDF5 part is cut short or damaged; get it again"
# what h5py was seen to raise on damaged files or can
FAULTS = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, OverflowError, MemoryError)


def read_hdf5(raw: io.BytesIO) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """All arrays of numbers by their paths, and the top's attributes that are text; BadInputError in one line."""
    try:
        import h5py
    except ImportError as error:
        raise BadInputError("Keras files are read by h5py: pip install 'gan-probe[keras]'") from error
    arrays: dict[str, np.ndarray] = {}
    try:
        with h5py.File(raw, "r") as file:
            for path, data in _datasets(file, "", 0):
                if data.dtype.kind in "fiu":
                    arrays[path] = _read(path, data)
            texts = {key: _text(file.attrs[key]) for key in file.attrs}
    except FAULTS as error:
        raise BadInputError(DAMAGED) from error
    return arrays, texts


def _datasets(group: Any, place: str, depth: int) -> list[tuple[str, Any]]:
    import h5py

    if depth > DEEPEST:
        raise BadInputError("its HDF5 groups are nested too deeply; not opened")
    found = []
    for name in group:
        # soft and external links lead in circles or out of the file
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise BadInputError(one_line(f"its HDF5 part links {name[:40]!r} to elsewhere; not opened"))
        part, path = group[name], f"{place}/{name}".lstrip("/")
        if isinstance(part, h5py.Dataset):
            found.append((path, part))
        elif isinstance(part, h5py.Group) and not name.startswith("optimizer"):
            found += _datasets(part, path, depth + 1)
        if len(found) > MOST:
            raise BadInputError(f"its HDF5 part holds more than {MOST:,} arrays: no GAN")
    return found


def _read(path: str, data: Any) -> np.ndarray:
    import numpy as np

    stored = data.id.get_storage_size()
    compressed = data.chunks is not None and data.compression is not None
    most = max(SMALL, MAX_RATIO * stored) if compressed else stored
    if data.is_virtual or data.external or data.nbytes > most:
        what = one_line(f"its array {path[-60:]!r} of {data.shape} holds more than is stored", 120)
        raise BadInputError(f"{what}; not opened")
    return np.asarray(data[()])


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""
