"""The models that come along: each opens, draws, and says what it is; and the workshop that publishes them."""

import dataclasses
import hashlib
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from gan_probe import BadInputError, UsageError, checkpoints
from gan_probe.api import load
from gan_probe.checkpoints import LoadRequest, load_gan
from gan_probe.checkpoints.native import load_checkpoint, save_checkpoint
from gan_probe.data import Data, Split
from gan_probe.feature_space.names import DEFAULTS, open_space
from gan_probe.training.checkpoint import train_checkpoint

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "models"))  # as where it runs
import zoo  # noqa: E402

FOLDERS = sorted(path.parent for path in (ROOT / "models").glob("*/model.safetensors"))
TABLE = zoo.models()
PARTS = ["Data and licence", "How it was made", "Was the training steady?", "Known failings"]
PARTS += ["What a longer run should bring"]

every_model = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


@every_model
def test_a_model_opens_as_its_card_says(folder):
    gan = load(folder)
    readme = (folder / "README.md").read_text(encoding="utf-8")
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert gan.card.name == folder.name
    assert gan.card.sha256 == digest
    assert readme.count(f"| sha256 of model.safetensors | {digest} |") == 1
    assert gan.card.licence
    nets = [net for net in (gan.generator, gan.discriminator) if net is not None]
    assert all(p.dtype == torch.float32 for net in nets for p in net.parameters())


@every_model
def test_a_models_samples_vary_and_its_scores_are_finite(folder):
    gan = load(folder)
    if gan.generator is None:
        assert TABLE[folder.name].keeps == "its discriminator"
        size = gan.card.image_size
        noise = torch.rand(16, gan.card.channels, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1
        scores = gan.discriminator(noise)
        assert torch.isfinite(scores).all()
        assert scores.std() > 0
        return
    labels = torch.zeros(16, dtype=torch.int64) if gan.card.classes else None
    z = gan.latent(16, np.random.default_rng(0))
    images = gan.sample(z, labels)
    assert torch.equal(images, load(folder).sample(z, labels))
    assert images.std(dim=0).mean() > 0.02 * (gan.card.value_range[1] - gan.card.value_range[0])
    assert torch.isfinite(gan.discriminator(images, labels)).all()


@pytest.mark.parametrize("folder", [f for f in FOLDERS if f.name in TABLE], ids=lambda folder: folder.name)
def test_a_models_card_has_all_its_parts_and_its_table_made_it(folder):
    model, card = TABLE[folder.name], load(folder).card
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert [part for part in PARTS if f"\n## {part}\n" not in readme] == []
    assert all((folder / picture).is_file() for picture in re.findall(r"\]\((\S+\.(?:png|webp))\)", readme))
    assert all(failing in readme for failing in model.failings)
    assert (card.licence, card.training_data) == (model.licence, model.training_data)
    recipe = dataclasses.asdict(model.recipe)
    assert all(recipe[name] == value for name, value in card.training["recipe"].items())
    if "verdict" in card.training:
        assert f"Verdict: {card.training['verdict']['words']}." in readme
    else:
        assert "before the monitors were written" in readme
    for text in (readme, (folder / "model.safetensors").read_bytes()[:50_000].decode("latin-1")):
        assert not re.search(r"[\s\"'=]/\w+/", text)  # no place of the machine that trained it


def test_models_for_research_alone_say_so_in_a_file_and_stay_out_of_the_packages():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]
    assert project["wheel"]["force-include"] == {"models/digits-dcgan": "gan_probe/models/digits-dcgan"}
    shipped = [path for path in project["sdist"]["include"] if path.startswith("/models") or path[0] != "/"]
    assert shipped == ["/models/digits-dcgan", "/models/zoo*"]  # without the slash, LICENSE is that of every folder
    for folder in FOLDERS:
        research = folder.name in TABLE and bool(TABLE[folder.name].terms)
        assert (folder / "LICENSE").is_file() == research
        assert ("research" in load(folder).card.licence) == research


def test_all_models_together_are_small():
    assert sum(f.stat().st_size for folder in FOLDERS for f in folder.iterdir()) < 48e6


def test_the_package_knows_the_names_of_the_published_models():
    assert sorted(checkpoints.ZOO) == sorted(name for name, model in TABLE.items() if model.failings)
    assert set(DEFAULTS.values()) <= set(TABLE)


