"""Opening checkpoints: one file per format, each recognised by its content; what nobody knows is named, not guessed."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_probe.errors import BadInputError, one_line

if TYPE_CHECKING:
    from gan_probe.gan import GAN
    from gan_probe.plugins import Host

__all__ = ["LoadRequest", "load_builtin", "load_gan", "resolve"]

# The models of the repository that are too large for the wheel, or not free enough; models/zoo.toml says more of them.
ZOO = (
    "cifar10-dcgan",
    "faces-dcgan",
    "fashion-dcgan",
    "imagenet32-dcgan",
    "imagenet32-features",
    "mnist-conditional-dcgan",
    "mnist-dcgan",
    "toy-faces-dcgan",
    "toy-rooms-dcgan",
)


@dataclass(frozen=True)
class LoadRequest:
    """What to open: a file or folder, or one file per role; the device; and what the user pinned.

    `pinned` settles what a format cannot say, key by key: `z_distribution` for all built-in formats; for other
    people's state dicts also `image_size`, `activation` (of the generator's hidden layers) and `output`; for networks
    of the user's own code `image_size`, `z_size` and `output`.
    `arch` is the architecture as the user states it: the path of a card in JSON, or `my_gan.py:Generator,Discriminator`
    to have classes of a Python file, or functions that build them, run.
    """

    path: Path
    generator: Path | None = None
    discriminator: Path | None = None
    device: str = "cpu"
    pinned: Mapping[str, str] = field(default_factory=dict)
    arch: str | None = None


def resolve(path: str | Path) -> Path:
    """The path itself, or where a bare name such as `digits-dcgan` is no file here, the model of that name."""
    path = Path(path)
    if path.exists() or path.name != str(path) or path.name in ("", ".", ".."):
        return path
    package = Path(__file__).resolve().parents[1]
    # an installed wheel holds the models inside the package; a development tree beside it
    folders = [package / "models", package.parent / "models"]
    here = Path("models")
    if str(path) in ZOO and (here / "zoo.toml").is_file():  # installed, but run in a checkout
        folders.append(here)
    return next((folder / path for folder in folders if (folder / path / "model.safetensors").is_file()), path)


def load_gan(request: LoadRequest, plugins: Host | None = None) -> GAN:
    """Open a checkpoint: the plugins' loaders are asked first, the built-in formats last.

    Raises BadInputError where the file is missing, damaged or of no known format; the message says what it looks like.
    """
    request = replace(request, path=resolve(request.path))
    for path in (request.path, request.generator, request.discriminator):
        if path is not None and not path.exists():
            raise BadInputError(_missing(path))
    # what a stranger's loader failed on may still be ours
    for _, gan in plugins.call("load_gan", _read_gan, request=request) if plugins is not None else ():
        return gan
    return load_builtin(request)


def load_builtin(request: LoadRequest) -> GAN:
    """Open a checkpoint that exists and is of a built-in format; BadInputError for anything else."""
    from gan_probe.checkpoints import folder, foreign, keras, native, onnx, release
    from gan_probe.checkpoints.describe import describe

    try:
        if request.pinned.get("z_distribution", "normal") not in ("normal", "uniform"):
            raise BadInputError(f"z_distribution is {request.pinned['z_distribution']!r}; choose normal or uniform")
        if request.arch is not None:
            from gan_probe.checkpoints.classes import load_classes, names_classes
            from gan_probe.checkpoints.stated import load_stated

            return (load_classes if names_classes(request.arch) else load_stated)(request)
        for load in (native.load, folder.load, release.load, foreign.load, keras.load, onnx.load):
            if (gan := load(request)) is not None:
                return gan
        raise BadInputError(describe(request.path))
    except BadInputError as error:
        raise BadInputError(one_line(f"{_short(request.path)}: {error}")) from error
    except OSError as error:
        raise BadInputError(one_line(f"{_short(request.path)}: cannot be read: {error.strerror or error}")) from error


def _read_gan(result: Any) -> GAN:
    from gan_probe.gan import GAN, Card

    if not isinstance(result, GAN) or not isinstance(result.card, Card):
        raise TypeError(f"it gave {result!r}, which is no gan_probe.GAN with a Card")
    return result


def _missing(path: Path) -> str:
    if str(path) in ZOO:
        return (
            f"{path} does not come with the installed package, which holds digits-dcgan alone: take the folder "
            f"models/{path} of gan-probe's repository and name its path"
        )
    near = difflib.get_close_matches(str(path), ["digits-dcgan", *ZOO], 1)
    return one_line(
        f"{_short(path)}: there is no such file or folder; {f'did you mean {near[0]}?' if near else 'check the path'}"
    )


def _short(path: Path, limit: int = 70) -> str:
    # the message must keep room for what is wrong and what to do
    text = str(path)
    return text if len(text) <= limit else "…" + text[1 - limit :]
