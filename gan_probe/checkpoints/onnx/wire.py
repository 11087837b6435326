"""What a protobuf file takes once it is parsed, counted on the wire: two bytes can stand for a message of a hundred."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gan_probe.errors import BadInputError

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor  # type: ignore[import-untyped]

MOST_FIELDS = 2**18  # some hundred bytes each, and a fraction of a second to count
LARGEST_PACKED = 2**25  # bytes of packed integers, each of which may become eight
DEEPEST = 100  # protobuf's own limit
DAMAGED = "it is an ONNX file cut short or damaged; get it again"


def check_wire(raw: bytes, message: Descriptor) -> None:
    """Raise BadInputError for a file that would take far more memory than it has bytes, or that is no such message."""
    fields, packed = MOST_FIELDS, LARGEST_PACKED
    known: dict[tuple[str, int], tuple[Descriptor | None, bool]] = {}  # by message and key; protobuf's own is slow
    waiting = [(0, len(raw), message, 0)]
    while waiting:
        at, end, kind, depth = waiting.pop()
        name = kind.full_name
        while at < end:
            key, at = _varint(raw, at, end)
            fields -= 1
            match key & 7:
                case 0:
                    _, at = _varint(raw, at, end)
                case 1:
                    at += 8
                case 2:
                    size, at = _varint(raw, at, end)
                    if (name, key) not in known:
                        known[name, key] = _content(kind, key >> 3)
                    inner, integers = known[name, key]
                    if inner is not None:
                        waiting.append((at, at + size, inner, depth + 1))
                    elif integers:
                        packed -= size
                    at += size
                case 5:
                    at += 4
                case _:
                    raise BadInputError(DAMAGED)
            if at > end or depth > DEEPEST:
                raise BadInputError(DAMAGED)
            if min(fields, packed) < 0:
                raise BadInputError("it would fill the memory with small parts when parsed; not opened")


def _content(kind: Descriptor, number: int) -> tuple[Descriptor | None, bool]:
    """The message that a field of this number holds, if any, and whether it may hold packed integers."""
    field = kind.fields_by_number.get(number)
    if field is None:
        return None, False
    return field.message_type, field.type in (field.TYPE_INT32, field.TYPE_INT64, field.TYPE_UINT64)


def _varint(raw: bytes, at: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            break
        byte = raw[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise BadInputError(DAMAGED)
