from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gan_probe.report import Report, RunReport, quoted
from gan_probe.report.bibtex import parse
from gan_probe.report.html import render_page
from gan_probe.report.latex import to_latex
from gan_probe.report.methods import methods, own_entries, to_bibtex, to_tex
from gan_probe.report.setting import DATA_SETS, setting

SVM = (
    "@article{svm2005, author = {Keerthi, S. S. and DeCoste, D.}, title = {Finite {Newton}}, "
    "journal = {JMLR}, year = {2005}}"
)
OTHER = "@article{svm2005, author = {Somebody Else}, title = {Another Work}, year = {2005}}"
RUN = {"versions": {"gan-probe": "0.1.0", "torch": "2.15.0+cpu"}, "device": "cpu", "threads": 2, "seed": 3}
DOCUMENT = (
    "\\documentclass{article}\\usepackage{array,booktabs,graphicx}\\begin{document}\n\\input{methods.tex}\n%s\n"
    "\\bibliographystyle{plain}\\bibliography{references}\\end{document}\n"
)


def only(*reports: Report) -> RunReport:
    return RunReport({}, {}, list(reports))


def test_citations_are_numbered_in_the_order_of_citing() -> None:
    first = Report(title="First", methods="We fit [@svm2005] it.", references=(SVM,))
    second = Report(title="Second", methods="Again [@svm2005].", references=(SVM,))
    view = methods(RunReport({}, RUN, [first, second])).numbered()
    setting_, one, two = view["paragraphs"]
    assert [number for _, number in setting_[1] if number] == [1, 2]
    assert one == ("First", [("We fit ", 3), (" it.", None)])
    assert two == ("Second", [("Again ", 3), (".", None)])
    assert view["references"][2] == "S. S. Keerthi and D. DeCoste. Finite Newton. JMLR, 2005."
    assert len(view["references"]) == 3


def test_two_works_under_one_key_are_told_apart() -> None:
    reports = [
        Report(title=t, methods="See [@svm2005].", references=(r,))
        for t, r in zip("abc", (SVM, OTHER, SVM), strict=True)
    ]
    section = methods(only(*reports))
    assert [part.text for part in section.paragraphs] == ["See [@svm2005].", "See [@svm2005-2].", "See [@svm2005]."]
    assert [entry.text() for entry in section.entries] == [parse(SVM).text(), parse(OTHER).text()]
    assert len(re.findall("^@", to_bibtex(section), re.M)) == 2


def test_the_setting_says_what_was_run_on_what() -> None:
    stages = [{"inputs": 100, "outputs": 4096, "shape": [256, 4, 4]}, {"inputs": 256, "outputs": 3}]
    card = {"name": "mine", "sha256": "9f2c4be1" * 8, "image_size": 32, "channels": 3, "z_size": 100}
    card |= {"z_distribution": "normal", "generator": stages, "discriminator": None, "training_data": "SVHN"}
    images = [{"split": "cifar10 train", "n": 50000}, {"split": "cifar10 train", "n": 50000}, {"split": "test", "n": 7}]
    assert setting(card, RUN | {"data": "cifar10", "images": images}) == (
        "Results were computed with gan-probe 0.1.0 [@gan-probe] and PyTorch 2.15.0 [@paszke2019] on the CPU with "
        "2 threads; every random draw follows from seed 3. The checkpoint is mine (SHA-256 9f2c4be19f2c): a generator "
        "from 100-dimensional normal latents to 32x32 colour images (channels 100-256-3). It was trained on "
        "SVHN [@netzer2011], by its card. The images are those of cifar10 [@krizhevsky2009]: 50,000 of its train "
        "split, 7 of test."
    )
    assert setting({}, {}) == ""


def test_every_data_set_cited_has_an_entry() -> None:
    assert set(DATA_SETS.values()) | {"gan-probe", "paszke2019"} == {entry.key for entry in own_entries()}


def test_a_name_in_quotes_cites_nothing() -> None:
    report = Report(methods=f"Of {quoted('[@svm2005]')} and {quoted('x' * 99, 10)}.", references=(SVM,))
    (part,) = methods(only(report)).numbered()["paragraphs"]
    assert part[1] == [("Of “[ @svm2005]” and “xxxxxxxxx…”.", None)]
    assert "[@" not in setting({"name": "[@gan-probe]", "training_data": "[@x]"}, {"versions": {"gan-probe": "1"}})[60:]


def test_the_page_links_each_citation_to_its_reference() -> None:
    page = render_page(RunReport({}, RUN, [Report(title="Probe", methods="By [@svm2005].", references=(SVM,))]))
    assert '<b>Probe.</b> By <a href="#reference-3">[3]</a>.' in page
    assert '<li id="reference-3">S. S. Keerthi and D. DeCoste. Finite Newton. JMLR, 2005.</li>' in page
    assert "Methods" not in render_page(RunReport({}, {}, [Report(title="Probe")]))


def test_latex_escapes_the_text_and_keeps_the_citation() -> None:
    tex = to_tex(methods(only(Report(title="A_b", methods=r"100% of \input{x} [@svm2005] $1.", references=(SVM,)))))
    assert tex.isascii()
    assert "\\paragraph{A\\_b.}\n100\\% of \\textbackslash{}input\\{x\\}~\\cite{svm2005} \\$1." in tex.replace(
        "} 100", "}\n100"
    )


@pytest.mark.skipif(
    shutil.which("pdflatex") is None or shutil.which("bibtex") is None, reason="pdflatex and bibtex are not installed"
)
def test_pdflatex_and_bibtex_set_every_hostile_run(
    hostiles: tuple[str, ...], sample_run: RunReport, tmp_path: Path
) -> None:
    reports = [Report(title=text, methods=f"{text} [@svm2005]", references=(SVM,)) for text in hostiles]
    card = sample_run.checkpoint | {"name": hostiles[0]}
    # one run that holds all of it, and every entry that the core itself may cite
    reports.append(
        Report(
            title="All",
            methods=" ".join(f"[@{entry.key}]" for entry in own_entries()),
            references=[entry.bibtex() for entry in own_entries()],
        )
    )
    section = methods(RunReport(card, sample_run.run, reports))
    (tmp_path / "methods.tex").write_text(to_tex(section), "ascii")
    (tmp_path / "references.bib").write_text(to_bibtex(section), "ascii")
    table = to_latex(sample_run.analyses[0].tables[0], "t")
    (tmp_path / "t.tex").write_text(DOCUMENT % table, "ascii")
    latex = ["pdflatex", "-no-shell-escape", "-halt-on-error", "-interaction=nonstopmode", "t.tex"]
    for command in (latex, ["bibtex", "t"], latex, latex):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=100)
        assert done.returncode == 0, done.stdout[-2000:]
    log = (tmp_path / "t.log").read_text("latin-1")
    assert "undefined" not in log
    assert "Missing character" not in log
    assert "Warning--" not in (tmp_path / "t.blg").read_text("latin-1")
