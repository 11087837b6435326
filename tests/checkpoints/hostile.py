"""Files made to hurt, one seeded generator for each container: run as a script, it opens them in a limited process.

`hostile.py FIRST LAST KIND...` prints one line of JSON: how many were refused and opened, what else was raised, the
slowest, and the peak of memory. A new container is one more entry of `HEADERS`.
"""

from __future__ import annotations

import io
import json
import random
import resource
import struct
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

MEMORY = 2 * 2**30
ODD = [0, 1, -1, 2, 7, 255, 2**31 - 1, 2**31, 2**32, 2**40, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**30]


def safetensors(rng: random.Random) -> bytes:
    """Headers of millions of tensors, with overlapping, negative or giant offsets, nested, cut, or of other types."""
    kind = rng.randrange(8)
    names = [f"{rng.choice(['0', 'main.3', 'conv', 'a' * 300])}.{rng.choice(['weight', 'bias'])}{i}" for i in range(6)]
    header: object = {
        name: {
            "dtype": rng.choice(["F32", "F16", "BF16", "F64", "I8", "X9", 3]),
            "shape": [rng.choice(ODD) for _ in range(rng.randrange(5))],
            "data_offsets": [rng.choice(ODD), rng.choice(ODD)],
        }
        for name in names
    }
    if kind == 0:
        header = {
            f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(rng.choice([10**3, 10**5]))
        }
    elif kind == 1:
        header = {name: {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]} for name in names}  # one on another
    elif kind == 2:
        header = {"__metadata__": rng.choice([{}, [], {"gan_probe_card": "{" * 99}, {"gan_probe_sha256": "0" * 64}])}
    text = json.dumps(header).encode()
    if kind == 3:
        depth = rng.choice([10, 10**3, 10**5])
        text = b'{"a":' + b"[" * depth + b"]" * depth + b"}"
    elif kind == 4:
        text = text[: rng.randrange(1, len(text))]
    elif kind == 5:
        text = b"{" + rng.randbytes(rng.randrange(500))
    length = rng.choice([len(text), len(text), len(text), rng.choice(ODD) % 2**64])
    return struct.pack("<Q", length) + text + bytes(rng.choice([0, 16, 4096]))


