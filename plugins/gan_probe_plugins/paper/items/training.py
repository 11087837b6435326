"""The paper's claims about training: stable, without collapse, with samples near to real images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gan_probe_plugins.paper.item import Deviation, Item, Outcome, Plan, number, only, value
from gan_probe_plugins.paper.networks import generator

if TYPE_CHECKING:
    from gan_probe import Report
    from gan_probe_plugins.paper.item import World

QUICK = 1000
FAR = 0.05  # of the samples among real images, surely fewer: they are like none


class NoCollapse(Item):
    """Stable training without mode collapse."""

    name = "no-collapse"
    place = "section 3"
    title = "Stable training, without mode collapse"
    analysis = "collapse"
    claim = "the guidelines give stable training; no mode collapse is reported"
    minutes = (5, 2)

    def plan(self, world: World) -> Plan:
        """Samples beside held-out real images."""
        if world.data is None:
            return Plan(missing="needs the training images: pass --data")
        return Plan({"samples": _most(world, QUICK), "most": 2048} if world.quick else {}, world.data)

    def deviations(self, world: World, report: Report) -> list[Deviation]:  # noqa: ARG002  # the item's signature
        """Of G and its training."""
        return [*generator(world.gan.card), Deviation("evidence", "by eye", "support, bins and classes, by intervals")]

    def outcome(self, world: World, report: Report) -> Outcome:
        """The verdict's own; and held only if the support is surely a tenth of all that real images may have."""
        from gan_probe_plugins.collapse.verdict import FEW, NO_SIGN

        words = report.table("verdict").title.removeprefix("Verdict: ")
        mine, real = (only(report, "support", of=who) for who in ("samples", "real images"))
        verdict: Any = world.gan.card.training.get("verdict")
        steady = f"; its training was {verdict['words']}" if isinstance(verdict, dict) and "words" in verdict else ""
        here = f"{words}{steady}; support at least {_images(number(mine['low']))}; n = {mine['n']:,} samples"
        if words.startswith("collapsed"):
            return Outcome(here, "did not hold", "the signs are in the first table")
        bounded = real["high"] is not None
        if words == NO_SIGN and number(mine["low"]) >= FEW * number(real["high"] if bounded else real["low"]):
            whole = "of real images' support" if bounded else "of what real images, of which none collide, surely have"
            return Outcome(here, "held", f"no sign, and by the interval {FEW:.0%} {whole} or more")
        return Outcome(here, "undecided", _open(words, report))

    def undermines(self, report: Report) -> str:
        """Samples that have collapsed, or of which hardly one lies among real images."""
        if report.table("verdict").title.removeprefix("Verdict: ").startswith("collapsed"):
            return f"the samples have collapsed, see the paper's {self.place}"
        precision = only(report, "measures", measure="precision")
        if number(precision["high"]) < FAR:
            return f"by precision hardly a sample is like any real image, see the paper's {self.place}"
        return ""


class NearReal(Item):
    """How near the samples are to real images, which the paper does not measure."""

    name = "quality"
    place = "section 4"
    title = "How near samples are to real images"
    analysis = "quality"
    claim = "no number: the samples are shown"
    minutes = (4, 1)

    def plan(self, world: World) -> Plan:
        """FID and KID, beside held-out real images."""
        if world.data is None:
            return Plan(missing="needs the training images: pass --data")
        return Plan({"samples": _most(world, QUICK) if world.quick else 5000}, world.data)

    def deviations(self, world: World, report: Report) -> list[Deviation]:  # noqa: ARG002  # the item's signature
        """Of G."""
        return generator(world.gan.card)

    def outcome(self, world: World, report: Report) -> Outcome:  # noqa: ARG002  # the item's signature
        """Beside real images; the paper has no such number."""
        row, held = report.table("quality").rows
        here = (
            f"FID {value(row, ('FID', 'FID low', 'FID high'), '.3g')}, held-out real images "
            f"{value(held, ('FID', 'FID low', 'FID high'), '.3g')}; n = {row['n']:,}"
        )
        return Outcome(here, "not comparable", "the paper gives no such number")


def _open(words: str, report: Report) -> str:
    """Why there may be a collapse, though there is no sign of one."""
    from gan_probe_plugins.collapse.verdict import OPEN, UNLIKE

    precision = number(only(report, "measures", measure="precision")["samples"])
    unlike = f"the samples are too unlike real images (precision {precision:.1%}) for their kinds to be told"
    few = "no sign of a collapse, but the interval of its support does not exclude one"
    open_still = [*([unlike] if UNLIKE in words else []), *([few] if OPEN in words else [])]
    return "; ".join(open_still) or "no sign of a collapse, but real images may have more than ten times its support"


def _images(n: float) -> str:
    return f"{n:,.0f} image{'' if round(n) == 1 else 's'}"


def _most(world: World, n: int) -> int:
    return n if world.data is None else max(50, min(n, len(world.data.train) // 2))
