"""What each kind of Keras layer does, in terms of stages; layers of other kinds are refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gan_probe.errors import BadInputError, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from torch import Tensor

    from gan_probe.checkpoints.assembly import Assembly
    from gan_probe.checkpoints.keras.config import KerasLayer

    Weights = Callable[[KerasLayer, list[str]], list[np.ndarray]]

# what changes nothing when the network is not trained
IDLE = ("InputLayer", "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout", "Identity")
BENDS = {"relu": "relu", "elu": "elu", "selu": "selu", "tanh": "tanh", "sigmoid": "sigmoid", "linear": "none"}
CROPS = "transposed convolutions crop as in TensorFlow: early Keras 3 on torch cropped odd kernels at the other end"
HELP = "export it as ONNX"


def append(layer: KerasLayer, chain: Assembly, weights: Weights, notes: list[str]) -> None:
    """Put a layer behind a chain; BadInputError names it where it cannot be."""
    if layer.kind in IDLE:
        return
    build = KINDS.get(layer.kind)
    if build is None:
        raise BadInputError(one_line(f"its layer {layer.name[:40]!r} is of the kind {layer.kind[:40]}: {HELP}"))
    try:
        build(layer, chain, weights, notes)
    except BadInputError as error:
        raise BadInputError(one_line(f"its layer {layer.name[:40]!r}: {error}")) from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise BadInputError(
            one_line(f"its layer {layer.name[:40]!r} has a configuration that makes no sense")
        ) from error


def _dense(layer: KerasLayer, chain: Assembly, weights: Weights, notes: list[str]) -> None:  # noqa: ARG001
    kernel, bias = _kernel(layer, weights, 2)
    if not chain.flat and chain.size != 1:
        raise BadInputError("it acts on maps pixel by pixel; put a Flatten in front")
    chain.layer("linear", kernel.T, bias)
    _bend(layer, chain)


def _conv(layer: KerasLayer, chain: Assembly, weights: Weights, notes: list[str]) -> None:  # noqa: ARG001
    kernel, bias = _kernel(layer, weights, 4)
    side, stride = kernel.shape[0], _plain(layer)
    paddings = (0, 0)
    if layer.config["padding"] == "same":
        total = max((-(-chain.side // stride) - 1) * stride + side - chain.side, 0)
        paddings = (total // 2, total - total // 2)
    elif layer.config["padding"] != "valid":
        raise BadInputError(f"its padding is {layer.config['padding']!r}, not same or valid")
    chain.layer("conv", kernel.permute(3, 2, 0, 1), bias, stride, paddings)  # from (H, W, in, out)
    _bend(layer, chain)


def _conv_transpose(layer: KerasLayer, chain: Assembly, weights: Weights, notes: list[str]) -> None:
    kernel, bias = _kernel(layer, weights, 4)
    side, stride = kernel.shape[0], _plain(layer)
    extra = layer.config.get("output_padding")
    padding = layer.config["padding"]
    if padding not in ("same", "valid"):
        raise BadInputError(f"its padding is {padding!r}, not same or valid")
    if extra is not None:
        extra = _one(extra, "output padding")
    # it undoes a convolution: what that would have padded is cut off
    cut, more = max(side - stride, 0), max(stride - side, 0)
    if padding == "valid":
        cut, more = 0, max(stride - side, 0) if extra is None else extra
    elif extra is not None:
        raise BadInputError("it has both same padding and an output padding")
    begin = cut // 2
    if begin != cut - begin and begin and CROPS not in notes:
        notes.append(CROPS)
    chain.layer("conv_transpose", kernel.permute(3, 2, 0, 1), bias, stride, (begin, cut - begin), more)
    _bend(layer, chain)


def _norm(layer: KerasLayer, chain: Assembly, weights: Weights, notes: list[str]) -> None:  # noqa: ARG001
    import torch

    config = layer.config
    axis = config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if axis not in (-1, 1 if chain.flat else 3):
        raise BadInputError(f"it normalises axis {axis}, not the channels behind height and width")
    names = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
    left_out = {"gamma": not config.get("scale", True), "beta": not config.get("center", True)}
    leaves = [name for name in names if not left_out.get(name)]
    tensors = {names[leaf]: _tensor(v, 1) for leaf, v in zip(leaves, weights(layer, leaves), strict=True)}
    mean = tensors["running_mean"]
    ones = torch.ones_like(mean)
    chain.norm({"weight": ones, "bias": torch.zeros_like(ones), **tensors}, float(config["epsilon"]))


def _relu(layer: KerasLayer, chain: Assembly, weights: Weights, notes: list[str]) -> None:  # noqa: ARG001
    config = layer.config
    if config.get("max_value") is not None or config.get("threshold"):
        raise BadInputError(f"it has a maximum or a threshold: {HELP}")
    slope = float(config.get("negative_slope") or 0.0)
    chain.activation("leaky_relu" if slope else "relu", slope or 0.2)


def _leaky_relu(layer: KerasLayer, chain: Assembly, weights: Weights, notes: list[str]) -> None:  # noqa: ARG001
    chain.activation("leaky_relu", _slope(layer.config))


def _elu(layer: KerasLayer, chain: Assembly, weights: Weights, notes: list[str]) -> None:  # noqa: ARG001
    if float(layer.config.get("alpha", 1.0)) != 1.0:
        raise BadInputError(f"its alpha is not 1: {HELP}")
    chain.activation("elu")


def _activation(layer: KerasLayer, chain: Assembly, weights: Weights, notes: list[str]) -> None:  # noqa: ARG001
    _bend(layer, chain)


def _reshape(layer: KerasLayer, chain: Assembly, weights: Weights, notes: list[str]) -> None:  # noqa: ARG001
    shape = list(layer.config["target_shape"])
    if shape.count(-1) == 1 and len(shape) == 3:
        values = chain.channels * chain.size**2
        known = -shape[0] * shape[1] * shape[2]
        shape[shape.index(-1)] = values // known
    if len(shape) == 1:
        chain.flatten()
    elif len(shape) == 3 and shape[0] == shape[1]:
        chain.reshape(shape[2], shape[0])
    else:
        raise BadInputError(f"it makes {shape} values, not square maps")


def _flatten(layer: KerasLayer, chain: Assembly, weights: Weights, notes: list[str]) -> None:  # noqa: ARG001
    chain.flatten()


def _upsample(layer: KerasLayer, chain: Assembly, weights: Weights, notes: list[str]) -> None:  # noqa: ARG001
    how = layer.config.get("interpolation", "nearest")
    if how not in ("nearest", "bilinear"):
        raise BadInputError(f"it enlarges by {str(how)[:20]!r}: {HELP}")
    chain.upsample(_one(layer.config["size"], "enlargement"), how)


def _pad(layer: KerasLayer, chain: Assembly, weights: Weights, notes: list[str]) -> None:  # noqa: ARG001
    padding = layer.config["padding"]
    rows, columns = (padding, padding) if isinstance(padding, int) else padding
    ends = [[n, n] if isinstance(n, int) else list(n) for n in (rows, columns)]
    if ends[0] != ends[1]:
        raise BadInputError(f"it pads height and width differently: {HELP}")
    chain.pad(*ends[0])


KINDS: dict[str, Callable[[KerasLayer, Assembly, Weights, list[str]], None]] = {
    "Dense": _dense,
    "Conv2D": _conv,
    "Conv2DTranspose": _conv_transpose,
    "BatchNormalization": _norm,
    "BatchNormalizationV1": _norm,
    "ReLU": _relu,
    "LeakyReLU": _leaky_relu,
    "ELU": _elu,
    "Activation": _activation,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "UpSampling2D": _upsample,
    "ZeroPadding2D": _pad,
}


def _slope(config: dict[str, Any]) -> float:
    """A LeakyReLU's slope, under the name of either Keras."""
    return float(config.get("negative_slope", config.get("alpha", 0.3)))


