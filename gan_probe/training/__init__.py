"""Training a DCGAN by the paper's recipe: `loop.train` on arrays, `checkpoint.train_checkpoint` from data to file."""

from gan_probe.training.recipe import Recipe

__all__ = ["Recipe"]
