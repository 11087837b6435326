from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_probe.checkpoints import LoadRequest, load_gan
from gan_probe.checkpoints.native import COMMENT, END_OF_ZIP, FORMAT, load_checkpoint, save_checkpoint
from gan_probe.errors import BadInputError, OutputError, UsageError
from gan_probe.features import recalibrated
from gan_probe.testing import tiny_gan

from .refusing import refused


def sealed(content: object, path: Path, save=torch.save) -> Path:
    """A file with the right digest and any content: what somebody who means harm can write."""
    buffer = io.BytesIO()
    save(content, buffer)
    raw = buffer.getvalue()
    end = raw.rindex(END_OF_ZIP) + 20
    raw = raw[:end] + (len(COMMENT) + 64).to_bytes(2, "little") + COMMENT
    path.write_bytes(raw + hashlib.sha256(raw).hexdigest().encode())
    return path


def content_of(path: Path) -> dict:
    return torch.load(path, weights_only=True)


def edited(tmp_path: Path, change) -> Path:
    path = tmp_path / "ckpt.pt"
    save_checkpoint(tiny_gan(), path)
    content = content_of(path)
    change(content)
    return sealed(content, path)


def test_a_checkpoint_comes_back_exactly(gan, same, tmp_path):
    path = tmp_path / "ckpt.pt"
    save_checkpoint(gan, path)
    back = load_gan(LoadRequest(path))
    same.as_(back, atol=0)
    assert back.card.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert dataclasses.replace(back.card, sha256="", format="") == dataclasses.replace(gan.card, sha256="", format="")
    assert not any(p.requires_grad for p in back.discriminator.parameters())


def test_a_stranger_reads_the_tensors_with_torch_alone(tmp_path):
    save_checkpoint(tiny_gan(), tmp_path / "ckpt.pt")
    for mmap in (False, True):
        content = torch.load(tmp_path / "ckpt.pt", weights_only=True, mmap=mmap)
        assert content["generator"]["dense1.op.weight"].shape == (128, 8)
    assert zipfile.ZipFile(tmp_path / "ckpt.pt").testzip() is None


def test_the_extra_state_comes_back(tmp_path):
    weight = torch.nn.Parameter(torch.ones(3))
    optimiser = torch.optim.Adam([weight])
    weight.sum().backward()
    optimiser.step()
    extra = {"adam": optimiser.state_dict(), "rng": torch.Generator().get_state(), "epoch": 3, "losses": [(0.1, None)]}
    save_checkpoint(tiny_gan(), tmp_path / "ckpt.pt", extra)
    _, back = load_checkpoint(tmp_path / "ckpt.pt")
    assert back["epoch"] == 3
    assert back["losses"] == [(0.1, None)]
    assert torch.equal(back["rng"], extra["rng"])
    torch.optim.Adam([weight]).load_state_dict(back["adam"])


def test_extra_state_that_would_need_code_is_refused_on_writing(tmp_path):
    with pytest.raises(UsageError, match=r"pathlib"):
        save_checkpoint(tiny_gan(), tmp_path / "ckpt.pt", {"path": tmp_path})
    assert list(tmp_path.iterdir()) == []


def test_statistics_are_saved_as_they_are_at_the_time(tmp_path):
    gan = tiny_gan()
    gan.discriminator.statistics = None
    save_checkpoint(gan, tmp_path / "without.pt")
    without = load_gan(LoadRequest(tmp_path / "without.pt"))
    assert without.discriminator.statistics is None
    with recalibrated(without.discriminator, [torch.randn(8, 1, 16, 16)]) as statistics:
        save_checkpoint(without, tmp_path / "with.pt")
    back = load_gan(LoadRequest(tmp_path / "with.pt")).discriminator.statistics
    assert torch.equal(back["conv2"].variance, statistics["conv2"].variance)


def test_every_flipped_bit_and_every_cut_is_noticed(tmp_path):
    path = tmp_path / "ckpt.pt"
    save_checkpoint(tiny_gan(width=1, z_size=1), path)
    raw = path.read_bytes()
    edges = [*range(300), *range(len(raw) - 300, len(raw))]
    for position in [*edges, *range(300, len(raw) - 300, 61)]:
        damaged = bytearray(raw)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        with pytest.raises(BadInputError):
            load_gan(LoadRequest(path))
    for length in [*edges, *range(300, len(raw) - 300, 61)]:
        path.write_bytes(raw[:length])
        with pytest.raises(BadInputError):
            load_gan(LoadRequest(path))
    path.write_bytes(raw + b"\0")
    refused(path, "altered")


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=400))
def test_noise_behind_the_mark_is_refused_in_one_line(tmp_path_factory, noise):
    path = tmp_path_factory.mktemp("noise") / "ckpt.pt"
    raw = b"PK" + FORMAT.encode() + noise + COMMENT
    path.write_bytes(raw + hashlib.sha256(raw).hexdigest().encode())
    refused(path, "ckpt.pt: ")


