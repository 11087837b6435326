"""Adds `gan-probe mean`: the mean brightness of a few samples, as one number."""

import click

from gan_probe import hookimpl


@click.command(short_help="Print the mean brightness of samples.")
@click.argument("ckpt")
@click.option("--count", default=16, show_default=True, help="How many samples.")
def mean(ckpt, count):
    """Print how bright the samples of CKPT are on average, from 0 to 255."""
    import numpy as np

    import gan_probe

    gan = gan_probe.load(ckpt)
    images = gan.to_uint8(gan.sample(gan.latent(count, np.random.default_rng(0))))
    click.echo(f"{images.mean():.1f}")


@hookimpl
def register_commands(group):
    """Put the command among gan-probe's own, none of which it can replace."""
    group.add_command(mean)
