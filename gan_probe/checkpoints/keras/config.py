"""The chain of layers that a Keras model's configuration describes; it is read, never run."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from gan_probe.errors import BadInputError, one_line

LARGEST_CONFIG, DEEPEST = 2**22, 8
MODELS = ("Sequential", "Functional", "Model")


@dataclass(frozen=True)
class KerasLayer:
    """A layer or, where it has `layers`, a model; `path` leads to its weights in a `.keras` file."""

    kind: str
    name: str
    config: dict[str, Any]
    path: str
    layers: tuple[KerasLayer, ...] = ()

    @property
    def input_shape(self) -> tuple[int, ...] | None:
        """The shape without the batch that its configuration names, if it does."""
        for key in ("batch_shape", "batch_input_shape"):
            shape = self.config.get(key)
            if isinstance(shape, list) and all(type(n) is int and n > 0 for n in shape[1:]):
                return tuple(shape[1:])
        return None

    def flat(self) -> list[KerasLayer]:
        """All layers in order, those of nested models in their places."""
        return [leaf for layer in self.layers for leaf in layer.flat()] if self.kind in MODELS else [self]


def read_config(text: str) -> KerasLayer:
    """The model of a configuration in JSON; BadInputError for what is no plain chain of layers."""
    try:
        if len(text) > LARGEST_CONFIG:
            raise BadInputError("its configuration is larger than any GAN needs; not opened")
        data = json.loads(text)
        return _layer(data, "", 0)
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise BadInputError("its configuration is damaged, or not of Keras; save the model again") from error


def _layer(data: dict[str, Any], path: str, depth: int) -> KerasLayer:
    kind, config = str(data["class_name"]), data["config"]
    if depth > DEEPEST:
        raise BadInputError("its models are nested too deeply")
    if depth == 0 and kind not in MODELS:
        raise BadInputError(one_line(f"it is of class {kind[:40]!r}, whose code is not here: save its plain models"))
    if isinstance(config, list):  # Keras before 2.2.3
        config = {"layers": config}
    name = str(config.get("name") or data.get("name") or kind)
    if kind not in MODELS:
        return KerasLayer(kind, name, config, path)
    parts = config["layers"]
    used: dict[str, int] = {}
    places = [f"{path}/layers/{_stored(str(part['class_name']), used)}".lstrip("/") for part in parts]
    layers = [_layer(part, place, depth + 1) for part, place in zip(parts, places, strict=True)]
    if kind != "Sequential":
        layers = _chain(parts, layers)
    return KerasLayer(kind, name, config, path, tuple(layers))


def _stored(kind: str, used: dict[str, int]) -> str:
    """The name under which a `.keras` file keeps a layer: its class, counted. Source: keras.saving."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", kind))
    name = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    count = used.get(name, 0)
    used[name] = count + 1
    return f"{name}_{count}" if count else name


def _chain(parts: list[dict[str, Any]], layers: list[KerasLayer]) -> list[KerasLayer]:
    """The layers of a functional model in the order in which each takes what the one before gives."""
    by_source: dict[str, list[KerasLayer]] = {}
    first: list[KerasLayer] = []
    for part, layer in zip(parts, layers, strict=True):
        sources = _sources(part.get("inbound_nodes", []))
        if len(sources) > 1:
            raise BadInputError(
                one_line(f"its layer {layer.name[:40]!r} joins several: no plain chain; export it as ONNX")
            )
        if sources:
            by_source.setdefault(sources.pop(), []).append(layer)
        else:
            first.append(layer)
    ordered = first[:1]
    while len(ordered) <= len(layers) and (after := by_source.get(ordered[-1].name if ordered else "")):
        ordered.append(after[0])
    if len(ordered) != len(layers):
        raise BadInputError("its layers make no plain chain: save generator and discriminator alone, or as ONNX")
    return ordered


def _sources(node: Any) -> set[str]:
    """The layers whose outputs are called for: `keras_history` of Keras 3, or [name, node, tensor, ...] before."""
    if isinstance(node, dict):
        history = node.get("keras_history")
        if isinstance(history, list):
            return {str(history[0])}
        return {name for value in node.values() for name in _sources(value)}
    if isinstance(node, list):
        if len(node) >= 3 and isinstance(node[0], str) and all(type(n) is int for n in node[1:3]):
            return {node[0]}
        return {name for value in node for name in _sources(value)}
    return set()
