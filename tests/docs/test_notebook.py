"""The notebook runs from top to bottom, and says what its page promises."""

import json

import pytest

pytest.importorskip("nbclient", reason="nbclient, which runs notebooks, is not installed: pip install --group test")
pytest.importorskip("ipykernel", reason="ipykernel, in which notebooks run, is not installed: pip install --group test")


@pytest.fixture(scope="module")
def cells(docs):
    from notebooks import run

    return [cell for cell in run(docs / "reference" / "digits.ipynb")["cells"] if cell["cell_type"] == "code"]


def said(cells, code):
    """What the cell that holds this code put out."""
    return json.dumps(next(cell for cell in cells if code in "".join(cell["source"]))["outputs"])


def test_it_samples_probes_walks_and_saves(cells):
    assert "(24, 16, 16, 1)" in said(cells, "to_uint8")
    assert "random weights" in said(cells, 'probe.table("accuracy").to_pandas().round')
    assert "sharp" in said(cells, "latent-walk")
    assert "image/png" in said(cells, "speed")
    assert "accuracy.csv" in said(cells, "savez")


def test_it_is_kept_without_outputs(docs):
    book = json.loads((docs / "reference" / "digits.ipynb").read_text(encoding="utf-8"))
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in book["cells"])
