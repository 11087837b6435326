"""Tables and figures as LaTeX: booktabs, right-aligned numbers, and nothing that pdflatex does not know."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from gan_probe.report.text import cell_text, heading, numeric_columns, shorten, visible
from gan_probe.report.typesetting import APART, COLUMN, HEIGHT, Layout, Sheet, lay_out, pieces, points, stack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe.report.model import Figure, Table

# Characters with a meaning to TeX, or that a plain font shows as another; brackets and stars are optional arguments
# behind a line's end.
SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''", "`": r"\textasciigrave{}",
    "[": "{[}", "]": "{]}", "*": "{*}",
    "\u2013": "--", "\u2014": "---", "\u2018": "`", "\u2019": "'", "\u201c": "``", "\u201d": "''", "\u2026": r"\dots{}",
    "\u00a0": "~", "\u2212": "$-$", "\u00b1": r"$\pm$", "\u00d7": r"$\times$", "\u00b7": r"$\cdot$",
    "\u00b0": r"$^\circ$",
    "\u2264": r"$\le$", "\u2265": r"$\ge$", "\u2248": r"$\approx$", "\u2192": r"$\to$", "\u221e": r"$\infty$",
    "\u00df": r"\ss{}", "\u00e6": r"\ae{}", "\u00c6": r"\AE{}", "\u00f8": r"\o{}", "\u00d8": r"\O{}",
    "\u00e5": r"\aa{}", "\u00c5": r"\AA{}", "\u0142": r"\l{}", "\u0141": r"\L{}",
    "\u0131": r"\i{}", "\u0153": r"\oe{}", "\u0152": r"\OE{}",
    "\u00b5": r"$\mu$", "\u03b1": r"$\alpha$", "\u03b2": r"$\beta$", "\u03b3": r"$\gamma$", "\u03b4": r"$\delta$",
    "\u03b5": r"$\varepsilon$", "\u03bb": r"$\lambda$", "\u03bc": r"$\mu$", "\u03c0": r"$\pi$", "\u03c3": r"$\sigma$",
}  # fmt: skip
ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c", "\u0323": "d",
}  # fmt: skip
CAPTION, HEADING = 1200, 120  # characters: TeX cannot measure a line much longer than the one
SCIENTIFIC = re.compile(r"(-?[0-9.]+)e([+-][0-9]+)")
# in prose: a power of ten, or a size such as 16x16, which are no part of a word
IN_PROSE = re.compile(r"(?<![\w.])(?:(?:\d+(?:\.\d+)?)e[+-]\d+|[1-9]\d*(?:x[1-9]\d*)+)(?![\w])", re.ASCII)
MEDIA_BOX = re.compile(rb"/MediaBox ?\[ ?0 0 ([0-9.]{1,24}) ([0-9.]{1,24}) ?\]")


def escape(text: str) -> str:
    """The text in ASCII with every special character escaped; what plain fonts lack becomes its code, `[U+4E2D]`."""
    text = visible(text)
    pieces = []
    for c, following in zip(text, text[1:] + " ", strict=False):
        ligature = c == following and c in "-',"  # `--train-size` keeps both its dashes
        pieces.append(_character(c) + ("{}" if ligature else ""))
    return "".join(pieces)


def _character(c: str) -> str:
    if c in SPECIAL:
        return SPECIAL[c]
    if c.isascii():
        return c
    parts = unicodedata.normalize("NFD", c)
    if len(parts) == 2 and parts[0].isascii() and parts[0].isalpha() and parts[1] in ACCENTS:
        return rf"\{ACCENTS[parts[1]]}{{{parts[0]}}}"
    return f"{{[}}U+{ord(c):04X}{{]}}"


def prose(text: str) -> str:
    """The text escaped, with powers of ten and sizes such as 16x16 set as mathematics."""
    text = visible(text)
    found, start = "", 0
    for match in IN_PROSE.finditer(text):
        said = _number(match[0]) if "e" in match[0] else "$" + match[0].replace("x", r" \times ") + "$"
        found += escape(text[start : match.start()]) + said
        start = match.end()
    return found + escape(text[start:])


def _number(text: str) -> str:
    """A formatted number in LaTeX: a true minus sign, and powers of ten as such."""
    if match := SCIENTIFIC.fullmatch(text):
        mantissa, exponent = match[1], int(match[2])
        times = {"1": "", "-1": "-"}.get(mantissa, rf"{mantissa} \times ")
        return rf"${times}10^{{{exponent}}}$"
    if text[:1] in ("-", "<"):
        return f"${text[0]}$" + escape(text[1:])
    return escape(text)


def to_latex(table: Table, label: str) -> str:
    r"""A float for `\input`, `table` or `table*` as its width asks; `\ref{tab:label}` names it.

    `label` is of a-z 0-9 - only. A table longer than a page becomes several floats under one number.
    """
    numbers = numeric_columns(table)
    headings = [shorten(heading(column), HEADING) for column in table.columns]
    rows = [[cell_text(table, column, row[column]) for column in table.columns] for row in table.rows]
    title = _sentence(shorten(table.title or table.name))
    caption = shorten(f"{title} {table.caption}".strip(), CAPTION)
    printed = [[SCIENTIFIC.sub(r"\1 × 10\2", cell) for cell in row] for row in rows]  # noqa: RUF001  # the right sign
    layout = lay_out(headings, printed, [column in numbers for column in table.columns], caption)
    float_ = "table*" if layout.across else "table"
    packages = ["array"] * bool(layout.shares) + ["booktabs"] + ["graphicx"] * layout.across
    lines = [rf"% needs \usepackage{{{','.join(packages)}}}"]
    if layout.across:
        lines.append("% made for both columns of a two-column page; shrunk to fit where the page is narrower")
    for number, sheets in enumerate(layout.floats):
        lines += [rf"\begin{{{float_}}}[htbp]", r"  \centering", r"  \setlength{\belowcaptionskip}{1ex}"]
        if number:
            lines += [r"  \addtocounter{table}{-1}", rf"  \caption{{{_text(title)} Continued.}}"]
        else:
            lines += [rf"  \caption{{{_text(caption)}}}", rf"  \label{{tab:{label}}}"]
        if headings and layout.size.command:
            lines.append(rf"  {layout.size.command}\setlength{{\tabcolsep}}{{{layout.size.gap:g}pt}}")
        for place, sheet in enumerate(sheets if headings else ()):
            lines += [r"  \par\medskip"] if place else []
            lines += _tabular(sheet, layout, headings, rows, [column in numbers for column in table.columns])
        lines.append(rf"\end{{{float_}}}")
    return "\n".join([*lines, ""])


def _tabular(
    sheet: Sheet, layout: Layout, headings: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[bool]
) -> list[str]:
    def column(i: int) -> str:
        if i in layout.shares:
            return rf">{{\raggedright\arraybackslash}}p{{{layout.shares[i]:.3f}\linewidth}}"
        return "r" if numbers[i] else "l"

    def head(i: int) -> str:
        if i in layout.shares:
            return _text(headings[i])
        if not layout.stacked:
            return escape(headings[i])
        lines = list(map(escape, stack(headings[i], max((points(row[i]) for row in rows), default=0.0))))
        joined = r" \\ ".join(lines)
        return joined if len(lines) == 1 else rf"\begin{{tabular}}[b]{{@{{}}{column(i)}@{{}}}}{joined}\end{{tabular}}"

    def cell(i: int, text: str) -> str:
        return _text(text) if i in layout.shares else _number(text) if numbers[i] else escape(text)

    before, behind = (r"  \sbox0{", "}") if layout.across else ("  ", "")
    lines = [rf"{before}\begin{{tabular}}{{@{{}}{''.join(map(column, sheet.columns))}@{{}}}}", r"    \toprule"]
    lines += ["    " + " & ".join(map(head, sheet.columns)) + r" \\", r"    \midrule"]
    for n in sheet.rows:
        lines += [rf"    \addlinespace[{APART:g}pt]"] if layout.shares and n > sheet.rows[0] else []
        lines.append("    " + " & ".join(cell(i, rows[n][i]) for i in sheet.columns) + r" \\")
    lines += [r"    \bottomrule", rf"  \end{{tabular}}{behind}"]
    shrunk = r"  \resizebox{\ifdim\wd0>\linewidth\linewidth\else\wd0\fi}{!}{\usebox0}"
    return [*lines, shrunk] if layout.across else lines


def _text(text: str) -> str:
    """Prose whose long words, such as a file's path, may break."""
    return r"\allowbreak{}".join(map(prose, pieces(text)))


