from __future__ import annotations

import pytest

from gan_probe.report.bibtex import parse, plain

HARD = r"""
@Article{h-k.2020:a,
  author = "H{\"a}rk{\"o}nen, Erik and Bi{\'n}kowski, Miko{\l}aj and {\O}ye, {\AA}sa
    and \v{C}apek, Karel and Tom White",
  title  = {What {GAN}s do: 100\% \& more},
  Journal = {Annals}, volume = 3, number={2}, pages = {1--20},
  year   = 2020,
  url = {https://example.org/a_b?c=1%20}
}
"""


def test_an_entry_is_read_and_printed_for_people() -> None:
    entry = parse(HARD)
    assert (entry.kind, entry.key) == ("article", "h-k.2020:a")
    assert entry.text() == (
        "Erik Härkönen, Mikołaj Bińkowski, Åsa Øye, Karel Čapek and Tom White. What GANs do: 100% & more. "
        "Annals 3(2), pages 1–20, 2020."  # noqa: RUF001  # an en dash
    )


def test_an_entry_written_is_read_as_the_same() -> None:
    entry = parse(HARD)
    assert parse(entry.bibtex()) == entry
    assert (
        parse("@misc{k, title = {Ünïcode 中}}").bibtex()
        == '@misc{k,\n  title = {{\\"{U}}n{\\"{i}}code {{[}U+4E2D{]}}}\n}'
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (r"Kynk{\"a}{\"a}nniemi", "Kynkäänniemi"),
        (r"Garc\'ia Ma\~{n}a", "García Maña"),
        (r"\ss{} \ae \O{}re", "ß æØre"),
        (r"{\c c}a {\u{g}} \'{\i}", "ça ğ í"),
        ("``so'' --- or~not", "“so” — or not"),
    ],
)
def test_accents_become_letters(value: str, text: str) -> None:
    assert plain(value) == text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (3, "it is int"),
        ("Radford et al. 2016", "does not begin as a BibTeX entry"),
        ("@article{two words, title = {T}}", "does not begin"),
        ("@string{k, title = {T}}", "@string is no entry"),
        ("@article{k, title = {T}", "closing brace is missing behind title"),
        ("@article{k, title = {T}} @misc{l, title = {U}}", "give one entry each"),
        ("@article{k, title = {{T}}", "braces or quotes are not closed|closing brace is missing"),
        ('@article{k, title = "T}"}', "not closed"),
        ("@article{k, title = T}", "neither in braces, in quotes nor a number"),
        ("@article{k, title {T}}", "no field"),
        ("@article{k, year = 2000}", "no title"),
        (r"@article{k, title = {\input{/etc/passwd}}}", r"holds the command \\input"),
        (r"@article{k, title = {\write18{id}}}", r"holds the command \\write"),
        (r"@article{k, title = {^^5cinput x}}", "holds a bare"),
        ("@article{k, title = {100% sure}}", "holds a bare %"),
        ("@article{k, title = {a\x1b[2J}}", "cannot be seen"),
        ("@article{k, title = {T}, url = {x} y}", "comma or the closing brace"),
        (r"@article{k, title = {T}, url = {\input}}", "no plain link"),
    ],
)
def test_what_is_broken_or_active_is_refused(text: object, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse(text)
