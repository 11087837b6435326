"""The probe of the authors' own discriminator, on real photographs."""

import numpy as np
import pytest

import gan_probe

from .rows import rows


def test_the_authors_discriminator_beats_its_random_weights_control_on_cifar10(shared):
    # the full figure (5,000 training images: 59 to 63 %) is in reports/; here 1,000, to stay quick
    gan = gan_probe.load(shared / "weights" / "dcgan_code_svhn")
    data = shared / "data" / "cifar10-train.zip"
    report = gan_probe.run(gan, "linear-probe", data=data, train_size=1000, test_size=1000, c="1e-4")
    found = rows(report)
    trained, control = found["trained D"], found["random weights"]
    assert trained["dimensions"] == 7168
    assert 0.46 <= trained["accuracy"] <= 0.60
    assert trained["accuracy"] > control["accuracy"] + 0.04


@pytest.mark.slow  # two minutes: the figures that the README quotes
def test_the_authors_discriminator_reaches_its_figure_in_torch_and_in_onnx(shared, tmp_path):
    import zipfile

    from gan_probe.checkpoints.export import export_onnx
    from gan_probe.data import open_data
    from gan_probe.features import batches

    for part in ("train", "test"):
        with zipfile.ZipFile(shared / "data" / f"cifar10-{part}.zip") as archive:
            archive.extractall(tmp_path / "cifar10")
    data = open_data(tmp_path / "cifar10")
    gan = gan_probe.load(shared / "weights" / "dcgan_code_svhn")
    images = data.train.take(1280, np.random.default_rng(0)).load(32, 3).images
    export_onnx(gan, tmp_path / "onnx", batches(gan, images, np.arange(1280), 128))
    by_torch, by_onnx = (
        rows(gan_probe.run(g, "linear-probe", data=data, train_size=5000))
        for g in (gan, gan_probe.load(tmp_path / "onnx" / "discriminator.onnx"))
    )
    assert 0.59 <= by_torch["trained D"]["accuracy"] <= 0.63
    assert by_torch["trained D"]["accuracy"] - by_torch["random weights"]["accuracy"] >= 0.08
    assert by_onnx["trained D"]["accuracy"] == pytest.approx(by_torch["trained D"]["accuracy"], abs=0.001)
