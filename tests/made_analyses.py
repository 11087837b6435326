"""Analyses made of a function, for tests of what runs them."""

from gan_probe import Analysis, Report, Table
from gan_probe.plugins import Registered
from gan_probe.tasks import Task


def analysis(body, name="probe-test", needs=frozenset({"sample"})):
    """An analysis that does `body(gan, ctx)`."""

    def run(_self, gan, _options, ctx):
        return body(gan, ctx) or Report()

    made = type("Made", (Analysis,), {"name": name, "needs": needs, "run": run, "__doc__": "Made by a test."})
    return Task(Registered(made, name, "tests 1.0"))


def numbers(gan, ctx):
    """What another analysis could have changed, in one row."""
    images = gan.sample(gan.latent(4, ctx.rng("z")))
    nets = gan.generator, gan.discriminator
    rows = [
        {
            "sum": float(images.sum()),
            "noise": float(ctx.rng("noise").random()),
            "steps": gan.card.training.get("steps", 0),
            "modules": ", ".join(name for net in nets for name, _ in net.named_modules()),
            "learns": all(p.requires_grad for net in nets for p in net.parameters()),
        }
    ]
    return Report(tables=[Table("numbers", rows)])


def crash(_gan, _ctx):
    raise ZeroDivisionError("division by zero")
