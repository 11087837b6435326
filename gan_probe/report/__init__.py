"""Reports: what an analysis returns, and the writers that turn it into pages, tables and pictures."""

from gan_probe.report.model import Artifact, Cell, Drawn, Figure, Measure, Report, RunReport, Table

__all__ = ["Artifact", "Cell", "Drawn", "Figure", "Measure", "Report", "RunReport", "Table"]
