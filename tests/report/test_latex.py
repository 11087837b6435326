from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gan_probe
from gan_probe.report import Figure, RunReport, Table
from gan_probe.report.drawing import pdf
from gan_probe.report.latex import escape, figure_to_latex, prose, to_latex

PAPER = "\\documentclass[%s]{article}\\usepackage{array,booktabs,graphicx}\\begin{document}\n%s\\end{document}\n"
OVERFULL = re.compile(r"Overfull .hbox .([0-9.]+)pt too wide")


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
    assert "Missing character" not in compiled(PAPER % ("twocolumn", source), tmp_path)


def test_sentences_are_broken_into_lines_where_they_have_most_to_say() -> None:
    rows = [{"item": "a", "why": "a sentence that is longer than any column of a page of paper has room for" * 2}]
    tex = to_latex(Table("t", rows), "t")
    item, why = map(float, re.findall(r"p\{([0-9.]+)\\linewidth\}", tex))
    assert item < 0.2 < 0.7 < why < item + why <= 1
    assert r"\begin{tabular}{@{}ll@{}}" in to_latex(Table("t", [{"item": "a", "why": "a word"}]), "t")


@pytest.mark.parametrize(
    ("text", "set_"),
    [
        ("C from 1e-05 to 2.5e+10", r"C from $10^{-5}$ to $2.5 \times 10^{10}$"),
        ("16x16 and 64x64x3 images", r"$16 \times 16$ and $64 \times 64 \times 3$ images"),
        ("4e12 0x12 a1e-05 9f2c4e-05", r"4e12 0x12 a1e-05 9f2c4e-05"),
    ],
)
def test_numbers_in_prose_are_mathematics_and_names_are_not(text: str, set_: str) -> None:
    assert prose(text) == set_


def test_a_small_p_value_is_said_to_be_small() -> None:
    rows = [{"n_train": 5, "p": 7e-241, "Holm p": 0.0, "p (Holm)": 0.2}]
    tex = to_latex(Table("t", rows), "t")
    assert r"n train & p & Holm p & p (Holm) \\" in tex
    assert r"5 & $<$0.001 & $<$0.001 & 0.2 \\" in tex
    assert r"0.0001 \\" in to_latex(Table("t", [{"precision": 1e-4}]), "t")


def test_what_is_wider_than_a_column_takes_both_and_what_is_wider_than_both_is_split() -> None:
    words = {f"column number {i}": "some words of text" for i in range(4)}
    assert r"\begin{table*}" in to_latex(Table("t", [words]), "t")
    assert r"\begin{table}" in to_latex(Table("t", [{"a": 1, "b": "word"}]), "t")
    wide = to_latex(Table("t", [{"name": "first"} | {f"c{i}": 12345.678 for i in range(30)}]), "t")
    assert wide.count(r"\begin{table*}") == 1
    assert wide.count("first &") == wide.count(r"\sbox0{\begin{tabular}") > 1


def test_a_table_longer_than_a_page_is_several_floats_under_one_number_and_loses_no_row() -> None:
    tex = to_latex(Table("t", [{"n": i, "square": i * i} for i in range(200)]), "t")
    floats = tex.count(r"\begin{table}")
    assert floats > 3
    assert tex.count(r"\addtocounter{table}{-1}") == tex.count("Continued.") == floats - 1
    assert tex.count(r"\label") == 1
    assert [int(n) for n in re.findall(r"^    (\d+) &", tex, re.M)] == [*range(200)]


def test_a_figure_has_its_caption_its_label_and_its_width() -> None:
    figure = Figure("grid", np.zeros((4, 4), np.uint8), "Samples", "n = 4; 100 %.")
    narrow = figure_to_latex(figure, "grid.pdf", pdf(figure), "mine-grid")
    assert r"\includegraphics[width=\linewidth]{grid.pdf}" in narrow
    assert r"\caption{Samples. n = 4; 100 \%.}" in narrow
    assert r"\label{fig:mine-grid}" in narrow
    assert r"\begin{figure}" in narrow
    wide = Figure("grid", np.zeros((100, 700), np.uint8))
    assert r"\begin{figure*}" in figure_to_latex(wide, "grid.pdf", pdf(wide), "grid")
    tall = Figure("grid", np.zeros((700, 100), np.uint8))
    assert "keepaspectratio" in figure_to_latex(tall, "grid.pdf", pdf(tall), "grid")


SENTENCE = "a sentence of some length that says why, with a path such as training/checkpoints/epoch-12.pt in it"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("columns", ["twocolumn", "onecolumn"])
def test_no_table_or_figure_leaves_its_column_or_its_page(sample_run: RunReport, tmp_path: Path, columns: str) -> None:
    probe = sample_run.analyses[0]
    numbers = [{"model": f"model {i}"} | {f"number {j}": j + i / 7 for j in range(14)} for i in range(70)]
    sentences = [{"item": f"Section {i}", "the paper": SENTENCE, "here": SENTENCE * 2, "n": i} for i in range(12)]
    prose_only = [{"item": "Section 1", "here": SENTENCE * 2, "outcome": "not comparable", "why": SENTENCE}] * 12
    long = [{"features": "trained D minus random weights", "difference": -0.5, "n_test": i} for i in range(99)]
    tables = [
        *probe.tables,
        *(Table("t", rows, "A title", SENTENCE) for rows in (numbers, sentences, prose_only, long)),
    ]
    source = [to_latex(table, f"t{i}") for i, table in enumerate(tables)]
    for i, figure in enumerate(probe.figures):
        (tmp_path / f"f{i}.pdf").write_bytes(pdf(figure))
        source.append(figure_to_latex(figure, f"f{i}.pdf", pdf(figure), f"f{i}"))
    log = compiled(PAPER % (columns, "\\clearpage\n".join(source)), tmp_path)
    assert [line for line in log.splitlines() if "too large for page" in line] == []
    assert [width for width in OVERFULL.findall(log) if float(width) > 5] == []


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_an_overfull_table_would_be_found(tmp_path: Path) -> None:
    wide = r"\begin{table}\begin{tabular}{l}%s\end{tabular}\end{table}" % ("word " * 30)
    assert max(map(float, OVERFULL.findall(compiled(PAPER % ("twocolumn", wide), tmp_path)))) > 100


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_the_tables_of_a_real_report_fit_two_columns(tmp_path: Path) -> None:
    parts = [gan_probe.run("digits-dcgan", analysis, data="digits") for analysis in ("linear-probe", "quality")]
    tables = [table for part in parts for table in part.tables]
    assert len(tables) > 4
    source = "\\clearpage\n".join(to_latex(table, f"t{i}") for i, table in enumerate(tables))
    log = compiled(PAPER % ("twocolumn", source), tmp_path)
    assert [width for width in OVERFULL.findall(log) if float(width) > 5] == []


def compiled(source: str, folder: Path) -> str:
    (folder / "t.tex").write_text(source, "ascii")
    command = ["pdflatex", "-no-shell-escape", "-halt-on-error", "-interaction=nonstopmode", "t.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=100)
    assert done.returncode == 0, done.stdout[-2000:]
    return (folder / "t.log").read_text("latin-1")
