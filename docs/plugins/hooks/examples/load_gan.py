"""Opens `.latents` files: a linear generator of 16x16 grey images, written as rows of numbers."""

from gan_probe import GAN, BadInputError, Card, hookimpl


@hookimpl
def load_gan(request):
    """Open our format; None says that a file is somebody else's."""
    if request.path.suffix != ".latents":
        return None
    import torch

    from gan_probe.network import Network
    from gan_probe.stage import Stage

    rows = [line.split() for line in request.path.read_text(encoding="utf-8").splitlines()]
    try:
        weight = torch.tensor([[float(word) for word in row] for row in rows])  # (Z, 16 * 16)
    except ValueError:
        raise BadInputError(f"{request.path.name} holds no numbers, or rows of unequal length: write it anew") from None
    if weight.dim() != 2 or weight.shape[1] != 256:
        raise BadInputError(f"{request.path.name} needs rows of 256 numbers, one row for each latent dimension")
    stages = (Stage("linear", len(weight), 256, shape=(1, 16, 16), activation="tanh"),)
    generator = Network(stages, 1).eval().requires_grad_(False)
    generator.load_state_dict({"dense1.op.weight": weight.T.contiguous()})
    card = Card(request.path.stem, "latents", image_size=16, channels=1, z_size=len(weight), generator=stages)
    return GAN(card, generator)
