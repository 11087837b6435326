"""Tables 1 and 2: what D's features are worth to a linear classifier (sections 5.1 and 5.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from gan_probe_plugins.paper.item import Deviation, Item, Outcome, Plan, name_of, number, only, value
from gan_probe_plugins.paper.networks import discriminator

if TYPE_CHECKING:
    from gan_probe import Report
    from gan_probe.data import Data
    from gan_probe_plugins.paper.item import Word, World

TRAINED = "trained D"
ACCURACY = ("accuracy", "low", "high")
QUICK_TRAIN, QUICK_TEST, QUICK_C = 5000, 2000, (1e-5, 1e-4, 1e-3, 1e-2)


class Probe(Item):
    """What the two tables share."""

    analysis = "linear-probe"
    protocol: ClassVar[str]
    set_name: ClassVar[str]  # of the paper's labelled images, in lower case
    labels_per_class: ClassVar[int]
    quick_draws: ClassVar[int]

    def plan(self, world: World) -> Plan:
        """The protocol's, with as many labels a class as there are."""
        data = world.labelled_as(self.set_name)
        if data is None:
            return Plan(
                missing=f"needs labelled images: pass --labelled {self.set_name} --download, or --labelled FOLDER of "
                "class sub-folders"
            )
        options: dict[str, Any] = {"protocol": self.protocol}
        n = len(data.train)
        if world.quick:
            n = min(QUICK_TRAIN, n)
            options |= {"c": QUICK_C, "draws": self.quick_draws}
            options |= {"train_size": n} if n < len(data.train) else {}
            options |= {"test_size": QUICK_TEST} if data.test is not None and len(data.test) > QUICK_TEST else {}
        few = min(self.labels_per_class, int(_rarest(data) * n / len(data.train) * 0.4))
        if few < self.labels_per_class:
            options["labels_per_class"] = (max(1, few),)
        return Plan(options, data)

    def _of_labels(self, world: World, report: Report) -> list[Deviation]:
        """The labelled images, and what was asked of them."""
        data = world.labelled_as(self.set_name)
        row = only(report, "few-labels", features=TRAINED)
        found = []
        if number(row["labels per class"]) != self.labels_per_class:
            found.append(Deviation("few labels a class", str(self.labels_per_class), str(row["labels per class"])))
        if data is None or self.set_name not in data.name.lower():
            found.insert(0, Deviation("labelled images", self.set_name.upper(), name_of(data)))
        return found


class Cifar10(Probe):
    """Table 1."""

    name = "table-1"
    place = "Table 1"
    title = "CIFAR-10 with a linear classifier on D's features"
    claim = "82.8% on CIFAR-10 with all labels, 73.8% (spread 0.4%) with 400 a class"
    minutes = (40, 4)
    protocol = "cifar10"
    set_name = "cifar10"
    labels_per_class = 400
    quick_draws = 3

    def deviations(self, world: World, report: Report) -> list[Deviation]:
        """Of D, of the labelled images and of the features."""
        row = only(report, "accuracy", features=TRAINED)
        found = discriminator(world.gan.card, "ImageNet-1k, 32x32 pixels", "128, 128, 256, 256, 512, 512", "not stated")
        found += self._of_labels(world, report)
        if row["dimensions"] != 28672:
            found.append(Deviation("features", "28,672", f"{row['dimensions']:,}"))
        if row["n_train"] != 50_000 or row["n_test"] != 10_000:
            here = f"{row['n_train']:,} training and {row['n_test']:,} test images"
            found.append(Deviation("images used", "50,000 training and 10,000 test images", here))
        return found

    def outcome(self, world: World, report: Report) -> Outcome:
        """Beside the paper's number; a claim only where D and data are of the paper's kind."""
        from gan_probe_plugins.linear_probe.published import CIFAR10

        row, few = only(report, "accuracy", features=TRAINED), only(report, "few-labels", features=TRAINED)
        random = [r for r in report.table("accuracy").rows if "random" in str(r["features"])]
        beside = f"; random weights {value(random[0], ACCURACY, '.1%')}" if random else ""
        here = (
            f"{value(row, ACCURACY, '.1%')} with all {row['n_train']:,} labels{beside}; "
            f"{value(few, ACCURACY, '.1%')} with {few['labels per class']} a class; n = {row['n_test']:,} test images"
        )
        published = next(r[1] for r in CIFAR10 if r[0].startswith("DCGAN"))
        if why := _incomparable(self, world, "imagenet", "ImageNet"):
            return Outcome(here, "not comparable", why)
        return Outcome(
            here, _reaches(row, published), f"claimed: {published:.1%}; the interval says whether it is reached"
        )


class Svhn(Probe):
    """Table 2."""

    name = "table-2"
    place = "Table 2"
    title = "SVHN with 1,000 labels"
    claim = "22.48% test error on SVHN with 1,000 labels"
    minutes = (30, 3)
    protocol = "svhn"
    set_name = "svhn"
    labels_per_class = 100
    quick_draws = 10

    def deviations(self, world: World, report: Report) -> list[Deviation]:
        """Of D and of the labelled images."""
        row = only(report, "few-labels", features=TRAINED)
        found = discriminator(world.gan.card, "SVHN, 32x32 pixels", "64, 128, 256 (release)", "200 (release)")
        found += self._of_labels(world, report)
        if row["draws"] != 100:
            found.append(Deviation("draws of the labels", "100 (release)", str(row["draws"])))
        if row["n_test"] != 26_032:
            found.append(Deviation("test images", "26,032", f"{row['n_test']:,}"))
        return found

    def outcome(self, world: World, report: Report) -> Outcome:
        """As Table 1's, in errors as the paper prints them."""
        from gan_probe_plugins.linear_probe.published import SVHN

        row = only(report, "few-labels", features=TRAINED)
        low, high = 1 - number(row["high"]), 1 - number(row["low"])
        here = (
            f"{1 - number(row['accuracy']):.1%} ({low:.1%} to {high:.1%}) test error with {row['n_train']:,} labels, "
            f"{row['draws']} draws; n = {row['n_test']:,} test images"
        )
        published = next(error for method, error in SVHN if method.startswith("DCGAN"))
        if why := _incomparable(self, world, "svhn", "SVHN"):
            return Outcome(here, "not comparable", why)
        return Outcome(
            here, _reaches(row, 1 - published), f"claimed: {published:.1%}; the interval says whether it is reached"
        )


def _rarest(data: Data) -> int:
    labels = data.train.labels
    assert labels is not None  # noqa: S101  # chosen for them
    import numpy as np

    counts = np.bincount(labels)
    share = 1.0 if data.test is not None else 0.8  # a fifth is drawn as the test set
    return int(counts[counts > 0].min() * share)


def _incomparable(item: Probe, world: World, trained: str, called: str) -> str:
    """Why the paper's number cannot be asked for; empty where it can."""
    data = world.labelled_as(item.set_name)
    why = []
    if trained not in world.gan.card.training_data.lower():
        here = world.gan.card.training_data or "data that its card does not name"
        why.append(f"the paper's D was trained on {called}, this one on {here}")
    if data is None or item.set_name not in data.name.lower():
        why.append(f"the labelled images are not {item.set_name.upper()}")
    if world.quick:
        why.append("--quick uses a part of the images")
    return "; ".join(why)


def _reaches(row: object, published: float) -> Word:
    assert isinstance(row, dict)  # noqa: S101  # a table's row
    if number(row["low"]) >= published:
        return "held"
    return "did not hold" if number(row["high"]) < published else "undecided"
