"""Bad plugins by name: what each does in its `run`, how it ends, and what is said of it.

The bodies are Python source, so that the same text is run here, in a process of its own, and by a real command line.
"""

from __future__ import annotations

from dataclasses import dataclass

HEAD = """
import builtins, contextlib, ctypes, gc, locale, multiprocessing, os, pathlib, random, resource, shutil, signal
import subprocess, sys, tempfile, threading, time, warnings
import numpy as np
import torch
from gan_probe import Analysis, Figure, GanProbeError, OutputError, Report, Table, hookimpl
from gan_probe.report import Artifact

class Base(Exception):
    def __str__(self):
        raise SystemExit(3)

class Mine(GanProbeError):
    exit_code = 0

class Theirs(Report):
    def __getattribute__(self, name):
        if name == "notes":
            raise LookupError("not today")
        return super().__getattribute__(name)

def figure(artist=None):
    from matplotlib.figure import Figure as MatplotlibFigure
    made = MatplotlibFigure()
    axes = made.add_subplot()
    axes.plot([1, 2])
    if artist is not None:
        axes.add_artist(artist)
    return made

def artist(fails_at):
    from matplotlib.artist import Artist
    class Bomb(Artist):
        draws = 0
        def draw(self, renderer):
            Bomb.draws += 1
            if Bomb.draws >= fails_at:
                raise LookupError("no ink")
        def get_tightbbox(self, renderer=None):
            return None
    return Bomb()

class Stubborn(float):
    def __float__(self):
        raise LookupError("no number")
"""
ANALYSIS = """

class Bad{number}(Analysis):
    "Does harm."
    name = "bad-{name}"
    needs = frozenset({{"sample"}})
    takes = frozenset({{"data"}})

    def run(self, gan, options, ctx):
{body}
        return Report(notes=["done"])
"""
TAIL = """

@hookimpl
def register_analyses():
    return [kind for name, kind in sorted(globals().items()) if name.startswith("Bad")]
"""
# A good neighbour of another distribution: numbers of everything that somebody else could have touched.
GOOD = """
import locale, os, random, sys, warnings
from gan_probe import Analysis, Figure, Report, Table, hookimpl
from gan_probe.data import DatasetSource

class Numbers(Analysis):
    "Sums up what it was given."
    name = "numbers"
    needs = frozenset({"sample", "data"})

    def run(self, gan, options, ctx):
        import numpy as np
        import torch
        from gan_probe.report.figures import interval_chart
        samples = ctx.samples(gan, 24)
        train, _ = ctx.data.train_test(ctx.rng("numbers/split"))
        images = ctx.images(train.take(40, ctx.rng("numbers/take")), gan.card)
        with torch.no_grad():
            scores = gan.discriminator(samples.images.to(gan.device)).flatten().cpu().numpy()
        rows = [{"of": "samples", "sum": float(samples.images.sum()), "first": float(samples.z[0, 0])},
                {"of": "images", "sum": float(images.images.sum()), "first": float(images.labels.sum())},
                {"of": "scores", "sum": float(scores.sum()), "first": float(scores[0])},
                {"of": "noise", "sum": float(ctx.rng("numbers/noise").normal()), "first": float(torch.ones(2).sum())}]
        chart = interval_chart([r["of"] for r in rows], [r["sum"] for r in rows], [None] * 4, [None] * 4, "sum")
        return Report(tables=[Table("sums", rows, "Sums", "n = 24.")], figures=[Figure("sums", chart, "Sums")],
                      notes=[f"{locale.setlocale(locale.LC_ALL)} {np.float64(1) / 3:.3f} {torch.is_grad_enabled()}"])

@hookimpl
def register_analyses():
    return [Numbers]

@hookimpl
def register_datasets():
    from gan_probe.testing import tiny_data
    return [DatasetSource("few", "The first of the digits: every run reads all that it is given.",
                          lambda request: tiny_data())]
"""


@dataclass(frozen=True)
class Kind:
    """One way to be bad.

    `said` stands in the report, in its error where it fails and in its notes where it is put back. `survives` says
    whether a process can: the others are only run in one of their own.
    """

    name: str
    body: str
    said: str = ""
    fails: bool = True
    survives: bool = True
    limits: tuple[str, ...] = ()


