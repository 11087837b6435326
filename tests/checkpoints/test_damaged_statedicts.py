"""Strangers' files run no code, and what is damaged or makes no GAN is refused in one line."""

from __future__ import annotations

import io
import pickle
import tarfile
import warnings

import numpy as np
import pytest
import torch

from gan_probe.checkpoints import LoadRequest, load_gan
from gan_probe.errors import BadInputError

from ..runs import Runs
from .refusing import refused
from .small_pair import small


def containers(content) -> dict[str, bytes]:
    found = {f"pickle {n}": pickle.dumps(content, n) for n in range(6)}
    for name, more in (
        ("zip", {}),
        ("legacy", {"_use_new_zipfile_serialization": False}),
        ("zip 4", {"pickle_protocol": 4}),
    ):
        buffer = io.BytesIO()
        torch.save(content, buffer, **more)
        found[name] = buffer.getvalue()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("pickle")
        info.size = len(found["pickle 2"])
        archive.addfile(info, io.BytesIO(found["pickle 2"]))
    return found | {"tar": buffer.getvalue()}


def test_no_pickle_runs_in_any_container(tmp_path):
    marker = tmp_path / "ran"
    state = small()[0].state_dict()
    for place in (
        lambda r: {**state, "x": r},
        lambda r: {"G": state, "optimizer": r},
        lambda r: [r, state],
        lambda r: r,
    ):
        for name, raw in containers(place(Runs(marker))).items():
            path = tmp_path / f"{name}.pt"
            path.write_bytes(raw)
            for request in (LoadRequest(path), LoadRequest(path, generator=path)):
                with pytest.raises(BadInputError) as caught:
                    load_gan(request)
                assert len(str(caught.value)) <= 200
                assert "\n" not in str(caught.value)
    assert not marker.exists()


@pytest.mark.parametrize("old", [False, True])
def test_a_damaged_copy_is_refused_or_reads_the_same(tmp_path, old):
    path = tmp_path / "netG.pt"
    torch.save(small()[0].state_dict(), path, _use_new_zipfile_serialization=not old)
    raw, whole = path.read_bytes(), load_gan(LoadRequest(path))
    z = whole.latent(2, np.random.default_rng(0))
    for length in range(0, len(raw), 997):
        path.write_bytes(raw[:length])
        with pytest.raises(BadInputError):
            load_gan(LoadRequest(path))
    if old:
        return  # the older format has no checksums
    for position in range(0, len(raw), 1499):
        flipped = bytearray(raw)
        flipped[position] ^= 16
        path.write_bytes(flipped)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                gan = load_gan(LoadRequest(path))
            except BadInputError:
                continue
        assert torch.equal(gan.sample(z), whole.sample(z))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s["0.weight"].view(-1)[0].fill_(float("nan")), "NaN or infinite"),
        (lambda s: s["1.running_var"][0].fill_(-1.0), "negative variances"),
        (lambda s: s.update({"0.weight": s["0.weight"].to(torch.int8)}), "int8"),
        (lambda s: s.update({"0.weight": s["0.weight"].to(torch.complex64)}), "complex"),
        (lambda s: s.update({"x.weight": torch.zeros(1).expand(10**6, 10**6)}), "more than the file holds"),
        (lambda s: s.update({"label_emb.weight": torch.zeros(10, 50)}), "conditional|no order"),
        (lambda s: s.update({"x.weight": torch.zeros(3, 3, 3)}), "no layer of a plain DCGAN"),
        (lambda s: [s.pop(k) for k in list(s) if "running" in k], "without stored statistics"),
        (lambda s: s.clear(), "no layers' weights"),
    ],
)
def test_weights_that_make_no_gan_are_named_in_one_line(tmp_path, change, message):
    state = {k: v.clone() for k, v in small()[0].state_dict().items()}
    change(state)
    torch.save(state, tmp_path / "netG.pt")
    refused(tmp_path / "netG.pt", message)
