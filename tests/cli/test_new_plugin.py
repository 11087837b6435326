import pytest


def test_a_package_is_written_and_what_to_do_next_is_said(gan_probe_command, tmp_path):
    code, out, err = gan_probe_command("new-plugin", "edge-count")
    assert code == 0
    folder = tmp_path / "cwd" / "gan-probe-edge-count"
    names = {"pyproject.toml", "gan_probe_edge_count.py", "test_gan_probe_edge_count.py"}
    assert {path.name for path in folder.iterdir()} == names
    assert out.split() == [f"gan-probe-edge-count/{name}" for name in sorted(names, key=lambda n: (n[0] != "p", n))]
    assert "next: pip install -e gan-probe-edge-count" in err
    for path in folder.glob("*.py"):
        compile(path.read_text(), str(path), "exec")


def test_a_folder_in_use_is_left_alone(gan_probe_command, tmp_path):
    (tmp_path / "cwd" / "mine").mkdir()
    (tmp_path / "cwd" / "mine" / "kept.txt").write_text("kept")
    code, out, err = gan_probe_command("new-plugin", "edges", "--out", "mine")
    assert (code, out) == (5, "")
    assert "mine is not empty" in err
    assert [path.name for path in (tmp_path / "cwd" / "mine").iterdir()] == ["kept.txt"]


@pytest.mark.parametrize("name", ["Edges", "1st", "a--b", "a_b", "../a", "a b", "x" * 41, "é"])
def test_names_that_cannot_be_are_refused_before_anything_is_written(gan_probe_command, tmp_path, name):
    code, _, err = gan_probe_command("new-plugin", name)
    assert code == 2
    assert "cannot name an analysis" in err
    assert list((tmp_path / "cwd").iterdir()) == []


def test_a_name_that_is_taken_is_refused_before_anything_is_written(gan_probe_command, tmp_path):
    code, out, err = gan_probe_command("new-plugin", "samples")
    assert (code, out) == (2, "")
    assert "there is an analysis samples already, of gan-probe" in err
    assert list((tmp_path / "cwd").iterdir()) == []
