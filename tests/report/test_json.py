from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from gan_probe.report import Report, RunReport, Table
from gan_probe.report.json import dumps


def test_the_schema_is_the_documented_one(sample_run: RunReport) -> None:
    data = json.loads(dumps(sample_run))
    assert list(data) == ["title", "checkpoint", "run", "analyses", "methods"]
    assert data == sample_run.to_dict()
    probe, samples, refused, failed = data["analyses"]
    assert list(probe)[:5] == ["name", "title", "analysis", "status", "error"]
    assert list(probe)[5:9] == ["plugin", "key", "seconds", "options"]
    assert list(probe)[9:] == [
        "findings",
        "tables",
        "figures",
        "artifacts",
        "measures",
        "notes",
        "methods",
        "references",
        "sha256",
    ]
    table = probe["tables"][0]
    assert table["columns"] == ["features", "accuracy", "low", "high", "n_train", "n_test", "C"]
    assert table["rows"][0]["accuracy"] == 0.6142
    assert probe["figures"][0]["file"] == "figures/linear-probe-classes.png"
    assert probe["figures"][0]["pdf"] == "figures/linear-probe-classes.pdf"
    assert samples["artifacts"][0]["file"] == "artifacts/samples-latents.npz"
    assert (refused["status"], failed["status"]) == ("refused", "failed")
    assert probe["options"]["c_values"] == [1e-5, 1e-4, 1e-3, 1e-2]


def test_what_json_cannot_hold_becomes_what_it_can() -> None:
    run = {
        "nan": math.nan,
        "inf": np.float32("-inf"),
        "numpy": np.int64(3),
        "array": np.array([[1.5, np.nan]]),
        "path": Path("a"),
        "surrogate": "\udc80",
        3: {"b", "a"},
    }
    text = dumps(RunReport({}, run, [Report(tables=[Table("t", [{"a": math.inf}])])]))
    assert text.isascii()

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is no JSON")

    data = json.loads(text, parse_constant=refuse)
    assert data["run"] == {
        "nan": None,
        "inf": None,
        "numpy": 3,
        "array": [[1.5, None]],
        "path": "a",
        "surrogate": "\\udc80",
        "3": ["a", "b"],
    }
    assert data["analyses"][0]["tables"][0]["rows"] == [{"a": None}]
