"""The documentation's sources, and what makes pages of them."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
if (ROOT / "docs").is_dir():
    sys.path.insert(0, str(ROOT / "docs" / "generate"))
else:  # the source distribution has the tests alone
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def docs() -> Path:
    """The folder of the pages."""
    return ROOT / "docs"


@pytest.fixture(scope="session")
def site(docs, tmp_path_factory):
    """The site, strictly built; the notebook's cells are run by test_notebook.py."""
    for package in ("material", "mkdocstrings"):
        pytest.importorskip(package, reason=f"{package} is not installed: `make docs` installs it and builds the site")
    import notebooks
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_MKDOCS_2_WARNING", "1")
        patch.chdir(docs.parent)
        patch.setattr(notebooks, "executed", lambda name: f"*{name}*")
        config = load_config(str(docs.parent / "mkdocs.yml"), strict=True, site_dir=str(folder))
        config.plugins.on_startup(command="build", dirty=False)
        build(config)  # strict: a warning raises
        config.plugins.on_shutdown()
    return folder
