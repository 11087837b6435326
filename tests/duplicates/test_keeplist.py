"""Keep-lists know their set again, and judgements their pairs."""

import os

import numpy as np
import pytest

from gan_probe.data import Split, open_data
from gan_probe.duplicates.judged import read_judged
from gan_probe.duplicates.keeplist import keep_list, read_keep_list

PAIRS = [("a.png", "b.png"), ("a.png", "c.png"), ("d.png", "e.png")]


def arrays(seed=0, n=6):
    images = np.random.default_rng(seed).integers(0, 256, (n, 8, 8, 3), dtype=np.uint8)
    return Split.from_arrays("drawn", images, np.arange(n) % 2, ("0", "1"))


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "keep.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_a_keep_list_keeps_images_and_labels(written):
    split = arrays()
    kept, said = read_keep_list(written(keep_list(split, np.array([0, 3, 4]))), split)
    assert kept.labels.tolist() == [0, 1, 0]
    np.testing.assert_array_equal(kept.load(8, 3).images, split.load(8, 3).images[[0, 3, 4]])
    assert (said["kept"], said["of"], said["file"]) == (3, 6, "keep.txt")
    assert len(said["sha256"]) == 64


def test_files_are_listed_by_name_and_labels_do_not_matter(tree, png, written):
    root = tree({f"{'ab'[i % 2]}/{i}.png": png(40 * i) for i in range(5)})
    split = open_data(root).train
    content = keep_list(split, np.array([1, 2]))
    assert content.decode().splitlines()[-2:] == ["1\ta/2.png", "2\ta/4.png"]
    unlabelled = open_data(root, labels=r"(\d)").train
    assert read_keep_list(written(content), unlabelled)[0].labels is not None


def test_a_changed_set_is_refused(tree, png, written, refused):
    root = tree({f"{i}.png": png(40 * i) for i in range(4)})
    path = written(keep_list(open_data(root).train, np.array([0, 1])))
    assert "run dedup on it anew" in refused(read_keep_list, path, arrays())
    os.rename(root / "3.png", root / "4.png")
    assert "has changed" in refused(read_keep_list, path, open_data(root).train)


@pytest.mark.parametrize("seed", [1, 2])
def test_other_pixels_of_the_same_shape_are_refused(seed, written, refused):
    path = written(keep_list(arrays(), np.array([0, 1])))
    assert "drawn" in refused(read_keep_list, path, arrays(seed))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda _: "0\n1\n2\n", "is no keep-list"),
        (lambda _: "", "is no keep-list"),
        (lambda _: b"\xff\xfe\x00", "is no keep-list"),
        (lambda text: text + "seven\n", "whole number"),
        (lambda text: text + "6\n", "from 0 to 5"),
        (lambda text: text + "2\n", "must rise"),
        (lambda text: text + "-1\n", "must rise"),
        (lambda text: text + "9" * 30 + "\n", "whole number"),
        (lambda text: "\n".join(text.splitlines()[:4]), "must rise"),
    ],
)
def test_a_damaged_keep_list_is_refused_in_one_line(change, said, written, refused):
    split = arrays()
    text = keep_list(split, np.array([0, 3])).decode()
    assert said in refused(read_keep_list, written(change(text)), split)


def test_a_keep_list_that_is_not_there_is_refused(tmp_path, refused):
    assert "No such file" in refused(read_keep_list, tmp_path / "nowhere.txt", arrays())


def test_judgements_are_read_in_the_order_of_pairs_and_empty_ones_left_out(written):
    path = written("pair,first,second,duplicate\n3,d.png,e.png,No\n1,a.png,b.png, yes \n2,a.png,c.png,\n")
    assert read_judged(path, PAIRS) == [True, False]
    assert read_judged(written("duplicate,pair\ny,2\n0,1\n"), PAIRS) == [False, True]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("number,answer\n1,yes\n", "pair and duplicate"),
        ("pair,duplicate\n1,maybe\n", "write yes or no"),
        ("pair,duplicate\n4,yes\n", "not 1 to 3"),
        ("pair,duplicate\n0,yes\n", "not 1 to 3"),
        ("pair,duplicate\nx,yes\n", "not 1 to 3"),
        ("pair,duplicate\n1,yes\n1,no\n", "answer already"),
        ("pair,first,second,duplicate\n1,a.png,z.png,yes\n", "judge this run's pairs.csv"),
        ("pair,duplicate\n1,\n", "no answers"),
        (b"pair,duplicate\n1,\xff\n", "UTF-8"),
    ],
)
def test_a_judgement_of_other_pairs_is_refused_in_one_line(text, said, written, refused):
    assert said in refused(read_judged, written(text), PAIRS)
