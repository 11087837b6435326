"""The house keeps its shape: imports point down, heavy ones wait, and only two packages are installed."""

import ast
import importlib.metadata
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

import gan_probe
import gan_probe_plugins

CORE = Path(gan_probe.__file__).parent
PLUGINS = Path(gan_probe_plugins.__file__).parent
# what a plugin may import from the core: its public names, and the numerical cores and pictures that analyses share
PUBLIC = {"gan_probe", "gan_probe.data", "gan_probe.features", "gan_probe.gan", "gan_probe.l2svm", "gan_probe.report"}
PUBLIC |= {"gan_probe.network", "gan_probe.stage"}  # for an analysis that trains a network of the same architecture
PUBLIC |= {"gan_probe.feature_space", "gan_probe.judge", "gan_probe.sampling", "gan_probe.report.animation"}
PUBLIC |= {"gan_probe.annotations"}  # boxes and exemplars that people marked
PUBLIC |= {"gan_probe.arithmetic"}  # concepts, their exemplars and what is done to them
PUBLIC |= {"gan_probe.guided", "gan_probe.receptive_field"}  # what excites a unit, and what it sees
PUBLIC |= {"gan_probe.neighbors"}
PUBLIC_PREFIXES = ("gan_probe.duplicates", "gan_probe.measures", "gan_probe.report.figures")
PUBLIC |= {"gan_probe.directions", "gan_probe.editing"}
# for a plugin's own command that runs analyses into a report
PUBLIC |= {"gan_probe.api", "gan_probe.cli.carrying_out", "gan_probe.cli", "gan_probe.plugins"}
PUBLIC |= {"gan_probe.report.html", "gan_probe.runner", "gan_probe.tasks"}
FLOORS = ["gan_probe.cli", "gan_probe.api", "gan_probe.runner"]


def imports(path):
    """Every module that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_the_core_knows_no_analysis():
    guilty = [str(f) for f in CORE.rglob("*.py") if any(m.startswith("gan_probe_plugins") for m in imports(f))]
    assert guilty == []


def test_built_in_plugins_import_only_public_names():
    strangers = {
        (f.name, module)
        for f in PLUGINS.rglob("*.py")
        for module in imports(f)
        if module.split(".")[0] == "gan_probe" and module not in PUBLIC and not module.startswith(PUBLIC_PREFIXES)
    }
    assert strangers == set()


def test_imports_point_down():
    for height, floor in enumerate(FLOORS):
        above = tuple(FLOORS[: height + 1])
        for path in CORE.rglob("*.py"):
            module = "gan_probe." + ".".join(path.relative_to(CORE).with_suffix("").parts)
            if module.startswith(above) or (path.parent == CORE and path.stem.startswith("__")):
                continue
            wrong = [m for m in imports(path) if m == floor or m.startswith(floor + ".")]
            assert wrong == [], f"{path.name} imports {wrong}"


def test_no_file_is_a_drawer():
    names = {p.stem for folder in (CORE, PLUGINS) for p in folder.rglob("*.py")}
    assert names.isdisjoint({"utils", "util", "helpers", "common", "misc"})


@pytest.mark.parametrize(
    "line",
    [
        "--help",
        "run --help",
        "run --plugin linear-probe --help",
        "plugins --json",
        "compare --plugin linear-probe --help",
        "train --help",
        "annotate --help",
        "paper --help",
        "cache",
    ],
)
def test_help_imports_nothing_heavy(line):
    code = (
        "import sys; from gan_probe import cli; cli.execute(sys.argv[1:]); "
        "print(*{m.split('.')[0] for m in sys.modules} & {'torch', 'torchvision', 'pandas', 'matplotlib', 'sklearn',"
        " 'scipy', 'onnxruntime', 'onnx', 'PIL'}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *line.split()], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""
    assert done.stdout


def test_installing_puts_exactly_two_packages_on_the_import_path():
    distribution = importlib.metadata.distribution("gan-probe")
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        pytest.skip("this is an editable install: `make test` runs against a wheel")
    tops = {f.parts[0] for f in distribution.files or []}
    assert {t for t in tops if t != ".." and not t.endswith(".dist-info")} == {"gan_probe", "gan_probe_plugins"}
    assert "site-packages" in str(CORE)
    assert importlib.util.find_spec("models") is None


def test_every_hook_is_documented():
    import inspect

    from gan_probe import hookspecs

    hooks = [f for f in vars(hookspecs).values() if inspect.isfunction(f) and f.__module__ == hookspecs.__name__]
    assert {f.__name__ for f in hooks} == {
        "load_gan",
        "register_analyses",
        "register_commands",
        "register_datasets",
        "write_report",
    }
    assert all(f.__doc__ for f in hooks)
