"""What an analysis declares, as tables on its page: needs, options, outputs, references."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cells import cell, row
from pictures import reports

from gan_probe.analysis import NEEDS
from gan_probe.options import declared
from gan_probe.plugins import BUILT_IN, host
from gan_probe.report.bibtex import parse
from gan_probe.report.html import duration

if TYPE_CHECKING:
    from gan_probe.analysis import Analysis
    from gan_probe.options import Declared

LINKS = {"doi": "https://doi.org/", "eprint": "https://arxiv.org/abs/", "url": ""}
KINDS = {int: "whole number", float: "number", str: "text", bool: "switch"}


def built_in() -> dict[str, type[Analysis[Any]]]:
    """The analyses that come with gan-probe, by name."""
    known = host().analyses
    return {name: known[name].analysis for name in sorted(known) if known[name].distribution.split()[0] == BUILT_IN}


def overview(_words: str) -> str:
    """A table of the built-in analyses: a link, what it does, what it needs."""
    head = ["| analysis | what it does | needs |", "|---|---|---|"]
    rows = [
        row(f"[`{name}`](/analyses/{name}.md)", summary(analysis), ", ".join(sorted(analysis.needs)))
        for name, analysis in built_in().items()
    ]
    return "\n".join([*head, *rows])


def summary(analysis: type[Analysis[Any]]) -> str:
    """The first line of its docstring, its help."""
    return (analysis.__doc__ or "").strip().partition("\n")[0]


def analysis_of(name: str) -> str:
    """The part of its page that its declarations and the example reports tell."""
    analysis = built_in()[name]
    parts = [_needs(analysis), _options(analysis), _outputs(name), _references(analysis)]
    return "\n\n".join(part for part in parts if part)


def examples_of(name: str) -> str:
    """Its command lines, the commonest first."""
    return "\n".join(["```shell", *built_in()[name].examples, "```"])


def _needs(analysis: type[Analysis[Any]]) -> str:
    lines = ["## Needs", ""]
    lines += [f"- `{need}`, {NEEDS[need]}" for need in sorted(analysis.needs)]
    lines += [f"- not needed, but used: `{taken}`, {NEEDS[taken]}" for taken in sorted(analysis.takes)]
    return "\n".join(lines)


def _options(analysis: type[Analysis[Any]]) -> str:
    lines = ["## Options", "", f"Of `gan-probe run --plugin {analysis.name}`, and keywords of"]
    lines += [f'`gan_probe.run(gan, "{analysis.name}", ...)` with underscores for dashes.', ""]
    lines += ["| option | what it is | takes | default |", "|---|---|---|---|"]
    for option in declared(analysis.Options):
        lines.append(row(f"`{_flag(option)}`", cell(option.help), _kind(option), _default(option)))
    return "\n".join(lines)


def _flag(option: Declared) -> str:
    return f"--[no-]{option.flag}" if option.type is bool else f"--{option.flag}"


def _kind(option: Declared) -> str:
    kind = ", ".join(f"`{choice}`" for choice in option.choices) if option.choices else KINDS[option.type]
    bounds = [
        f"{word} {_bound(limit)}" for word, limit in (("from", option.min), ("to", option.max)) if limit is not None
    ]
    return " ".join([kind, *bounds]) + ("; more with commas between" if option.multiple else "")


def _bound(limit: float) -> str:
    return f"{limit:,.0f}" if limit == int(limit) and abs(limit) < 1e9 else f"{limit:g}"


def _default(option: Declared) -> str:
    if option.default is None or option.default == ():
        return "–"  # noqa: RUF001  # an en dash
    if isinstance(option.default, bool):
        return "on" if option.default else "off"
    values = option.default if isinstance(option.default, tuple) else (option.default,)
    return f"`{','.join(str(value) for value in values)}`"


def _outputs(name: str) -> str:
    found = [(report, a) for report, whole in sorted(reports().items()) for a in whole["analyses"] if a["name"] == name]
    if not found:
        return ""
    lines = ["## Outputs", "", "| | name | title |", "|---|---|---|"]
    for kind, single in (("tables", "table"), ("figures", "figure"), ("measures", "measure"), ("artifacts", "file")):
        seen: dict[str, str] = {}
        for _, analysis in found:
            for part in analysis.get(kind, ()):
                seen.setdefault(part["name"], part.get("title") or part["caption"])
        lines += [row(single, f"`{part}`", cell(title)) for part, title in seen.items()]
    links = ", ".join(f"[{report}](/reports/{report}/index.html), {_time(report, a)}" for report, a in found)
    return "\n".join([*lines, "", f"As found in the example reports: {links}. Some depend on options and data."])


def _time(report: str, analysis: dict[str, Any]) -> str:
    threads = reports()[report]["run"]["threads"]
    return f"made in {duration(analysis['seconds'])} by {threads} thread{'s' if threads > 1 else ''} of a CPU"


def _references(analysis: type[Analysis[Any]]) -> str:
    if not analysis.references:
        return ""
    lines = []
    for entry in sorted((parse(text) for text in analysis.references), key=lambda entry: entry.text()):
        link = LINKS[kind] + entry.fields[kind] if (kind := next((k for k in LINKS if k in entry.fields), "")) else ""
        lines.append(f"- {cell(entry.text())}" + (f" [{cell(link)}]({link})" if link else ""))
    return "\n".join(["## References", "", *lines])
