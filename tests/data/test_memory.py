from __future__ import annotations

import pytest

from gan_probe.data.memory import _container, available_memory, check_memory


def test_half_of_what_is_available_may_be_asked_for(monkeypatch, refused):
    monkeypatch.setattr("gan_probe.data.memory.available_memory", lambda: 1000)
    check_memory(500, "it")
    assert "--train-size" in refused(check_memory, 501, "it")


def test_nothing_is_refused_where_the_system_does_not_say(monkeypatch):
    monkeypatch.setattr("gan_probe.data.memory.available_memory", lambda: None)
    check_memory(10**18, "it")


def test_this_system_says():
    assert available_memory() > 2**20


@pytest.mark.parametrize(("limit", "left"), [("max", None), ("1000", 1000 - 700 + 200)])
def test_a_container_leaves_its_limit_less_what_cannot_be_given_back(tmp_path, limit, left):
    (tmp_path / "memory.max").write_text(f"{limit}\n")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 500\ninactive_file 200\n")
    assert _container(tmp_path) == left
    assert _container(tmp_path / "none") is None
