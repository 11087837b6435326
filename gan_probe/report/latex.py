"""Tables as LaTeX: booktabs, right-aligned numbers, and nothing that pdflatex does not know."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from gan_probe.report.text import cell_text, numeric_columns, shorten, visible

if TYPE_CHECKING:
    from gan_probe.report.model import Table

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
SENTENCE = 60  # characters: longer cells are no single words, and are broken into lines
SCIENTIFIC = re.compile(r"(-?[0-9.]+)e([+-][0-9]+)")


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


def _number(text: str) -> str:
    """A formatted number in LaTeX: a true minus sign, and powers of ten as such."""
    if match := SCIENTIFIC.fullmatch(text):
        mantissa, exponent = match[1], int(match[2])
        times = {"1": "", "-1": "-"}.get(mantissa, rf"{mantissa} \times ")
        return rf"${times}10^{{{exponent}}}$"
    return "$-$" + escape(text[1:]) if text.startswith("-") else escape(text)


def to_latex(table: Table, label: str) -> str:
    r"""A `table` environment for `\input`; `label` (a-z 0-9 - only) is what `\ref{tab:label}` names."""
    numbers = numeric_columns(table)
    # a longer line than 1,200 letters is more than TeX can measure
    caption = shorten(f"{_sentence(shorten(table.title or table.name))} {table.caption}".strip(), 1200)
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}[htbp]",
        r"  \centering",
        r"  \setlength{\belowcaptionskip}{1ex}",
        rf"  \caption{{{escape(caption)}}}",
        rf"  \label{{tab:{label}}}",
    ]
    if table.columns:
        lines += [
            rf"  \begin{{tabular}}{{@{{}}{_columns(table, numbers)}@{{}}}}",
            r"    \toprule",
            "    " + " & ".join(escape(column) for column in table.columns) + r" \\",
            r"    \midrule",
        ]
        for row in table.rows:
            cells = [
                (_number if column in numbers else escape)(cell_text(table, column, row[column]))
                for column in table.columns
            ]
            lines.append("    " + " & ".join(cells) + r" \\")
        lines += [r"    \bottomrule", r"  \end{tabular}"]
    return "\n".join([*lines, r"\end{table}", ""])


def _columns(table: Table, numbers: frozenset[str]) -> str:
    """Numbers flush right, words flush left; in a table of sentences, columns that break their lines."""
    longest = max((len(cell_text(table, c, row[c])) for row in table.rows for c in table.columns), default=0)
    if not numbers and longest > SENTENCE:
        return rf"p{{{0.9 / len(table.columns):.2f}\linewidth}}" * len(table.columns)
    return "".join("r" if c in numbers else "l" for c in table.columns)


def _sentence(title: str) -> str:
    return title if title.endswith((".", "?", "!")) else title + "."
