"""A network that onnxruntime runs, behind the same face as `gan_probe.network.Network`."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import torch

from gan_probe.checkpoints.onnx.batch import fixed_batch
from gan_probe.checkpoints.onnx.chain import read_chain
from gan_probe.checkpoints.onnx.cost import check_cost
from gan_probe.checkpoints.onnx.layers import find_layers, last_activation, logit
from gan_probe.checkpoints.onnx.session import open_session
from gan_probe.checkpoints.onnx.surgery import by_batch, exposed, randomised, stored, with_statistics
from gan_probe.errors import BadInputError, one_line
from gan_probe.gan import Layer, Moments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from gan_probe.checkpoints.weights import Role
    from gan_probe.network import Network
    from gan_probe.stage import Stage


class OnnxNet:
    """A generator or discriminator from an ONNX graph; its tensors stay on the CPU, and it gives no gradients.

    `shapes` are those of all values for a batch of 1. Inputs are cast to the graph's own type and outputs to float32;
    a graph of fixed batch size is run part by part, and its batch norms count as folded into the weights.
    """

    def __init__(self, model: onnx.ModelProto, shapes: Mapping[str, tuple[int, ...]], role: Role) -> None:
        self.role = role
        self._shapes = shapes
        self._model = model
        graph = model.graph
        initialisers = {tensor.name for tensor in graph.initializer}
        self._inputs = [value for value in graph.input if value.name not in initialisers]
        self._check_inputs()
        x = self._inputs[0]
        self._input_shape = shapes.get(x.name, ())
        self._batch = fixed_batch(model)
        self._dtype = onnx.helper.tensor_dtype_to_np_dtype(x.type.tensor_type.elem_type)
        before_sigmoid = logit(graph) if role == "discriminator" else None
        self.without_sigmoid = before_sigmoid is not None
        self.last_activation = last_activation(graph)
        self._structure = find_layers(graph, shapes, before_sigmoid or graph.output[0].name)
        self.keeps_statistics = bool(self._batch and self._structure.norms)
        if self.keeps_statistics:  # statistics of a batch need a real one
            self._structure.norms.clear()
        self._ranks = {name: len(shape) for name, shape in shapes.items()}
        self._output_shape = shapes.get(self._structure.output, ())
        self._check_shapes()
        self._sessions: dict[bool, tuple[Any, dict[str, tuple[str, str]]]] = {}  # by whether norms are by batch
        self._statistics = self._stored()
        self._rebuilt: Network | BadInputError | None = None
        self._try()

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers in order."""
        return tuple(self._structure.layers)

    @property
    def z_size(self) -> int:
        """Numbers in a generator's latent."""
        return self._input_shape[1]

    @property
    def image_shape(self) -> tuple[int, int]:
        """Channels, and height = width, of the images made or judged."""
        shape = self._output_shape if self.role == "generator" else self._input_shape
        return shape[1], shape[2]

    @property
    def statistics(self) -> dict[str, Moments] | None:
        """Mean and variance that batch norms use, by layer: {} where they cannot change, None where by batch."""
        return None if self._statistics is None else dict(self._statistics)

    @statistics.setter
    def statistics(self, statistics: dict[str, Moments] | None) -> None:
        if statistics is not None:
            statistics = {name: statistics[name] for name in self._structure.norms}
        self._statistics = statistics if self._structure.norms else {}
        self._sessions.pop(False, None)

    def __call__(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Latents (N, Z) to images (N, C, H, W), or images to logits (N, 1)."""
        output = self._structure.output
        result = self._run(x, labels, [output], batch=self._statistics is None)[output]
        return result if self.role == "generator" else result.reshape(-1, 1)

    def activations(self, x: Tensor, names: Sequence[str], labels: Tensor | None = None) -> dict[str, Tensor]:
        """Outputs of the named layers behind their activation, each (N, C, H, W) or (N, F)."""
        values = {name: self._structure.values[name] for name in self._structure.values if name in set(names)}
        found = self._run(x, labels, list(dict.fromkeys(values.values())), batch=self._statistics is None)
        return {name: found[value] for name, value in values.items()}

    def moments(self, x: Tensor, labels: Tensor | None = None) -> dict[str, Moments]:
        """Biased mean and variance of each batch norm's input, all layers normalising by this batch."""
        if not self._structure.norms:
            return {}
        _, names = self._session(batch=True)
        wanted = [name for pair in names.values() for name in pair]
        found = self._run(x, labels, wanted, batch=True)
        return {
            layer: Moments(found[mean].flatten(), found[variance].flatten())
            for layer, (mean, variance) in names.items()
        }

    def digest(self) -> str:
        """SHA-256 over the graph as it was opened, with its weights."""
        return hashlib.sha256(self._model.SerializeToString(deterministic=True)).hexdigest()

    def random_twin(self, generator: torch.Generator) -> OnnxNet | None:
        """The same graph with weights drawn as the paper initialises them, normalising by batch.

        None where batch norms were folded into the weights, without which it would be another architecture, and for a
        graph of fixed batch size, which cannot normalise by batch.
        """
        model = randomised(self._model, generator) if self._structure.norms else None
        if model is None:
            return None
        twin = OnnxNet(model, self._shapes, self.role)
        twin.statistics = None
        return twin

    def differentiable(self) -> Network:
        """The same network rebuilt in torch, once, normalising as this one does now: it gives gradients.

        Raises BadInputError, naming the operator, where the graph is no plain chain of a DCGAN's, or where torch
        differs from onnxruntime.
        """
        from gan_probe.checkpoints.onnx.rebuild import rebuild

        if self._rebuilt is None:
            try:
                self._rebuilt = rebuild(self)
            except BadInputError as error:
                self._rebuilt = error
        if isinstance(self._rebuilt, BadInputError):
            raise self._rebuilt
        if self._structure.norms:
            self._rebuilt.statistics = self.statistics
        return self._rebuilt

    def chain(self) -> list[tuple[Stage, dict[str, np.ndarray]]]:
        """The graph as stages with their weights; BadInputError where it is no plain chain."""
        inputs = [value.name for value in self._inputs]
        return read_chain(self._model, self._shapes, inputs, self._structure.output)

    def _run(self, x: Tensor, labels: Tensor | None, names: list[str], batch: bool) -> dict[str, Tensor]:
        n = len(x)
        shape = (n, *self._input_shape[1:])
        if x.numel() != int(np.prod(shape)):
            raise BadInputError(f"the {self.role} takes {self._input_shape[1:]} inputs, not {tuple(x.shape[1:])}")
        session, _ = self._session(batch)
        arrays = [x.detach().cpu().numpy().reshape(shape).astype(self._dtype, copy=False)]
        if len(self._inputs) == 2:
            if labels is None:
                raise BadInputError(f"this {self.role} is conditional: pass labels (N,), class indices")
            kind = onnx.helper.tensor_dtype_to_np_dtype(self._inputs[1].type.tensor_type.elem_type)
            arrays.append(labels.detach().cpu().numpy().astype(kind, copy=False))
        fixed = self._batch or max(n, 1)
        parts = []
        for start in range(0, max(n, 1), fixed):
            part = [array[start : start + fixed] for array in arrays]
            missing = fixed - len(part[0]) if self._batch else 0
            if missing:  # a fixed batch is filled up with copies of its last row
                part = [np.concatenate([a, np.repeat(a[-1:], missing, axis=0)]) for a in part]
            feed = {value.name: array for value, array in zip(self._inputs, part, strict=True)}
            try:
                results = session.run(names, feed)
            except Exception as error:  # onnxruntime's errors have no common base
                raise BadInputError(one_line(f"onnxruntime cannot run the {self.role}: {error}")) from error
            parts.append([r if batch or not missing else r[: len(r) - missing] for r in results])
        joined = (p[0] if len(p) == 1 else np.concatenate(p) for p in zip(*parts, strict=True))
        return {name: torch.from_numpy(np.asarray(a, np.float32)) for name, a in zip(names, joined, strict=True)}

    def _session(self, batch: bool) -> tuple[Any, dict[str, tuple[str, str]]]:
        """The running graph with all layers exposed, and the names of the batch moments where it makes any."""
        if batch in self._sessions:
            return self._sessions[batch]
        found = self._structure
        moments: dict[str, tuple[str, str]] = {}
        model = self._model
        if batch:
            model, moments = by_batch(model, found.norms, self._ranks)
        elif self._statistics:
            model = with_statistics(model, found.norms, self._statistics)
        outputs = [found.output, *found.values.values(), *(name for pair in moments.values() for name in pair)]
        self._sessions[batch] = (open_session(exposed(model, outputs), self.role), moments)
        return self._sessions[batch]

    def _stored(self) -> dict[str, Moments] | None:
        held = stored(self._model, self._structure.norms)
        if held is None:
            return None
        if any((variance < 0).any() for _, variance in held.values()):
            raise BadInputError(f"the {self.role} holds negative variances: the file is damaged; get it again")
        return {
            name: Moments(*(torch.from_numpy(np.array(values, np.float32)) for values in pair))
            for name, pair in held.items()
        }

    def _try(self) -> None:
        """Run one input of zeros: what onnxruntime cannot run is said before an analysis starts."""
        n = self._batch or 1
        if self._batch:
            check_cost(self._model.graph, self._shapes, n)
        labels = torch.zeros(n, dtype=torch.int64) if len(self._inputs) == 2 else None
        self(torch.zeros(n, *self._input_shape[1:]), labels)

    def _check_inputs(self) -> None:
        kinds = [value.type.tensor_type.elem_type for value in self._inputs]
        floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
        integers = (onnx.TensorProto.INT32, onnx.TensorProto.INT64)
        if not kinds or kinds[0] not in floats or len(kinds) > 2 or (len(kinds) == 2 and kinds[1] not in integers):
            raise BadInputError(
                f"it takes {len(kinds)} inputs; one of numbers, and one of class indices at most, are known"
            )

    def _check_shapes(self) -> None:
        images = self._output_shape if self.role == "generator" else self._input_shape
        other = self._input_shape if self.role == "generator" else self._output_shape
        numbers = int(np.prod(other[1:])) if other else 0
        fits = numbers == 1 if self.role == "discriminator" else len(other) > 1 and numbers == other[1] > 0
        if len(images) != 4 or images[2] != images[3] or min(images) < 1 or not fits:
            raise BadInputError(
                f"as a {self.role} it would map {self._input_shape} to {self._output_shape}; "
                "images must be square and of fixed size"
            )
