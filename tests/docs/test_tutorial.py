"""The tutorial leads from what `new-plugin` writes to the sample plugin: every difference is shown on the page."""

import ast
import re

import pytest
from pieces import definition

from gan_probe.new_plugin import plugin_files

SHOWN = re.compile(r"^<!-- code: tests/sample_plugin/(\S+)(?: (\w+))? -->$", re.MULTILINE)
FILES = ["pyproject.toml", "gan_probe_brightness.py", "test_gan_probe_brightness.py"]


def pieces(source):
    """What stands at a module's top level: each function and class by name, all imports together, and the rest."""
    found = {"imports": definition(source, "imports")}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = definition(source, node.name)
        elif not isinstance(node, ast.Import | ast.ImportFrom):
            found[f"line {ast.unparse(node)[:40]}"] = ast.unparse(node)
    return found


@pytest.fixture
def sample(docs):
    return docs.parent / "tests" / "sample_plugin"


@pytest.fixture
def shown(docs):
    return SHOWN.findall((docs / "plugins" / "tutorial.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", FILES)
def test_what_the_sample_has_beyond_the_template_is_shown(sample, shown, file):
    written = plugin_files("brightness")[file]
    finished = (sample / file).read_text(encoding="utf-8")
    if (file, "") in shown:  # as a whole
        return
    before, after = pieces(written), pieces(finished)
    changed = {name for name, text in after.items() if before.get(name) != text}
    assert changed <= {name for where, name in shown if where == file}
    assert set(before) <= set(after), "the tutorial never says that anything is to be removed"


def test_nothing_else_is_in_either(sample):
    assert sorted(path.name for path in sample.iterdir() if path.is_file()) == sorted(FILES)
    assert sorted(plugin_files("brightness")) == sorted(FILES)


def test_new_pieces_stand_where_the_tutorial_puts_them(sample):
    names = list(pieces((sample / FILES[1]).read_text(encoding="utf-8")))
    assert names.index("Brightness") < names.index("brightness") < names.index("register_analyses")
    assert names[-1] == "register_analyses"


def test_the_package_part_that_is_shown_as_written_is_as_written(sample):
    assert (sample / "pyproject.toml").read_text(encoding="utf-8") == plugin_files("brightness")["pyproject.toml"]
