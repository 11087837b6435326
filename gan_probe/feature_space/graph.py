"""A user's ONNX graph from images to vectors as a feature space, opened as suspiciously as any checkpoint."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gan_probe.errors import BadInputError, one_line
from gan_probe.feature_space.space import FeatureSpace

if TYPE_CHECKING:
    from pathlib import Path

MOST_IMAGES, MOST_NUMBERS = 64, 2**26  # run together: 256 MiB of values
RANGE = (-1.0, 1.0)  # of pixels, where the graph does not bring a card of ours


def open_graph(path: Path, image_size: int, channels: int) -> FeatureSpace:
    """The space of a file whose first output is a vector for each image (N, 1 or 3, S, S) of fixed size S.

    Pixels are handed over in the range of the graph's own card, if it has been exported by gan-probe, else from -1 to
    1. Raises BadInputError for other graphs, for those whose vectors depend on the batch, and for what is not ONNX.
    """
    from gan_probe.checkpoints.onnx.read import looks_like_onnx

    name = one_line(path.name, 40)
    if not path.is_file():
        raise BadInputError(f"feature space {name}: there is no such file; check the path")
    try:
        with path.open("rb") as file:
            if not looks_like_onnx(file.read(3)):
                raise BadInputError("it is not an ONNX file")
        graph = Graph(path)
    except BadInputError as error:
        raise BadInputError(one_line(f"feature space {name}: {error}")) from error
    except OSError as error:
        raise BadInputError(one_line(f"feature space {name}: cannot be read: {error.strerror or error}")) from error
    assumed = () if graph.stated else (f"{name}: pixels are handed to the graph in [-1, 1], as it states no range.",)
    label = f"{name} ({graph.digest[:8]})"
    return FeatureSpace(label, graph.digest, image_size, channels, graph.size, graph.channels, graph, assumed)


class Graph:
    """An ONNX graph, ready to run: fitted images (n, S, S, C) uint8 to its first output, flattened, (n, F) float32."""

    def __init__(self, path: Path) -> None:
        import onnx

        from gan_probe.checkpoints.onnx import CARD_KEY
        from gan_probe.checkpoints.onnx.batch import fixed_batch, with_free_batch
        from gan_probe.checkpoints.onnx.cost import check_cost
        from gan_probe.checkpoints.onnx.read import infer_shapes, read_model
        from gan_probe.checkpoints.onnx.session import open_session
        from gan_probe.checkpoints.onnx.surgery import exposed, to_float32

        model, self.digest = read_model(path)
        to_float32(model)
        weights = {tensor.name for tensor in model.graph.initializer}
        inputs = [value for value in model.graph.input if value.name not in weights]
        if len(inputs) != 1 or inputs[0].type.tensor_type.elem_type != onnx.TensorProto.FLOAT:
            raise BadInputError(f"it takes {len(inputs)} inputs; a space takes one, images of floating-point numbers")
        output = model.graph.output[0].name
        shapes = infer_shapes(model)
        source, target = shapes.get(inputs[0].name, ()), shapes.get(output, ())
        if len(source) != 4 or source[1] not in (1, 3) or source[2] != source[3] or min(source) < 1:
            raise BadInputError(
                f"it takes {source}; images (N, 1 or 3, S, S) of fixed size S are known: export for one"
            )
        if not target or target[0] != 1 or math.prod(target[1:]) < 2:
            raise BadInputError(f"it gives {target} for an image, no vector; for a discriminator, name d:FILE:LAYER")
        model = with_free_batch(model)
        self.channels, self.size = source[1], source[2]
        self._batch = fixed_batch(model)
        numbers = sum(math.prod(shape) for value, shape in shapes.items() if value not in weights)
        self._most = self._batch or max(1, min(MOST_IMAGES, MOST_NUMBERS // numbers))
        check_cost(model.graph, shapes, self._batch or 1)
        metadata = {entry.key: entry.value for entry in model.metadata_props}
        self.stated = CARD_KEY in metadata
        self._range = _range(metadata[CARD_KEY]) if self.stated else RANGE
        self._input, self._output = inputs[0].name, output
        self._session = open_session(exposed(model, [output]))
        self._check_independence()

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Vectors in order; BadInputError where they are not finite, or where onnxruntime fails."""
        low, high = self._range
        parts = []
        for start in range(0, len(images), self._most):
            block = images[start : start + self._most].transpose(0, 3, 1, 2).astype(np.float32)
            parts.append(self._run(np.ascontiguousarray(block * np.float32((high - low) / 255) + np.float32(low))))
        return np.concatenate(parts)

    def _run(self, x: np.ndarray) -> np.ndarray:
        n = len(x)
        if self._batch and n < self._batch:  # filled up with copies of the last
            x = np.concatenate([x, np.repeat(x[-1:], self._batch - n, axis=0)])
        try:
            found: Any = self._session.run([self._output], {self._input: x})[0]
        except Exception as error:  # onnxruntime's errors have no common base
            raise BadInputError(one_line(f"onnxruntime cannot run the graph: {error}")) from error
        vectors: np.ndarray = np.asarray(found, np.float32)
        if len(vectors) != len(x):
            raise BadInputError(f"it gives {len(vectors)} vectors for {len(x)} images")
        if not np.isfinite(vectors).all():
            raise BadInputError("the feature space's graph gives values that are not finite: its weights are damaged")
        return vectors.reshape(len(x), -1)[:n]

    def _check_independence(self) -> None:
        """One image's vector is the same whatever stands beside it, to rounding."""
        if self._most == 1:
            return
        rng = np.random.default_rng(0)
        first, second, third = rng.uniform(*self._range, (3, self.channels, self.size, self.size)).astype(np.float32)
        one, other = (self._run(np.stack([first, beside]))[0] for beside in (second, third / 2))
        if not np.allclose(one, other, rtol=1e-3, atol=1e-3 * float(np.abs(one).max())):
            raise BadInputError("its vectors depend on the other images of the batch: export it in evaluation mode")


def _range(card: str) -> tuple[float, float]:
    from gan_probe.checkpoints.native import read_card
    from gan_probe.gan import Card

    return Card.from_dict(read_card(card)).value_range
