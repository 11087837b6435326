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
