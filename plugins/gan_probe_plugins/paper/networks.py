"""Where a checkpoint's networks and their training differ from the paper's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gan_probe_plugins.paper.item import Deviation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe import Card
    from gan_probe.stage import Stage

UNKNOWN = "not known: the card does not say"


def generator(card: Card, epochs: str = "5") -> list[Deviation]:
    """Of G, its latents and its training data, from the paper's generator of bedrooms after so many epochs."""
    found = [trained_on(card, "LSUN bedrooms, 3,033,042 images of 64x64 pixels"), latent(card)]
    if card.generator:
        found += [
            Deviation("maps of G", "1024, 512, 256, 128", _maps(card.generator[:-1])),
            *_guidelines(card.generator, "generator"),
        ]
    return [*found, *recipe(card, epochs)]


def discriminator(card: Card, paper: str, maps: str, epochs: str) -> list[Deviation]:
    """Of D from that of the paper's experiment: what it was trained on, its maps, and for how long."""
    found = [trained_on(card, paper)]
    if card.discriminator:
        convolutions = [stage for stage in card.discriminator if stage.op == "conv"]
        found += [
            Deviation("maps of D's convolutions", maps, _maps(convolutions)),
            *_guidelines(card.discriminator, "discriminator"),
        ]
    return [*found, *recipe(card, epochs)]


def trained_on(card: Card, paper: str) -> Deviation:
    """What the checkpoint was trained on."""
    size = f"{card.image_size}x{card.image_size} pixels, {'colour' if card.channels == 3 else 'grey'}"
    return Deviation("training data", paper, f"{card.training_data or UNKNOWN}; {size}")


def latent(card: Card) -> Deviation:
    """The latent's size and distribution."""
    return Deviation("z", "100-d uniform", f"{card.z_size}-d {card.z_distribution}")


def recipe(card: Card, paper_epochs: str) -> list[Deviation]:
    """Of the training, as far as the card records it."""
    known: Any = card.training.get("recipe", {})
    if not isinstance(known, dict) or not known:
        return [Deviation("training", "Adam 2e-4, beta1 0.5, batches of 128", UNKNOWN)]
    rate, batch = known.get("learning_rate"), known.get("batch_size")
    epochs = card.training.get("epochs", known.get("epochs", "not known"))
    found = [Deviation("epochs of training", paper_epochs, str(epochs))]
    if rate != 2e-4:
        found.append(Deviation("learning rate", "2e-4", f"{rate}"))
    if batch != 128:
        found.append(Deviation("minibatch", "128", f"{batch}"))
    if known.get("precision", "float32") != "float32":
        found.append(Deviation("precision of training", "float32", str(known["precision"])))
    return found


def _maps(stages: Sequence[Stage]) -> str:
    return ", ".join(str(stage.channels) for stage in stages) or "none"


def _guidelines(stages: Sequence[Stage], role: str) -> list[Deviation]:
    """The paper's guidelines that the network does not keep (section 3)."""
    found = []
    if any(stage.pool > 1 or stage.upsample > 1 for stage in stages):
        found.append(Deviation("resampling", "strided convolutions alone", "pooling or upsampling"))
    bare = stages[1:-1] if role == "discriminator" else stages[:-1]
    if norms := sorted({str(stage.norm) for stage in bare} - {"channel", "unit"}):
        found.append(Deviation("norm", "batch norm in every hidden layer", ", ".join(norms)))
    wanted = "leaky_relu" if role == "discriminator" else "relu"
    if odd := sorted({str(stage.activation) for stage in stages[:-1]} - {wanted}):
        found.append(Deviation(f"activations of the {role}", wanted.replace("_", " "), ", ".join(odd)))
    if role == "generator" and stages[-1].activation != "tanh":
        found.append(Deviation("output of G", "tanh", stages[-1].activation))
    return found
