"""What a checkpoint's card keeps of its training."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

import torch

from gan_probe.training.calibration import NOTE

if TYPE_CHECKING:
    from gan_probe.training.recipe import Recipe
    from gan_probe.training.state import TrainingState


def record(state: TrainingState, recipe: Recipe, images: int, seed: int, where: str) -> dict[str, Any]:
    """The recipe, how far the training came on so many images, and `where`, as `machine` names it."""
    resumed = {"resumed": state.resumed} if state.resumed else {}
    return {
        "recipe": dataclasses.asdict(recipe) | {"image_size": state.gan.card.image_size},
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


def machine(device: str | torch.device, processes: int = 1) -> str:
    """What so many processes train on, for a reader."""
    device = torch.device(device)
    name = device.type
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    elif device.type == "cpu":
        name = f"CPU, {torch.get_num_threads()} of {os.cpu_count()} cores"
    return name if processes == 1 else f"{processes} processes, each on {name}"