class Runs:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return exec, (f"open({str(self.marker)!r}, 'w').close()",)


def test_code_in_a_sealed_checkpoint_never_runs(tmp_path):
    marker = tmp_path / "ran"
    refused(sealed({"format": FORMAT, "x": Runs(marker)}, tmp_path / "ckpt.pt"), r"exec")
    assert not marker.exists()


class Allocates:
    def __reduce__(self):
        return bytearray, (10**13,)


def test_an_allocation_that_torch_would_allow_is_refused(tmp_path):
    refused(sealed({"format": FORMAT, "x": Allocates()}, tmp_path / "ckpt.pt"), "bytearray")


def test_a_view_larger_than_the_file_is_refused(tmp_path):
    def enlarge(content):
        content["extra"]["x"] = [torch.zeros(1).expand(10**6, 10**6)]

    refused(edited(tmp_path, enlarge), "more than the file holds")


def test_a_zip_bomb_is_refused(tmp_path):
    path = tmp_path / "ckpt.pt"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10**7))
        archive.comment = COMMENT + b"0" * 64
    raw = buffer.getvalue()[:-64]
    path.write_bytes(raw + hashlib.sha256(raw).hexdigest().encode())
    refused(path, "zip bomb")


def poison(name: str, value: float):
    def change(content):
        content["discriminator"][name].view(-1)[0] = value

    return change


def retyped(dtype: torch.dtype):
    def change(content):
        content["generator"] = {name: value.to(dtype) for name, value in content["generator"].items()}

    return change


def card(**fields: object):
    def change(content):
        content["card"] = json.dumps(json.loads(content["card"]) | fields)

    return change


def stage(role: str, number: int, **fields: object):
    def change(content):
        data = json.loads(content["card"])
        data[role][number] |= fields
        content["card"] = json.dumps(data)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (poison("conv1.op.weight", float("nan")), "NaN or infinite"),
        (poison("conv2.norm.running_mean", float("inf")), "NaN or infinite"),
        (poison("conv2.norm.running_var", -1.0), "negative variances"),
        (retyped(torch.int8), "int8"),
        (retyped(torch.complex64), "complex"),
        (lambda c: c["generator"].pop("dense1.op.weight"), "dense1.op.weight is missing"),
        (lambda c: c["generator"].update(more=torch.zeros(1)), "'more'"),
        (lambda c: c.update(version=99), "version 99"),
        (lambda c: c.update(format="other"), "something else"),
        (lambda c: c.update(card="{"), "not readable JSON"),
        (lambda c: c.update(card="[" * 100_000), "not readable JSON"),
        (lambda c: c.update(card="[]"), "not readable JSON"),
        (lambda c: c.update(generator=[1]), "not tensors by name"),
        (card(image_size=32), "does not fit|ends in"),
        (card(image_size=2**15), "does not fit|ends in"),
        (card(z_size=9), "does not fit"),
        (card(channels=3), "does not fit|ends in"),
        (card(generator=None), "does not describe"),
        (card(generator=[]), "ends in"),
        (card(surprise=1), "unknown field"),
        (stage("generator", 1, stride=10**9), "does not fit"),
        (stage("generator", 1, output_padding=7, kernel=4), "does not fit"),
        (stage("generator", 0, outputs=2**62, shape=None), "does not fit|cannot be built"),
        (stage("discriminator", 0, eps="x"), "impossible numbers"),
        (stage("discriminator", 0, norm="unit"), "does not fit"),
        (stage("discriminator", 0, labels=7), "does not fit"),
        (stage("discriminator", 0, bias="yes"), "makes no sense"),
        (stage("discriminator", 0, op="eval"), "makes no sense"),
    ],
)
def test_wrong_content_is_named_in_one_line(tmp_path, change, message):
    refused(edited(tmp_path, change), message)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_float_types_are_converted_and_said(tmp_path, dtype):
    gan = load_gan(LoadRequest(edited(tmp_path, retyped(dtype))))
    assert gan.generator.dense1.op.weight.dtype == torch.float32
    assert str(dtype).removeprefix("torch.") in gan.card.assumed[0]


def test_a_device_that_is_not_there_is_one_line(tmp_path):
    save_checkpoint(tiny_gan(), tmp_path / "ckpt.pt")
    for device in ("nonsense", "cuda:99"):
        with pytest.raises(BadInputError, match=f"device '{device}' (is not known|is not to be had)"):
            load_gan(LoadRequest(tmp_path / "ckpt.pt", device=device))


def test_a_pickle_of_millions_of_operations_is_not_looked_through(tmp_path):
    path = sealed({"format": FORMAT, "x": list(range(300, 3_000_000))}, tmp_path / "ckpt.pt")
    refused(path, "pickle of")


def test_a_failed_write_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "ckpt.pt"
    save_checkpoint(tiny_gan(), path)
    before = path.read_bytes()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OutputError, match="No space left"):
        save_checkpoint(tiny_gan(seed=1), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
