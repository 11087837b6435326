"""Reading an ONNX file that nobody vouches for: what could run away, read elsewhere or eat memory is refused unread."""

from __future__ import annotations

import hashlib
import math
import stat
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from gan_probe.checkpoints.onnx.cost import check_cost
from gan_probe.checkpoints.onnx.fold import fold_constants, fold_shapes
from gan_probe.checkpoints.onnx.wire import DAMAGED, check_wire
from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import onnx
    from google.protobuf.message import Message  # type: ignore[import-untyped]

LARGEST = 2**28  # bytes of weights: with the copies that onnxruntime and protobuf need, below 2 GB of memory
LARGEST_SHAPE = 64  # numbers that may be a shape, or pads
MOST_NODES = 10_000
MOST_ROUNDS = 16  # of shapes that depend on shapes
# the second field of a model behind ir_version: its tag
NEXT_TAGS = frozenset(b"\x12\x1a\x22\x28\x32\x3a\x42\x72")
TOO_LARGE = f"it declares more than {LARGEST >> 20} MB of weights, which no DCGAN needs; not opened"
AT_REST = frozenset(["Dropout", "BatchNormalization"])  # their further outputs exist only in training


def looks_like_onnx(head: bytes) -> bool:
    """Whether a file that begins so is an ONNX model; the format has no signature, only its first field's number."""
    return len(head) > 2 and head[0] == 8 and 0 < head[1] < 128 and head[2] in NEXT_TAGS


def read_model(path: Path) -> tuple[onnx.ModelProto, str]:
    """The model with its external data and every Constant as an initialiser, and the sha256 of all that was read.

    Raises BadInputError for what is damaged, is not plain ONNX (custom or unknown operators, control flow, local
    functions), or keeps data outside its folder.
    """
    import onnx
    from google.protobuf.message import DecodeError

    if path.stat().st_size > LARGEST:
        raise BadInputError(TOO_LARGE)
    raw = path.read_bytes()
    digest = hashlib.sha256(raw)
    check_wire(raw, onnx.ModelProto.DESCRIPTOR)
    try:
        model = onnx.load_model_from_string(raw)
    except DecodeError as error:
        raise BadInputError(DAMAGED) from error
    _check_text(model)
    _check_operators(model)
    _constants_to_initialisers(model)
    if sum(map(_bytes, model.graph.initializer)) > LARGEST:
        raise BadInputError(TOO_LARGE)
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            digest.update(_load_external(tensor, path.parent))
        _check_tensor(tensor)
    try:
        onnx.checker.check_model(model)
    except Exception as error:  # onnx raises kinds of its own
        raise BadInputError(f"its ONNX graph is not valid: {error}") from error
    fold_constants(model)
    return model, digest.hexdigest()


def infer_shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Shapes of all values for one input (a batch of 1), known before anything runs.

    Raises BadInputError where a shape depends on computed numbers, or where the graph would cost too much.
    """
    single = _without_weights(model)
    initialisers = {tensor.name for tensor in single.graph.initializer}
    for value in single.graph.input:
        dims = value.type.tensor_type.shape.dim
        if value.name not in initialisers and dims:
            dims[0].dim_value = 1
    for value in single.graph.output:  # what the file claims may be wrong; it is worked out anew
        value.type.tensor_type.ClearField("shape")
    shapes = _inferred(single)
    # onnx's own propagation of shapes as data writes out a Range of any length, and what Concat doubles, in memory
    for _ in range(MOST_ROUNDS):
        if not fold_shapes(single, shapes):
            break
        fold_constants(single)
        shapes = _inferred(single)
    for node in single.graph.node:
        for name in node.output[: 1 if node.op_type in AT_REST else None]:
            if name and name not in shapes:
                raise BadInputError(
                    f"the size of {node.op_type}'s output is not known before it runs; fix it on export"
                )
    check_cost(single.graph, shapes)
    return shapes


def _inferred(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """The shapes that follow from the inputs' and from constants."""
    import onnx

    try:
        graph = onnx.shape_inference.infer_shapes(model).graph
    except Exception as error:  # onnx raises RuntimeError and kinds of its own
        raise BadInputError(f"its ONNX graph does not fit together: {error}") from error
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        if value.type.tensor_type.HasField("shape"):
            dims = value.type.tensor_type.shape.dim
            if all(dim.HasField("dim_value") for dim in dims):
                shapes[value.name] = tuple(dim.dim_value for dim in dims)
    return shapes


