"""Code that travels in pickles, in every container that somebody could pass: none of it ever runs."""

from __future__ import annotations

import bz2
import gzip
import io
import pickle
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from gan_probe import load, open_data
from gan_probe.checkpoints.native import FORMAT
from gan_probe.checkpoints.tensorfile import MAGIC
from gan_probe.errors import GanProbeError
from gan_probe.testing import tiny_gan


def called(module: str, name: str, *arguments: object, protocol: int = 2) -> bytes:
    """The pickle of a call by name: `module` need not be here."""

    class Named:
        def __reduce__(self):
            return print, arguments

    raw = pickle.dumps(Named(), 0)
    assert raw.startswith(b"c__builtin__\nprint\n")
    raw = f"c{module}\n{name}\n".encode() + raw.removeprefix(b"c__builtin__\nprint\n")
    return raw if protocol == 0 else bytes([0x80, protocol]) + raw


def text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value.encode())]) + value.encode()


def payloads(m: str) -> dict[str, bytes]:
    """More than forty pickles, each of which makes the file `m` when it is loaded."""
    touch, write = f"touch {m}", f"open({m!r}, 'w').close()"
    v = f"V{touch}\n".encode()
    functions = {
        ("os", "system"): (touch,),
        ("posix", "system"): (touch,),
        ("builtins", "exec"): (write,),
        ("builtins", "eval"): (write,),
        ("builtins", "open"): (m, "w"),
        ("subprocess", "call"): (["touch", m],),
        ("subprocess", "run"): (["touch", m],),
        ("subprocess", "check_output"): (["touch", m],),
        ("subprocess", "getoutput"): (touch,),
        ("os", "mkdir"): (m,),
        ("os", "makedirs"): (m,),
        ("os", "mkfifo"): (m,),
        ("os", "symlink"): ("/dev/null", m),
        ("os", "spawnlp"): (0, "touch", "touch", m),
        ("io", "open"): (m, "w"),
        ("_io", "FileIO"): (m, "w"),
        ("codecs", "open"): (m, "w"),
        ("timeit", "timeit"): (write, "pass", __import__("time").time, 1),
        ("cProfile", "run"): (write, "/dev/null"),
        ("shutil", "copyfile"): ("/dev/null", m),
        ("logging", "FileHandler"): (m,),
        ("sqlite3", "connect"): (m,),
        ("zipfile", "ZipFile"): (m, "w"),
        ("tarfile", "open"): (m, "w"),
        ("gzip", "open"): (m, "wb"),
        ("bz2", "open"): (m, "wb"),
        ("numpy", "memmap"): (m, "uint8", "w+", 0, (1,)),
        ("numpy.testing._private.utils", "runstring"): (write, {}),
        ("torch", "save"): ({}, m),
        ("torch.serialization", "save"): ([], m),
    }
    found = {f"{module}.{name}": called(module, name, *arguments) for (module, name), arguments in functions.items()}
    found |= {
        "protocol 0": called("os", "system", touch, protocol=0),
        "INST": b"(" + v + b"ios\nsystem\n.",
        "OBJ": b"(cos\nsystem\n" + v + b"o.",
        "NEWOBJ": b"\x80\x02cnumpy\nmemmap\n(" + f"V{m}\nVuint8\nVw+\n".encode() + b"K\x00K\x01t\x81.",
        "NEWOBJ_EX": b"\x80\x04" + text("numpy") + text("memmap") + b"\x93(" + text(m) + b"t}" + text("mode")
        + text("w+") + b"s" + text("shape") + b"K\x01s\x92.",
        "STACK_GLOBAL": b"\x80\x04" + text("os") + text("system") + b"\x93" + text(touch) + b"\x85R.",
        "a name from the memo": b"\x80\x04" + text("os") + b"\x940" + text("system") + b"\x940h\x00h\x01\x93"
        + text(touch) + b"\x85R.",
        "getattr": b"cbuiltins\ngetattr\n(cbuiltins\n__import__\n(Vos\ntRVsystem\ntR(" + v + b"tR.",
        "import_module": b"cbuiltins\ngetattr\n(cimportlib\nimport_module\n(Vos\ntRVsystem\ntR(" + v + b"tR.",
        "operator.call": b"coperator\ncall\n(cos\nsystem\n" + v + b"tR.",
        "functools.partial": b"coperator\ncall\n(cfunctools\npartial\n(cos\nsystem\n" + v + b"tRtR.",
        "__setstate__": b"coperator\ncall\n(cfunctools\npartial\n(cbuiltins\nprint\ntR(cos\nsystem\n(" + v
        + b"t}NtbtR.",
        "behind a tensor's name": b"ctorch._utils\n_rebuild_tensor_v2\n0cos\nsystem\n(" + v + b"tR.",
        "in a storage": b"((Vstorage\nctorch\nFloatStorage\n(cos\nsystem\n(" + v + b"tRVcpu\nI1\ntQ.",
        "in a persistent id": b"(cos\nsystem\n(" + v + b"tRtQ.",
        "in a key": b"(dcos\nsystem\n(" + v + b"tRI1\ns.",
        "a second pickle": called("os", "system", touch)[:-1] + b"0N.",
    }  # fmt: skip
    return found