def _bend(layer: KerasLayer, chain: Assembly) -> None:
    """The activation that a layer brings: a name, or an object in the configuration."""
    said = layer.config.get("activation", "linear")
    slope = 0.2  # of keras.activations.leaky_relu; the layer LeakyReLU's is 0.3
    if isinstance(said, dict):
        inner = said.get("config")
        name = said.get("class_name")
        if name in ("LeakyReLU", "leaky_relu") and isinstance(inner, dict):
            said, slope = "leaky_relu", _slope(inner)
        else:
            said = inner if isinstance(inner, str) else str(name).lower()
    name = BENDS.get(str(said or "linear"), str(said))
    if name not in (*BENDS.values(), "leaky_relu"):
        raise BadInputError(f"its activation {name[:40]!r} is none that stages know: {HELP}")
    chain.activation(name, slope)


def _kernel(layer: KerasLayer, weights: Weights, dimensions: int) -> tuple[Tensor, Tensor | None]:
    leaves = ["kernel", "bias"] if layer.config.get("use_bias", True) else ["kernel"]
    found = weights(layer, leaves)
    kernel = _tensor(found[0], dimensions)
    if dimensions == 4 and kernel.shape[0] != kernel.shape[1]:
        raise BadInputError(f"its kernel is {kernel.shape[0]}x{kernel.shape[1]}, not square: {HELP}")
    return kernel, _tensor(found[1], 1) if len(found) > 1 else None


def _plain(layer: KerasLayer) -> int:
    """The stride of an ordinary convolution; BadInputError for others."""
    config = layer.config
    if config.get("data_format", "channels_last") != "channels_last":
        raise BadInputError(f"it keeps channels first: {HELP}")
    if int(config.get("groups", 1)) != 1 or _one(config.get("dilation_rate", 1), "dilation") != 1:
        raise BadInputError(f"it is grouped or dilated: {HELP}")
    return _one(config["strides"], "stride")


def _one(value: Any, what: str) -> int:
    """The one whole number that height and width share."""
    numbers = {value} if isinstance(value, int) else set(value)
    number = numbers.pop()
    if numbers or type(number) is not int or not 0 <= number <= 64:
        raise BadInputError(f"its {what} is {str(value)[:30]}, not one small number")
    return number


def _tensor(array: np.ndarray, dimensions: int) -> Tensor:
    import numpy as np
    import torch

    if array.ndim != dimensions or array.dtype.kind != "f" or array.size == 0:
        raise BadInputError(f"its weights are {array.dtype} of shape {array.shape}")
    return torch.from_numpy(np.array(array, dtype=np.float32, order="C"))
