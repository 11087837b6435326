"""Table 3: a nearest-neighbour classifier fitted on samples (the supplement, section 8.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gan_probe_plugins.paper.item import Deviation, Item, Outcome, Plan, above_zero, name_of, number, value
from gan_probe_plugins.paper.networks import latent, recipe, trained_on

if TYPE_CHECKING:
    from gan_probe import Report
    from gan_probe_plugins.paper.item import World

SAMPLES = 50_000
ERROR = ("test error", "low", "high")


class Digits(Item):
    """Table 3."""

    name = "table-3"
    place = "Table 3"
    title = "A nearest-neighbour classifier fitted on conditional samples"
    analysis = "nn-classifier"
    claim = "2.98% error on MNIST when fitted on 50,000 samples, less than the 3.1% of real images; 1.48% on 10 million"
    minutes = (6, 0.5)

    def plan(self, world: World) -> Plan:
        """50,000 samples, against real images of the model's own classes."""
        classes = set(world.gan.card.classes)
        if not classes:
            return Plan(
                missing="needs a generator conditioned on labels, and this one is not: gan-probe train --data mnist "
                "--conditional, or gan-probe paper mnist-conditional-dcgan"
            )
        sets = [world.data, *world.labelled]
        fitting = [d for d in sets if d is not None and d.train.labels is not None and set(d.train.classes) == classes]
        if not fitting:
            return Plan(missing=f"needs real images of the model's {len(classes)} classes: pass --data or --labelled")
        options: dict[str, Any] = {"sizes": (5000,), "test_size": 2000} if world.quick else {"sizes": (10_000, 50_000)}
        data = fitting[0]
        size = len(data.test) if data.test is not None else len(data.train) // 5
        options |= {"test_size": min(2000, size)} if world.quick else {}
        return Plan(options, data)

    def deviations(self, world: World, report: Report) -> list[Deviation]:
        """Of G, the data and the number of samples."""
        plan, row = self.plan(world), _largest(report)
        found = [
            trained_on(world.gan.card, "MNIST, 28x28 pixels"),
            latent(world.gan.card),
            *recipe(world.gan.card, "200 (release)"),
        ]
        found += [
            Deviation("batch norm", "without gain and shift", _norm(world)),
            Deviation("largest number of samples", "10,000,000", f"{row['samples']:,}"),
        ]
        if plan.data is None or "mnist" not in plan.data.name.lower() or "fashion" in plan.data.name.lower():
            found.append(Deviation("real images", "MNIST", name_of(plan.data)))
        if row["n_test"] != 10_000:
            found.append(Deviation("test images", "10,000", f"{row['n_test']:,}"))
        return found

    def outcome(self, world: World, report: Report) -> Outcome:  # noqa: ARG002  # the item's signature
        """Whether samples are worth more than real images, as the paper's numbers say."""
        row = _largest(report)
        mine = next(
            r
            for r in report.table("errors").rows
            if r["source"] == "measured here" and r["n"] == row["samples"] and str(r["training set"]) != "real data"
        )
        difference = value(row, ("difference", "low", "high"), "+.2%")
        here = (
            f"{value(mine, ERROR, '.2%')} with {row['samples']:,} samples, {difference} against {row['real images']:,} "
            f"real images; n = {row['n_test']:,} test images"
        )
        if number(row["samples"]) < SAMPLES:
            return Outcome(here, "not comparable", f"the paper's claim is about {SAMPLES:,} samples")
        word = above_zero(-number(row["high"]), -number(row["low"]))
        return Outcome(here, word, "claimed: fewer errors with samples than with real images, paired by test image")


def _largest(report: Report) -> Any:
    """The difference of most samples, to as many real images where there are so many."""
    rows = report.table("differences").rows
    most = max(number(row["samples"]) for row in rows)
    mine = [row for row in rows if row["samples"] == most]
    return next((row for row in mine if row["real images"] == most), mine[-1])


def _norm(world: World) -> str:
    stages = world.gan.card.generator or ()
    learned = any(stage.norm in ("channel", "unit") and stage.affine for stage in stages)
    return "with gain and shift" if learned else "without gain and shift"