def zipped(content: bytes, *more: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in (("archive/data.pkl", content), *more, ("archive/version", b"3\n")):
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("storages", "tensors", "pickle"):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def of_objects(content: bytes) -> bytes:
    """An .npy of objects, which NumPy keeps as a pickle."""
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    header = header.ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


def npz(content: bytes) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, images=np.zeros((2, 8, 8), np.uint8))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("labels.npy", of_objects(content))
    return buffer.getvalue()


def legacy(content: bytes) -> bytes:
    start = [0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}]
    return b"".join(pickle.dumps(part, 2) for part in start) + content + pickle.dumps([], 2)


def sealed(content: bytes) -> bytes:
    """Our own checkpoint with the right digest."""
    import hashlib

    from gan_probe.checkpoints.native import COMMENT, END_OF_ZIP

    raw = zipped(content, ("archive/note", FORMAT.encode()))
    raw = raw[: raw.rindex(END_OF_ZIP) + 20] + (len(COMMENT) + 64).to_bytes(2, "little") + COMMENT
    return raw + hashlib.sha256(raw).hexdigest().encode()


# the file's name, what stands in it, and whether it is data rather than a checkpoint
CONTAINERS = {
    "a pickle": ("x.pt", bytes, False),
    "joblib": ("x.joblib", bytes, False),
    "joblib, packed": ("x.jl", zlib.compress, False),
    "gzip": ("x.pt.gz", gzip.compress, False),
    "bzip2": ("x.pt", bz2.compress, False),
    "torch's zip": ("x.pt", zipped, False),
    "two pickles in a zip": ("x.pt", lambda c: zipped(pickle.dumps({}, 2), ("b/data.pkl", c)), False),
    "TorchScript": ("x.pt", lambda c: zipped(c, ("archive/constants.pkl", c), ("archive/code/m.py", b"")), False),
    "our own": ("x.pt", sealed, False),
    "torch's older format": ("x.pth", legacy, False),
    "the magic number, then code": ("x.pth", lambda c: b"\x80\x02" + MAGIC + b"." + c, False),
    "torch's tar": ("x.tar", tarred, False),
    "npy of objects": ("x.npy", of_objects, False),
    "in a pair's folder": ("pair/discriminator.pt", zipped, False),
    "the release": ("release/9_gen_params.jl", bytes, False),
    "the release's arrays": ("release/9_gen_params.jl_01.npy", of_objects, False),
    "npz as weights": ("x.npz", npz, False),
    "npz as data": ("d/x.npz", npz, True),
    "labels beside arrays": ("d/labels.npy", of_objects, True),
    "images of objects": ("d/images.npy", of_objects, True),
}


def laid_out(folder: Path, name: str, raw: bytes, data: bool) -> Path:
    """The file, and whole ones beside it where it is one of several; what the user would name."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    beside = path.parent
    if beside.name == "pair":
        torch.save(tiny_gan().generator.state_dict(), beside / "generator.pt")
    elif beside.name == "release":
        for number in range(1, 5):
            if not (array := beside / f"9_gen_params.jl_0{number}.npy").exists():
                np.save(array, np.zeros((4, 4), np.float32))
    elif data and path.suffix == ".npy":
        other = beside / ("images.npy" if path.stem == "labels" else "labels.npy")
        np.save(other, np.zeros((2, 8, 8) if other.stem == "images" else 2, np.uint8))
    return path if beside == folder or path.suffix == ".npz" else beside


def test_each_pickle_runs_its_code_where_nobody_guards(tmp_path):
    """The control: these are no blanks."""
    (tmp_path / "load.py").write_text(
        "import pickle, sys\n"
        "for path in sys.argv[1:]:\n"
        "    try: pickle.load(open(path, 'rb'))\n"
        "    except Exception: pass\n"
    )
    files = {}
    for number, name in enumerate(payloads("")):
        files[name] = tmp_path / f"{number}.pkl"
        files[name].write_bytes(payloads(str(tmp_path / f"{number}.ran"))[name])
    subprocess.run([sys.executable, tmp_path / "load.py", *files.values()], check=True, capture_output=True)
    blanks = {name for name, path in files.items() if not path.with_suffix(".ran").exists()}
    assert blanks == set()
    assert len(files) > 40


@pytest.mark.parametrize("container", CONTAINERS)
def test_no_code_runs_out_of_any_container(tmp_path, container):
    name, pack, data = CONTAINERS[container]
    marker = tmp_path / "ran"
    for number, (payload, content) in enumerate(payloads(str(marker)).items()):
        path = laid_out(tmp_path / str(number), name, pack(content), data)
        with pytest.raises(GanProbeError) as caught:
            open_data(path).train.load(8, 1) if data else load(path)
        assert len(str(caught.value)) <= 200, payload
        assert "\n" not in str(caught.value), payload
        assert caught.value.exit_code == 3, payload
        assert not marker.exists(), payload
