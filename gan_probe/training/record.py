"""What a checkpoint's card keeps of its training."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

import torch

from gan_probe.training.calibration import NOTE
from gan_probe.training.recipe import OF_THE_CHECKPOINT

if TYPE_CHECKING:
    from gan_probe.gan import GAN, Card
    from gan_probe.training.recipe import Recipe
    from gan_probe.training.state import TrainingState


def record(
    state: TrainingState, recipe: Recipe, images: int, seed: int, where: str, start: GAN | None = None
) -> dict[str, Any]:
    """The recipe, how far the training came on so many images, and `where`, as `machine` names it.

    Of a training that began with the weights of another GAN, the recipe's part in the architecture is left out, as it
    had none, and that GAN is named.
    """
    resumed = {"resumed": state.resumed} if state.resumed else {}
    return {
        "recipe": in_force(recipe, start) | ({} if start else {"image_size": state.gan.card.image_size}),
        **({"from": origin(start.card)} if start else {}),
        "epochs": state.step // state.steps_per_epoch if state.ends_epoch else state.step / state.steps_per_epoch,
        "steps": state.step,
        "images": images,
        "weights": f"generator's moving average, {recipe.ema:g} kept at a step" if recipe.ema else "of the last step",
        "batch_norm": NOTE,
        "seed": seed,
        "seconds": round(state.seconds, 1),
        "machine": where,
        "torch": str(torch.__version__),
        **resumed,
    }


def in_force(recipe: Recipe, start: GAN | None) -> dict[str, Any]:
    """What of a recipe decides: all, or without the architecture where that is another GAN's."""
    return {key: value for key, value in dataclasses.asdict(recipe).items() if not (start and key in OF_THE_CHECKPOINT)}


def origin(card: Card) -> dict[str, Any]:
    """What a card keeps of the GAN whose weights its training began with, and of the one before that."""
    kept = {"name": card.name, "sha256": card.sha256, "trained_on": card.training_data, "licence": card.licence}
    if before := card.training.get("from"):
        kept["from"] = before
    return {key: value for key, value in kept.items() if value}


def machine(device: str | torch.device, processes: int = 1) -> str:
    """What so many processes train on, for a reader."""
    device = torch.device(device)
    name = device.type
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    elif device.type == "cpu":
        name = f"CPU, {torch.get_num_threads()} of {os.cpu_count()} cores"
    return name if processes == 1 else f"{processes} processes, each on {name}"
