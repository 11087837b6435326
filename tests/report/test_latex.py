from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_probe.report import RunReport, Table
from gan_probe.report.latex import escape, to_latex

DOCUMENT = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n%s\\end{document}\n"


def test_a_table_is_set_with_booktabs_and_numbers_flush_right() -> None:
    rows = [{"features": "D_1", "accuracy": 0.614, "C": 1e-4}, {"features": "[x]", "accuracy": None, "C": -2.5e-7}]
    table = Table("accuracy", rows, "Accuracy", "n = 10 %.", {"accuracy": ".1%", "C": ".2g"})
    assert to_latex(table, "linear-probe-accuracy") == (
        "% needs \\usepackage{booktabs}\n"
        "\\begin{table}[htbp]\n"
        "  \\centering\n"
        "  \\setlength{\\belowcaptionskip}{1ex}\n"
        "  \\caption{Accuracy. n = 10 \\%.}\n"
        "  \\label{tab:linear-probe-accuracy}\n"
        "  \\begin{tabular}{@{}lrr@{}}\n"
        "    \\toprule\n"
        "    features & accuracy & C \\\\\n"
        "    \\midrule\n"
        "    D\\_1 & 61.4\\% & 0.0001 \\\\\n"
        "    {[}x{]} & -- & $-2.5 \\times 10^{-7}$ \\\\\n"
        "    \\bottomrule\n"
        "  \\end{tabular}\n"
        "\\end{table}\n"
    )


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("100% & $5 #1_a", r"100\% \& \$5 \#1\_a"),
        ("^~\\{}", r"\textasciicircum{}\textasciitilde{}\textbackslash{}\{\}"),
        ("--train-size", "-{}-train-size"),
        ("é ñ ø ß Č", r"\'{e} \~{n} \o{} \ss{} \v{C}"),
        ("a ± 1 \u2013 ≤", r"a $\pm$ 1 -- $\le$"),
        ("中", "{[}U+4E2D{]}"),
        ("\x1b", r"\textbackslash{}x1b"),
    ],
)
def test_special_characters_are_escaped(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@given(st.text(st.characters()))
def test_any_text_is_written_in_printable_ascii(text: str) -> None:
    escaped = escape(text)
    assert escaped.isascii()
    assert escaped.isprintable()


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_pdflatex_sets_every_hostile_table(
    run_of: Callable[[str], RunReport], hostiles: tuple[str, ...], tmp_path: Path
) -> None:
    characters = "".join(map(chr, range(0x20, 0x500)))  # ASCII, Latin, accents, Greek, Cyrillic
    pieces = [characters[i : i + 40] for i in range(0, len(characters), 40)]
    tables = [run_of(text).analyses[0].tables[0] for text in (*hostiles, *pieces)]
    source = "\\clearpage\n".join(to_latex(table, f"t{i}") for i, table in enumerate([*tables, Table("empty", [])]))
    (tmp_path / "t.tex").write_text(DOCUMENT % source, "ascii")
    command = ["pdflatex", "-no-shell-escape", "-halt-on-error", "-interaction=nonstopmode", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Missing character" not in (tmp_path / "t.log").read_text("latin-1")


def test_sentences_are_broken_into_lines_and_words_are_not() -> None:
    rows = [{"item": "a", "why": "a sentence that is longer than any column of a page of paper has room for"}]
    assert r"\begin{tabular}{@{}p{0.45\linewidth}p{0.45\linewidth}@{}}" in to_latex(Table("t", rows), "t")
    assert r"\begin{tabular}{@{}ll@{}}" in to_latex(Table("t", [{"item": "a", "why": "a word"}]), "t")
