"""The examples of the hooks' pages do what they say."""

import numpy as np
import pytest

import gan_probe


@pytest.fixture
def example(docs, install):
    """Installs a page's example as a plugin."""
    return lambda hook: install("example", (docs / "plugins" / "hooks" / "examples" / f"{hook}.py").read_text())


def test_the_loader_opens_its_format_and_says_what_is_wrong_with_a_file(example, tmp_path):
    example("load_gan")
    rows = np.random.default_rng(0).normal(size=(3, 256))
    np.savetxt(tmp_path / "mine.latents", rows)
    gan = gan_probe.load(tmp_path / "mine.latents")
    z = gan.latent(5, np.random.default_rng(1))
    assert np.allclose(gan.sample(z).reshape(5, 256), np.tanh(z.numpy() @ rows), atol=1e-5)
    (tmp_path / "short.latents").write_text("1 2 3\n")
    with pytest.raises(gan_probe.BadInputError, match=r"short\.latents needs rows of 256"):
        gan_probe.load(tmp_path / "short.latents")
    (tmp_path / "words.latents").write_text("one two\n")
    with pytest.raises(gan_probe.BadInputError, match="holds no numbers"):
        gan_probe.load(tmp_path / "words.latents")
    assert gan_probe.load("digits-dcgan").card.name == "digits-dcgan"


def test_the_data_set_opens_by_its_name(example, gan_probe_command):
    example("register_datasets")
    data = gan_probe.open_data("stripes")
    assert (len(data.train), len(data.test), data.train.classes) == (40, 40, ("striped", "black"))
    assert "striped or black" in gan_probe_command("data")[1]


def test_the_writer_adds_its_file(example, gan_probe_command, tmp_path):
    example("write_report")
    code, _, err = gan_probe_command("run", "-p", "samples", "digits-dcgan", "--count", 4, "--out", "r")
    assert code == 0, err
    assert (tmp_path / "cwd" / "r" / "notes.txt").is_file()


def test_the_command_prints_one_number(example, gan_probe_command):
    example("register_commands")
    code, out, err = gan_probe_command("mean", "digits-dcgan", "--count", 4)
    assert code == 0, err
    assert 0 < float(out) < 255
