"""What an analysis returns: findings, tables, figures and notes, as data; the writers turn them into files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure as MatplotlibFigure

    from gan_probe.report.drawn import Drawn

Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Table:
    """Rows of cells under columns.

    `rows` are mappings from column to cell (str, int, float, bool or None), all with the same keys; `formats` are
    Python format specs by column (`".1%"`, `".2g"`) for people: CSV and JSON hold the full values. `name` is a
    lower-case identifier, unique in its analysis; `caption` states n, interval and control. `links` leads, on the page,
    from cells with these words to the parts of the report with these names.
    """

    name: str
    rows: Sequence[Mapping[str, Cell]]
    title: str = ""
    caption: str = ""
    formats: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, in the order of the first row."""
        return tuple(self.rows[0]) if self.rows else ()

    def text(self, column: str, value: Cell) -> str:
        """A cell as people read it: formatted, None as an en dash."""
        if value is None:
            return "–"  # noqa: RUF001  # an en dash
        spec = self.formats.get(column)
        if spec and isinstance(value, int | float) and not isinstance(value, bool):
            return format(value, spec)
        if isinstance(value, float):
            return format(value, ".4g")
        return str(value)

    def to_pandas(self) -> pd.DataFrame:
        """The table as a DataFrame with full values."""
        import pandas as pd

        return pd.DataFrame([dict(row) for row in self.rows], columns=list(self.columns))


@dataclass(frozen=True)
class Figure:
    """A picture: a matplotlib figure (made with `matplotlib.figure.Figure`, never pyplot), pixels, or one drawn before.

    Pixels are (H, W, 3) or (H, W) uint8 and are shown unsmoothed. `name` is a lower-case identifier; `alt` says in one
    sentence what a reader who cannot see it should know.
    """

    name: str
    content: MatplotlibFigure | np.ndarray | Drawn
    title: str = ""
    caption: str = ""
    alt: str = ""

    @property
    def is_chart(self) -> bool:
        """Whether it was drawn by matplotlib, rather than given as pixels."""
        return not hasattr(self.content, "dtype") and getattr(self.content, "chart", True)


@dataclass(frozen=True)
class Artifact:
    """A named file beside the report (an animation, a keep-list): its bytes, or the path of a file to copy."""

    name: str
    content: bytes | Path
    caption: str = ""


@dataclass(frozen=True)
class Measure:
    """One number with the values behind it, so that the same analysis of several checkpoints can be compared.

    `values` are (N,) floats: one for each `unit` (`"test image"`, `"sample"`, `"walk"`), whose mean is the number; or,
    where `estimate` is given, replicates of that number, drawn by the same `ctx.rng` for every checkpoint, whose
    deviation is its error. `title` says what is measured, its feature space too: numbers under other titles are not
    compared. `units` says which units they are (a data fingerprint, a seed): two measures whose `units` agree are
    paired, value by value. Samples of two generators at the same latents are such a pair (common random numbers): right
    for any two, and narrower where they draw alike. `share` says whether the number is a share of the units, each value
    0 or 1; where nothing is said, whether all are decides. `better` is `"higher"`, `"lower"` or, where neither is,
    empty; `format` is a Python format spec. `name` is a lower-case identifier, unique in its analysis.
    """

    name: str
    values: np.ndarray
    title: str = ""
    unit: str = ""
    units: str = ""
    estimate: float | None = None
    better: Literal["higher", "lower", ""] = ""
    format: str = ".4g"
    share: bool | None = None

    @property
    def value(self) -> float:
        """The number itself."""
        return float(self.values.mean()) if self.estimate is None else self.estimate


@dataclass(frozen=True)
class Report:
    """The outcome of one analysis.

    An analysis fills `findings` (what came out, in sentences that hold their numbers, intervals and controls: who reads
    no further knows the answer), `tables`, `figures`, `artifacts`, `measures`, `methods` (the paragraph that a paper
    would print: what was done, with its numbers, citing the analysis' `references` as `[@key]`) and `notes` (sentences
    a reader must know: what was assumed, skipped, recomputed). The runner adds the rest: `references` are the BibTeX
    entries of what is cited, `status` is `ok`, `failed`, `refused` or `interrupted`, `error` its one-line reason, `key`
    what names all that the result depends on, `analysis` the title of the analysis, which the methods go by.
    """

    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    artifacts: Sequence[Artifact] = ()
    measures: Sequence[Measure] = ()
    methods: str = ""
    references: Sequence[str] = ()
    findings: Sequence[str] = ()
    notes: Sequence[str] = ()
    name: str = ""
    title: str = ""
    status: str = "ok"
    error: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    plugin: str = ""
    seconds: float = 0.0
    key: str = ""
    analysis: str = ""

    def __str__(self) -> str:
        """What came out, and which tables and figures tell more: a page's worth, where `repr` has everything."""
        parts: dict[str, Sequence[Table | Figure | Artifact]] = {
            "tables": self.tables,
            "figures": self.figures,
            "artifacts": self.artifacts,
        }
        there = (f"{kind}: {', '.join(part.name for part in some)}" for kind, some in parts.items() if some)
        wrong = [f"{self.status}: {self.error}"] if self.error else []
        return "\n".join([self.title or self.name or "Report", *wrong, *self.findings, *there])

    def table(self, name: str) -> Table:
        """The table of that name; KeyError names those there are."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(f"no table {name!r}; there are: {', '.join(t.name for t in self.tables) or 'none'}")

    def _repr_html_(self) -> str:
        from gan_probe.report.html import render_analysis

        return render_analysis(self)


@dataclass
class RunReport:
    """A whole run: `checkpoint` (the card), `run` (command, versions, device, threads, seed, data), its analyses.

    `title` heads the page; without, the checkpoint's name does.
    """

    checkpoint: dict[str, Any]
    run: dict[str, Any]
    analyses: list[Report] = field(default_factory=list)
    title: str = ""

    def __getitem__(self, name: str) -> Report:
        for report in self.analyses:
            if report.name == name:
                return report
        raise KeyError(f"no analysis {name!r}; there are: {', '.join(r.name for r in self.analyses) or 'none'}")

    def to_dict(self) -> dict[str, Any]:
        """The report as `report.json` holds it."""
        from gan_probe.report.json import to_dict

        return to_dict(self)

    def _repr_html_(self) -> str:
        from gan_probe.report.html import render_analysis

        return "".join(render_analysis(report) for report in self.analyses)
