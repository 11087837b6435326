"""What the paper prints: its tables 1 and 2, to stand beside figures measured here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gan_probe import Table
from gan_probe.measures.intervals import spread

if TYPE_CHECKING:
    from gan_probe.report import Cell
    from gan_probe_plugins.linear_probe.ladder import Ladder

# method, accuracy with all labels, accuracy with 400 a class, its printed spread, most features in a layer
CIFAR10 = (
    ("1-layer K-means", 0.806, 0.637, 0.007, 4800),
    ("3-layer K-means, learned RF", 0.820, 0.707, 0.007, 3200),
    ("view-invariant K-means", 0.819, 0.726, 0.007, 6400),
    ("Exemplar CNN", 0.843, 0.774, 0.002, 1024),
    ("DCGAN + L2-SVM", 0.828, 0.738, 0.004, 512),
)
# method, test error with 1,000 labels
SVHN = (
    ("KNN", 0.7793),
    ("TSVM", 0.6655),
    ("M1 + KNN", 0.6563),
    ("M1 + TSVM", 0.5433),
    ("M1 + M2", 0.3602),
    ("SWWAE without dropout", 0.2783),
    ("SWWAE with dropout", 0.2356),
    ("DCGAN + L2-SVM", 0.2248),
    ("supervised CNN, same architecture (validation error)", 0.2887),
)
PUBLISHED, MEASURED = "published", "measured here"
CAPTION = (
    "Published rows are as the paper prints them{where}; measured rows are this report's, on {data}. Spreads are 1.96 "
    "standard deviations over draws of the labelled images, as printed; they are no intervals of the mean."
)


def published(ladder: Ladder) -> list[Table]:
    """The paper's table for this protocol with this report's rows beside it; none where the protocol is not its own."""
    data = ladder.ctx.data.name if ladder.ctx.data else "this data"
    if ladder.options.protocol == "cifar10":
        few = {found.name: found for found in ladder.few if found.labels_per_class == ladder.few[0].labels_per_class}
        return [
            Table(
                "paper-table-1",
                [
                    *(
                        _cifar10_row(name, PUBLISHED, full, accuracy, wide, maps)
                        for name, full, accuracy, wide, maps in CIFAR10
                    ),
                    *(
                        _cifar10_row(
                            _method(p.name),
                            MEASURED,
                            float((p.predictions == ladder.world.truth).mean()),
                            float(few[p.name].right.mean()),
                            spread(few[p.name].right.mean(1)),
                            None,
                        )
                        for p in ladder.probes
                        if p.name in few
                    ),
                ],
                title="Beside the paper's Table 1",
                caption=CAPTION.format(where=" for CIFAR-10", data=data)
                + f" Few labels: 400 a class as published, {ladder.few[0].labels_per_class} a class as measured.",
                formats=dict.fromkeys(("accuracy", "accuracy, few labels", "spread"), ".1%") | {"most maps": ","},
            )
        ]
    if ladder.options.protocol == "svhn":
        first = [found for found in ladder.few if found.labels_per_class == ladder.few[0].labels_per_class]
        return [
            Table(
                "paper-table-2",
                [
                    *(_svhn_row(name, PUBLISHED, error, None) for name, error in SVHN),
                    *(
                        _svhn_row(_method(f.name), MEASURED, 1 - float(f.right.mean()), spread(f.right.mean(1)))
                        for f in first
                    ),
                ],
                title="Beside the paper's Table 2",
                caption=CAPTION.format(where=" for SVHN with 1,000 labels", data=data)
                + f" Measured with {first[0].n_train:,} labels.",
                formats=dict.fromkeys(("test error", "spread"), ".2%"),
            )
        ]
    return []


def _cifar10_row(
    method: str, source: str, accuracy: float, few: float, wide: float, maps: int | None
) -> dict[str, Cell]:
    return {
        "method": method,
        "source": source,
        "accuracy": accuracy,
        "accuracy, few labels": few,
        "spread": wide,
        "most maps": maps,
    }


def _svhn_row(method: str, source: str, error: float, wide: float | None) -> dict[str, Cell]:
    return {"method": method, "source": source, "test error": error, "spread": wide}


def _method(name: str) -> str:
    return name if name == "supervised CNN" else f"{name} + L2-SVM"