def _without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose large tensors keep their sizes alone: all that shape inference looks at, and cheap to hand over."""
    import onnx

    graph = onnx.GraphProto(name=model.graph.name, node=model.graph.node)
    graph.input.extend(model.graph.input)
    graph.output.extend(model.graph.output)
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) > LARGEST_SHAPE:
            graph.initializer.add(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)
        else:
            graph.initializer.append(tensor)
    return onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import, graph=graph)


def _check_text(message: Message) -> None:
    """Protobuf gives bytes for text that is no UTF-8, on which everything behind would stumble."""
    for field, value in message.ListFields():
        if field.type in (field.TYPE_STRING, field.TYPE_MESSAGE):
            for part in [value] if isinstance(value, str | bytes) or hasattr(value, "ListFields") else value:
                if isinstance(part, bytes):
                    raise BadInputError(DAMAGED)
                if field.type == field.TYPE_MESSAGE:
                    _check_text(part)


def _check_operators(model: onnx.ModelProto) -> None:
    import onnx

    ours = {entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")}
    newest = onnx.defs.onnx_opset_version()
    if len(ours) != 1 or not model.graph.node or not model.graph.output:
        raise BadInputError("it is an ONNX file without a whole graph, cut short perhaps; get it again")
    if len(model.graph.node) > MOST_NODES:
        raise BadInputError(f"it has {len(model.graph.node):,} operators, of at most {MOST_NODES:,}; not opened")
    (version,) = ours
    if not 7 <= version <= newest:
        raise BadInputError(f"it uses ONNX opset {version}; export it with one between 13 and {min(newest, 21)}")
    if model.functions:
        raise BadInputError("it holds local functions; export it again with optimisation, which inlines them")
    if model.graph.sparse_initializer:
        raise BadInputError("it holds sparse weights; export them dense")
    for node in model.graph.node:
        kinds = {attribute.type for attribute in node.attribute}
        if node.domain not in ("", "ai.onnx"):
            raise BadInputError(f"its operator {node.op_type} is of domain {node.domain!r}; export with standard ones")
        if kinds & {onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS}:
            raise BadInputError(
                f"its operator {node.op_type} is control flow; export without it, say by torch.onnx.export(dynamo=True)"
            )
        if not onnx.defs.has(node.op_type, version, ""):
            raise BadInputError(f"its operator {node.op_type} does not exist in ONNX opset {version}; export it again")


def _constants_to_initialisers(model: onnx.ModelProto) -> None:
    import numpy as np
    import onnx

    kept = []
    for node in model.graph.node:
        if node.op_type != "Constant":
            kept.append(node)
            continue
        attribute = node.attribute[0] if len(node.attribute) == 1 else None
        if attribute is None or not node.output:
            raise BadInputError("one of its Constant operators has no value; get it again")
        value = onnx.helper.get_attribute_value(attribute)
        if attribute.type == onnx.AttributeProto.TENSOR:
            tensor = onnx.TensorProto()
            tensor.CopyFrom(value)
        elif attribute.name in ("value_float", "value_floats", "value_int", "value_ints"):
            kind = np.float32 if "float" in attribute.name else np.int64
            tensor = onnx.numpy_helper.from_array(np.array(value, dtype=kind))
        else:
            raise BadInputError(f"one of its constants is given as {attribute.name}; export it as a dense tensor")
        tensor.name = node.output[0]
        model.graph.initializer.append(tensor)
    del model.graph.node[:]
    model.graph.node.extend(kept)


def _load_external(tensor: onnx.TensorProto, folder: Path) -> bytes:
    """Fill in a tensor's external data from a plain file inside the model's own folder."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    parts = PurePosixPath(location).parts
    outside = not parts or ".." in parts or PurePosixPath(location).is_absolute() or PureWindowsPath(location).anchor
    if outside or "\\" in location or "\0" in location:
        raise BadInputError(f"its weights lie outside its folder ({location!r}): not read; export into one folder")
    for ancestor in _steps(folder, parts):
        if ancestor.is_symlink():
            raise BadInputError(f"its external data {location!r} is a link: not followed; put the file itself there")
    path = folder.joinpath(*parts)
    if not path.is_file():
        raise BadInputError(f"its external data {location!r} is missing; put it beside the ONNX file")
    try:
        offset = int(entries.get("offset", 0))
        length = int(entries.get("length", _bytes(tensor)))
    except ValueError as error:
        raise BadInputError(f"its external data {location!r} has no readable place; get it again") from error
    with path.open("rb") as file:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            # onnxruntime follows hard links, by which any file of the disk can be made weights
            raise BadInputError(f"its external data {location!r} is a hard link: not read; put a copy there")
        if offset < 0 or length != _bytes(tensor) or offset + length > status.st_size:
            raise BadInputError(f"its external data {location!r} is too short or does not fit; get it again")
        file.seek(offset)
        content = file.read(length)
    tensor.ClearField("external_data")
    tensor.ClearField("data_location")
    tensor.raw_data = content
    return content


def _steps(folder: Path, parts: tuple[str, ...]) -> Iterator[Path]:
    for part in parts:
        folder = folder / part
        yield folder


def _bytes(tensor: onnx.TensorProto) -> int:
    import onnx

    try:
        kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
    except KeyError as error:
        raise BadInputError(f"its weight {tensor.name!r} is of no known type; get it again") from error
    if any(dim < 0 for dim in tensor.dims):
        raise BadInputError(f"its weight {tensor.name!r} has a negative size; get it again")
    return int(math.prod(tensor.dims)) * int(kind.itemsize)


def _check_tensor(tensor: onnx.TensorProto) -> None:
    import numpy as np
    import onnx

    if tensor.raw_data and len(tensor.raw_data) != _bytes(tensor):
        raise BadInputError(f"its weight {tensor.name!r} holds {len(tensor.raw_data):,} bytes, not {_bytes(tensor):,}")
    if _bytes(tensor) > 16 * tensor.ByteSize():  # a varint may be shorter than its value, never 16 times
        raise BadInputError(f"its weight {tensor.name!r} declares more values than it holds; get it again")
    try:
        values = onnx.numpy_helper.to_array(tensor)
    except Exception as error:  # numpy and onnx raise many kinds for nonsense
        raise BadInputError(f"its weight {tensor.name!r} cannot be read; get it again") from error
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise BadInputError(f"its weight {tensor.name!r} holds NaN or infinite values; take an earlier checkpoint")