FAILS = [
    Kind("raises", "raise ValueError('their bug')", "ValueError: their bug"),
    Kind("raises-what-no-except-catches", "raise type('Odd', (BaseException,), {})('odd')", "Odd: odd"),
    Kind("raises-what-cannot-be-said", "raise Base", "Base"),
    Kind("claims-a-full-disk", "raise OutputError('no space')", "no space"),
    Kind("claims-success", "raise Mine('all is well')", "all is well"),
    Kind("exits-0", "sys.exit(0)", "SystemExit"),
    Kind("exits-3", "sys.exit(3)", "SystemExit"),
    Kind("recurs", "def f(): return f()\nf()", "RecursionError"),
    Kind("asks-for-too-much", "np.ones((2**40, 2**10))", "Error"),
    Kind("returns-none", "return None", "not NoneType"),
    Kind("returns-a-dict", "return {'accuracy': 1.0}", "not dict"),
    Kind("returns-its-own-kind", "return Theirs()", "not today"),
    Kind("ragged", "return Report(tables=[Table('t', [{'a': 1}, {'b': 2}])])", "differ in column"),
    Kind("column-nan", "return Report(tables=[Table('t', [{float('nan'): 1}])])", "not text"),
    Kind("cell-that-lies", "return Report(tables=[Table('t', [{'a': Stubborn(1)}])])", "no number"),
    Kind("too-many-rows", "return Report(tables=[Table('t', [{'a': 1}] * 200_000)])", "at most 100,000"),
    Kind("too-long", "return Report(notes=['x' * 10**7])", "at most 100,000"),
    Kind("too-big-a-number", "return Report(tables=[Table('t', [{'a': 10**5000}])])", "bits"),
    Kind("too-wide-a-format", "return Report(tables=[Table('t', [{'a': 1}], formats={'a': '9999999999d'})])", "format"),
    Kind("notes-no-list", "return Report(notes='a note')", "the notes must be a list"),
    Kind("tables-no-tables", "return Report(tables=[lambda: 1])", "not Table"),
    Kind("figure-fails", "return Report(figures=[Figure('f', figure(artist(1)))])", "no ink"),
    Kind("figure-fails-later", "return Report(figures=[Figure('f', figure(artist(2)))])", "no ink"),
    Kind(
        "figure-too-large", "f = figure(); f.set_size_inches(10**4, 1); return Report(figures=[Figure('f', f)])", "x 1"
    ),
    Kind(
        "artifact-gone",
        "with tempfile.NamedTemporaryFile() as f:\n    return Report(artifacts=[Artifact('a', pathlib.Path(f.name))])",
        "no file",
    ),
]
DIES = [
    Kind("exits-at-once", "os._exit(0)", "ended by itself, with exit code 0", survives=False),
    Kind("segfaults", "ctypes.string_at(0)", "SIGSEGV", survives=False),
    Kind("aborts", "os.abort()", "SIGABRT", survives=False),
    Kind("kills-itself", "os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL", survives=False),
    Kind("hangs", "time.sleep(1000)", "had not ended", survives=False, limits=("--time-limit", "1")),
    Kind(
        "tells-its-number",
        "pathlib.Path('number').write_text(str(os.getpid())); time.sleep(1000)",
        "had not ended",
        survives=False,
        limits=("--time-limit", "1"),
    ),
    Kind(
        "hangs-deaf",
        "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\nwhile True: pass",
        "had not ended",
        survives=False,
        limits=("--time-limit", "1"),
    ),
    Kind(
        "eats-memory",
        "kept = [np.ones(10**7) for _ in range(100)]; time.sleep(60)",
        "more than 1.0 GB",
        survives=False,
        limits=("--memory-limit", "1"),
    ),
    Kind(
        "prints-without-end",
        "while True: print('again ' * 10); time.sleep(0.001)",
        "had not ended",
        survives=False,
        limits=("--time-limit", "1"),
    ),
    Kind("interrupts", "raise KeyboardInterrupt", "KeyboardInterrupt", survives=False),
    Kind(
        "leaves-a-child-and-goes",
        "if os.fork() == 0: time.sleep(1000)\nos._exit(7)",
        "with exit code 7",
        survives=False,
    ),
    Kind("closes-everything", "os.closerange(0, 256)", "ended by itself", survives=False),
]
PUT_BACK = [
    Kind("zeroes-weights", "for p in gan.generator.parameters(): p.data.zero_()", "weights", fails=False),
    Kind("zeroes-statistics", "for b in gan.discriminator.buffers(): b.zero_()", "weights", fails=False),
    Kind("casts", "gan.generator.double(); gan.discriminator.half()", "weights", fails=False),
    Kind("trains", "gan.generator.train(); gan.discriminator.train()", "modes", fails=False),
    Kind("hooks", "gan.generator.register_forward_hook(lambda *_: torch.zeros(1))", "hooks", fails=False),
    Kind(
        "hooks-everything",
        "torch.nn.modules.module.register_module_forward_hook(lambda m, a, o: o * 0)",
        "torch's global hooks",
        fails=False,
    ),
    Kind("no-gradients", "torch.set_grad_enabled(False)", "torch's global modes", fails=False),
    Kind(
        "inference",
        "mode = torch.inference_mode(); mode.__enter__(); builtins._kept = mode\n"
        "gan.generator.conv = 1\nfor p in gan.generator.parameters(): p.data = p * 0",
        "weights",
        fails=False,
    ),
    Kind("other-types", "torch.set_default_dtype(torch.float64)", "torch's global modes", fails=False),
    Kind("other-device", "torch.set_default_device('meta')", "torch's global modes", fails=False),
    Kind("threads", "torch.set_num_threads(7); torch.use_deterministic_algorithms(True)", "torch's", fails=False),
    Kind("reseeds", "random.seed(1); np.random.seed(1); torch.manual_seed(1)", fails=False),
    Kind("moves", "os.chdir('/')", "the working directory", fails=False),
    Kind("environment", "os.environ['TZ'] = 'Asia/Tokyo'; os.environ['HOME'] = '/x'", "environment", fails=False),
    Kind("umask", "os.umask(0o777)", "the umask", fails=False),
    Kind("signals", "signal.signal(signal.SIGTERM, lambda *_: None)", "signal handlers", fails=False),
    Kind("alarm", "signal.setitimer(signal.ITIMER_REAL, 0.3)", "the alarm clock", fails=False),
    Kind("limits", "resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))", "limits", fails=False),
    Kind("locale", "locale.setlocale(locale.LC_ALL, 'C.UTF-8')", "the locale", fails=False),
    Kind("warnings", "warnings.simplefilter('error'); warnings.showwarning = None", fails=False),
    Kind(
        "matplotlib",
        "import matplotlib\nmatplotlib.rcParams.update({'lines.linewidth': 9, 'savefig.bbox': 'tight'})",
        "matplotlib's settings",
        fails=False,
    ),
    Kind("numpy", "np.seterr(all='raise'); np.set_printoptions(precision=1)", "numpy's settings", fails=False),
    Kind(
        "interpreter",
        "sys.setrecursionlimit(120 + len(__import__('inspect').stack())); gc.disable(); sys.path.clear()",
        "the interpreter's settings",
        fails=False,
    ),
    Kind(
        "pillow",
        "from PIL import ImageFile; ImageFile.LOAD_TRUNCATED_IMAGES = True",
        "PIL.ImageFile.LOAD_TRUNCATED_IMAGES",
        fails=False,
    ),
    Kind("patches-sampling", "type(gan).sample = lambda *_: None", "GAN.sample", fails=False),
    Kind("patches-numpy", "np.random.default_rng = lambda *_: None", "numpy.random.default_rng", fails=False),
    Kind("patches-torch", "torch.nn.Conv2d.forward = lambda *_: None; torch.cat = max", "torch.cat", fails=False),
    Kind("patches-open", "builtins.open = None; os.replace = None", "builtins.open", fails=False),
    Kind("hides-modules", "sys.modules['json'] = None; sys.modules.pop('gan_probe.isolation')", "json", fails=False),
    Kind(
        "patches-a-neighbour",
        "for kind in Analysis.__subclasses__(): kind.run = None; kind.title = 'mine'",
        "replaced code",
        fails=False,
    ),
    Kind("renames-itself", "type(self).name = 'samples'; type(self).title = 7", "replaced code", fails=False),
    Kind("poisons-what-is-shared", "ctx.shared.clear(); ctx.shared.update(dict.fromkeys(range(9), None))", fails=False),
    Kind(
        "spoils-arrays",
        "s = ctx.samples(gan, 5); s.images.zero_(); s.z.zero_(); s.pixels[:] = 0\n"
        "ctx.images(ctx.data.train, gan.card).images[:] = 0\n"
        "ctx.data.train.labels[:] = 0; ctx.data.train.indices[:] = 0; ctx.loaded.clear(); ctx.loaded.append(3)",
        fails=False,
    ),
    Kind(
        "spoils-its-handle", "gan.generator = gan.card = None; object.__setattr__(ctx.data, 'train', None)", fails=False
    ),
    Kind("spoils-its-options", "object.__setattr__(options, 'count', object())", fails=False),
    Kind("closes-streams", "sys.stdout.close(); sys.stderr.close()", fails=False),
    Kind("closes-descriptors", "os.close(0); os.close(1); os.close(2)", "standard input and output", fails=False),
    Kind(
        "prints", "print('stray'); os.write(1, b'stray'); os.system('echo stray'); sys.__stdout__.flush()", fails=False
    ),
    Kind("leaves-a-thread", "threading.Thread(target=time.sleep, args=(2,)).start()", fails=False),
    Kind("leaves-a-process", "os.spawnlp(os.P_NOWAIT, 'sleep', 'sleep', '2')", fails=False),
    Kind("makes-odd-progress", "ctx.progress(-1, 0, '\\x1b[2J'); ctx.progress(9, 3, 'x' * 9999)", fails=False),
]
KINDS = [*FAILS, *DIES, *PUT_BACK]


def source() -> str:
    """One module with an analysis of each kind."""
    analyses = (
        ANALYSIS.format(number=number, name=kind.name, body="\n".join(f"        {s}" for s in kind.body.splitlines()))
        for number, kind in enumerate(KINDS)
    )
    return HEAD + "".join(analyses) + TAIL