def test_a_model_that_the_wheel_lacks_is_found_in_a_checkout_and_else_told_where_to_get(tmp_path, monkeypatch):
    package = tmp_path / "checkout" / "gan_probe"
    monkeypatch.setattr(checkpoints, "__file__", str(package / "checkpoints" / "__init__.py"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInputError, match=r"installed package.* take the folder models/mnist-dcgan") as e:
        load_gan(LoadRequest(Path("mnist-dcgan")))
    assert len(str(e.value)) <= 200
    with pytest.raises(BadInputError, match="imagenet32-features, a model of the repository that is not here") as e:
        open_space("default", 32, 3)
    assert len(str(e.value)) <= 200
    (tmp_path / "checkout" / "models").mkdir(parents=True)
    (tmp_path / "checkout" / "models" / "mnist-dcgan").symlink_to(ROOT / "models" / "digits-dcgan")
    assert load_gan(LoadRequest(Path("mnist-dcgan"))).card.name == "digits-dcgan"
    assert open_space("default", 16, 1).name.startswith("d:mnist-dcgan:")


def test_an_installed_package_finds_the_models_of_the_checkout_that_it_is_run_in(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "__file__", str(tmp_path / "site" / "gan_probe" / "checkpoints" / "__init__.py"))
    (tmp_path / "models").mkdir()
    for name in ("mnist-dcgan", "my-dcgan"):
        (tmp_path / "models" / name).symlink_to(ROOT / "models" / "digits-dcgan")
    monkeypatch.chdir(tmp_path)
    assert checkpoints.resolve("mnist-dcgan") == Path("mnist-dcgan")  # some other project's models
    (tmp_path / "models" / "zoo.toml").touch()
    assert checkpoints.resolve("mnist-dcgan") == Path("models/mnist-dcgan")
    assert checkpoints.resolve("my-dcgan") == Path("my-dcgan")
    assert load_gan(LoadRequest(Path("mnist-dcgan"))).card.name == "digits-dcgan"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """An entry of the table and the checkpoint that it made."""
    options = "--image-size 16 --width 4 --kernel 4 --z-size 8 --batch-size 32 --epochs 2"
    model = zoo.Model(
        "noise-dcgan", "Noise.", "noise", "noise", "Own noise.", options, "MIT", "Nothing.", ["It is noise."]
    )
    images = np.random.default_rng(0).integers(0, 256, (128, 16, 16, 1), np.uint8)
    path = tmp_path_factory.mktemp("zoo") / "a.pt"
    train_checkpoint(Data("noise", Split.from_arrays("noise", images)), path, model.recipe)
    return model, path


def test_what_is_published_holds_its_pictures_its_verdict_and_nothing_of_before(trained, tmp_path):
    model, checkpoint = trained
    folder = tmp_path / model.name
    folder.mkdir()
    (folder / "old.png").touch()
    zoo.publish(dataclasses.replace(model, terms="Ask first."), checkpoint, folder)
    assert sorted(p.name for p in tmp_path.iterdir()) == [model.name]
    names = {"LICENSE", "README.md", "losses.png", "model.safetensors", "samples.png", "samples-over-training.webp"}
    assert {p.name for p in folder.iterdir()} == names | {"signals.png"}
    readme = (folder / "README.md").read_text()
    assert "- It is noise." in readme
    assert "Verdict: " in readme
    assert re.search(r"\| measure \| step 8 \| real images \|\n.*\n\| precision \| \S+ \(\S+ to \S+\) \| ", readme)
    assert f"gan-probe train --data noise {model.options} --out .cache/zoo/noise-dcgan.pt --resume" in readme
    assert "float16" in readme
    assert load(folder).card.training["verdict"]["words"] in readme
    first = (folder / "samples.png").read_bytes()
    zoo.publish(model, checkpoint, folder)
    assert (folder / "samples.png").read_bytes() == first
    assert not (folder / "LICENSE").exists()


def test_making_unpacks_trains_with_the_tables_command_and_ends_as_the_training_does(trained, tmp_path, monkeypatch):
    ran = []

    def run(words, **_):
        ran.append(words)
        return subprocess.CompletedProcess(words, 75 if "gan_probe" in words else 0)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(subprocess, "run", run)
    model = dataclasses.replace(trained[0], data=".cache/noise.npz")
    with pytest.raises(SystemExit) as left:
        zoo.make(model, Path("shared"))
    assert left.value.code == 75  # interrupted: the same command goes on
    assert ran == [
        [sys.executable, "shared/data/unpack", ".cache", "noise"],
        [sys.executable, "-m", "gan_probe", *model.command],
    ]
    assert shlex.join(model.command) == (
        f"train --data .cache/noise.npz {model.options} --out .cache/zoo/noise-dcgan.pt --resume"
    )


def test_weights_that_float16_cannot_hold_are_stored_as_float32(trained, tmp_path):
    gan, _ = load_checkpoint(trained[1])
    with torch.no_grad():
        [*(p for p in gan.discriminator.parameters() if p.dim() > 1)][-1].mul_(1e-7)  # below float16's smallest
    half, words = zoo.stored_as(gan, tmp_path / "half")
    assert not half
    assert words.startswith("float32: ")
    assert zoo.stored_as(load_checkpoint(trained[1])[0], tmp_path / "as-it-is")[0]


def test_what_nobody_has_looked_at_and_what_is_of_another_training_is_not_published(trained, tmp_path):
    model, checkpoint = trained
    with pytest.raises(UsageError, match=r"write its failings into zoo\.toml"):
        zoo.publish(dataclasses.replace(model, failings=[]), checkpoint, tmp_path / "x")
    other = model.options.replace("--width 4", "--width 8")
    with pytest.raises(BadInputError, match=r"was trained with width 4; zoo\.toml says 8"):
        zoo.publish(dataclasses.replace(model, options=other), checkpoint, tmp_path / "x")
    gan, _ = load_checkpoint(checkpoint)
    (tmp_path / "b-training").symlink_to(checkpoint.with_name("a-training"))
    gan.card = dataclasses.replace(gan.card, training=gan.card.training | {"seed": 1})
    save_checkpoint(gan, tmp_path / "b.pt")
    with pytest.raises(BadInputError, match="report of another training"):
        zoo.publish(model, tmp_path / "b.pt", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_the_workshop_prints_one_line_for_each_model_that_went_wrong_and_goes_on(capsys, monkeypatch):
    made = []
    monkeypatch.setattr(zoo, "make", lambda model, _: made.append(model.name))
    with pytest.raises(SystemExit) as left:
        zoo.main(["make", "no-such-dcgan", "mnist-dcgan"])
    assert (left.value.code, made) == (2, ["mnist-dcgan"])
    assert capsys.readouterr().err.startswith("zoo: no-such-dcgan is not in zoo.toml; there are: mnist-dcgan, ")