def onnx(rng: random.Random) -> bytes:
    """Graphs of odd sizes and operators, their bytes mangled, or a wire of a hundred thousand small parts."""
    from onnx import TensorProto, helper, numpy_helper

    def field(number: int, content: bytes) -> bytes:
        return _varint(number << 3 | 2) + _varint(len(content)) + content

    kind = rng.randrange(6)
    if kind == 0:
        return b"\x08\x09" + field(7, field(rng.choice([1, 5, 11, 13]), b"") * rng.choice([10**3, 3 * 10**5]))
    if kind == 1:
        nested = b""
        for _ in range(rng.choice([5, 50, 2000])):
            nested = field(1, field(5, field(6, nested)))
        return b"\x08\x09" + field(7, nested)
    import numpy as np

    size = [abs(rng.choice(ODD)) % 2**63 for _ in range(rng.randrange(1, 4))]
    numbers = numpy_helper.from_array(np.array(size, np.int64), "n")
    scalar = numpy_helper.from_array(np.array(size[0], np.int64), "s")
    weight = numpy_helper.from_array(np.ones((4, 1, 3, 3), np.float32), "w")
    operators = [
        (["ConstantOfShape", "n"], {}), (["Expand", "x", "n"], {}), (["Tile", "x", "n"], {}),
        (["Reshape", "x", "n"], {}), (["Range", "s", "s", "s"], {}), (["OneHot", "n", "s", "n"], {}),
        (["Pad", "x", "n"], {}), (["EyeLike", "x"], {}), (["CumSum", "x", "s"], {}),
        (["Conv", "x", "w"], {"pads": size[:1] * 4}), (["Conv", "x", "w"], {"group": size[0]}),
        (["ConvTranspose", "x", "w"], {"strides": size[:1] * 2}), (["MaxPool", "x"], {"kernel_shape": size[:1] * 2}),
        (["Resize", "x", "", "", "n"], {}), (["Gather", "x", "n"], {}), (["Concat", *["x"] * 200], {"axis": 1}),
        (["Loop", "s", "", "x"], {}), (["Einsum", "x", "x"], {"equation": "abcd,efgh->abcdefgh"}),
        (["LRN", "x"], {"size": size[0]}), (["Slice", "x", "n", "n"], {}), (["Split", "x"], {"num_outputs": size[0]}),
    ]  # fmt: skip
    (operator, *inputs), more = rng.choice(operators)
    nodes = [helper.make_node(operator, inputs, ["h"], **more)]
    nodes += [helper.make_node("ReduceMean", ["h"], ["m"], axes=[1, 2, 3], keepdims=0)]
    nodes += [helper.make_node("Identity", ["m"], ["y"])]
    dims = rng.choice([["N", 1, 8, 8], ["N", 1, "H", "W"], [rng.choice(ODD) % 2**63, 1, 8, 8], [1, 1, 2**30, 2**30]])
    source = helper.make_tensor_value_info("x", rng.choice([TensorProto.FLOAT, TensorProto.DOUBLE, 99]), dims)
    target = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N"])
    graph = helper.make_graph(nodes, "fuzz", [source], [target], [numbers, scalar, weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", rng.choice([7, 11, 13, 17, 18, 21, 999]))])
    model.ir_version = 9
    if kind == 2:
        model.graph.initializer[2].dims[0] = rng.choice(ODD) % 2**63
    raw = bytearray(model.SerializeToString())
    if kind == 3:
        for _ in range(rng.randrange(1, 20)):
            raw[rng.randrange(3, len(raw))] = rng.randrange(256)
    return bytes(raw)


def npy(rng: random.Random) -> bytes:
    """An .npy whose header claims what it likes, or a whole one."""
    if rng.random() < 0.3:
        whole = io.BytesIO()
        import numpy as np

        np.save(whole, np.zeros((2, 8, 8), np.uint8))
        return whole.getvalue()
    shape = tuple(rng.choice(ODD) for _ in range(rng.randrange(6)))
    header = {"descr": rng.choice(["<f4", "|u1", "|O", "<U9", "<f16", "|V8", "garbage", [("a", "|O")]]),
              "fortran_order": rng.choice([True, False, 3]), "shape": rng.choice([shape, 7, "x", None])}  # fmt: skip
    text = rng.choice(
        [repr(header), repr(header)[: rng.randrange(60)], "(" * 10**4, "__import__('os').abort()"]
    ).encode()
    text = text.ljust(rng.choice([118, 10**4]))
    version = rng.choice([(1, 0), (2, 0), (3, 0), (9, 9)])
    length = struct.pack("<H", len(text) % 2**16) if version[0] == 1 else struct.pack("<I", len(text))
    return b"\x93NUMPY" + bytes(version) + length + text + bytes(rng.choice([0, 4, 4096]))


def npz(rng: random.Random) -> bytes:
    """A zip of such arrays: stored or packed, mangled, or the same member a thousand times."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that come twice
        with zipfile.ZipFile(buffer, "w", rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as archive:
            for name in ["images", "labels", "images"][: rng.randrange(1, 4)] * rng.choice([1, 1, 1, 300]):
                content = bytes(10**6) if rng.random() < 0.02 else npy(rng)
                archive.writestr(f"{name}.npy", content)
    raw = bytearray(buffer.getvalue())
    for _ in range(rng.choice([0, 0, 1, 10])):
        raw[rng.randrange(len(raw))] = rng.randrange(256)
    return bytes(raw[: rng.choice([len(raw), len(raw), rng.randrange(len(raw))])])


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _checkpoint(path: Path) -> None:
    from gan_probe import load

    load(path)


def _images(path: Path) -> None:
    from gan_probe import open_data

    open_data(path).train.load(8, 1)


# suffix, what makes it, what opens it
HEADERS: dict[str, tuple[str, Callable[[random.Random], bytes], Callable[[Path], None]]] = {
    "safetensors": (".safetensors", safetensors, _checkpoint),
    "onnx": (".onnx", onnx, _checkpoint),
    "npz": (".npz", npz, _images),
}


def _memory(key: str) -> int:
    return int(Path("/proc/self/status").read_text().split(f"{key}:")[1].split()[0]) * 1024


def main(first: int, last: int, *kinds: str) -> None:
    """Open the files of these seeds; nothing but a GanProbeError of one line may come of them."""
    import torch

    import gan_probe.checkpoints.export
    import gan_probe.checkpoints.foreign
    import gan_probe.data  # noqa: F401  # what is imported now is no file's fault
    from gan_probe.errors import GanProbeError

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    counts: Counter[str] = Counter()
    slowest = (0.0, "")
    with tempfile.TemporaryDirectory() as folder:
        # what the process holds so far may be as large virtually as it likes; resident, all may take 2 GB
        limit = _memory("VmSize") + MEMORY - _memory("VmRSS")
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        for kind in kinds:
            suffix, make, opens = HEADERS[kind]
            path = Path(folder) / f"x{suffix}"
            for seed in range(first, last):
                path.write_bytes(make(random.Random(f"{kind} {seed}")))  # noqa: S311  # seeded, no secret
                began = time.process_time()  # of this process: others' load is no hang; a sleep is the caller's to see
                try:
                    opens(path)
                    counts["opened"] += 1
                except GanProbeError as error:
                    fits = len(str(error)) <= 200 and str(error).isprintable() and error.exit_code == 3
                    counts["refused" if fits else f"refused badly, {kind} {seed}: {error}"] += 1
                except BaseException as error:
                    counts[f"{type(error).__name__}, {kind} {seed}: {error}"[:300]] += 1
                slowest = max(slowest, (time.process_time() - began, f"{kind} {seed}"))
    print(json.dumps({"counts": counts, "slowest": slowest, "peak": _memory("VmHWM")}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
