"""The processes that decode images: what they cannot open, their end, and long questions."""

from __future__ import annotations

from gan_probe.data.archives import Archive
from gan_probe.data.decoders import Decoders
from gan_probe.data.folders import Folder


def test_a_place_that_cannot_be_opened_is_one_line(tmp_path, refused):
    (tmp_path / "x.zip").write_bytes(b"no")
    with Decoders(Archive(tmp_path / "x.zip"), 8, 1, 1) as decoders:
        assert "not a zip archive" in refused(list, decoders.decode([["a"]]))


def test_a_process_that_is_killed_is_one_line(tree, png, refused):
    with Decoders(Folder(tree({"a/000.png": png()})), 8, 3, 1) as decoders:
        decoders._processes[0].kill()
        assert "has ended" in refused(list, decoders.decode([["a/000.png"]] * 3))


def test_long_addresses_do_not_stop_the_pipe(tree, png):
    names = [["/".join(["."] * 2000) + "/a/000.png"] * 128] * 6  # half a megabyte a question
    with Decoders(Folder(tree({"a/000.png": png()})), 8, 3, 2) as decoders:
        assert sum(len(images) for images, _ in decoders.decode(names)) == 6 * 128
