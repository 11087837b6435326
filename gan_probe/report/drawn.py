"""Figures drawn where their analysis ran, so that no other process needs its code, and no later moment runs it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gan_probe.report.model import Report


@dataclass(frozen=True)
class Drawn:
    """A picture as the writers want it, ready; `chart` where matplotlib drew it, rather than given as pixels."""

    png: bytes
    pdf: bytes
    chart: bool = True


def with_drawings(report: Report) -> Report:
    """The report with every matplotlib figure drawn; pixels stay as they are."""
    import numpy as np

    from gan_probe.report.drawing import pdf, png

    return dataclasses.replace(
        report,
        figures=[
            figure
            if isinstance(figure.content, np.ndarray)
            else dataclasses.replace(figure, content=Drawn(png(figure), pdf(figure)))
            for figure in report.figures
        ],
    )
