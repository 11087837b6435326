"""Reports: what an analysis returns, and the writers that turn it into pages, tables and pictures."""

from gan_probe.report.drawn import Drawn
from gan_probe.report.model import Artifact, Cell, Figure, Measure, Report, RunReport, Table
from gan_probe.report.text import quoted

__all__ = ["Artifact", "Cell", "Drawn", "Figure", "Measure", "Report", "RunReport", "Table", "quoted"]