def figure_to_latex(figure: Figure, file: str, pdf: bytes, label: str) -> str:
    r"""A float with the figure's PDF and its caption; `\ref{fig:label}` names it.

    `file` is the PDF's name, which `\graphicspath` finds. Its own width says whether it takes both columns.
    """
    match = MEDIA_BOX.search(pdf)
    # a PDF's points are 1/72 of an inch, TeX's 1/72.27
    width, height = (float(size) * 72.27 / 72 for size in match.groups()) if match else (COLUMN, COLUMN)
    across = width > COLUMN * 1.15
    room = r"\linewidth" if across or width > COLUMN * 0.9 else f"{width:.0f}pt"
    tall = rf",height={HEIGHT - 95:.0f}pt,keepaspectratio" if height > HEIGHT - 95 else ""
    float_ = "figure*" if across else "figure"
    caption = shorten(f"{_sentence(shorten(figure.title or figure.name))} {figure.caption}".strip(), CAPTION)
    return "\n".join(
        [
            r"% needs \usepackage{graphicx} and \graphicspath{{FOLDER/}}, the folder of this file",
            rf"\begin{{{float_}}}[htbp]",
            r"  \centering",
            rf"  \includegraphics[width={room}{tall}]{{{file}}}",
            rf"  \caption{{{_text(caption)}}}",
            rf"  \label{{fig:{label}}}",
            rf"\end{{{float_}}}",
            "",
        ]
    )


def _sentence(title: str) -> str:
    return title if title.endswith((".", "?", "!")) else title + "."
