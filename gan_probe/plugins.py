"""Finding and loading plugins: entry points of group `gan_probe`, one by one: a broken one costs only itself."""

from __future__ import annotations

import difflib
import importlib.metadata
import os
import re
import warnings
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from gan_probe import hookspecs
from gan_probe.errors import GanProbeError, UsageError, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gan_probe.analysis import Analysis

T = TypeVar("T")
GROUP = "gan_probe"
ALLOWED = (
    "GAN_PROBE_PLUGINS"  # environment: distributions, with commas between, whose plugins may be loaded; empty: none
)
BUILT_IN = "gan-probe"  # our own distribution: its names cannot be taken by others
# options that `gan-probe run` has itself; of its switches, either side
RESERVED = frozenset(
    {"generator", "discriminator", "arch", "pin", "plugin", "p", "data", "data-root", "download", "labels", "out"}
    | {"seed", "device", "batch-size", "isolate", "in-process", "time-limit", "memory-limit", "json", "force"}
    | {"resume", "debug", "help", "h", "version"}
)


@dataclass(frozen=True)
class Registered:
    """An analysis, with the plugin and the distribution (`name version`) that it came from."""

    analysis: type[Analysis[Any]]
    plugin: str
    distribution: str


def stranger(registered: Registered) -> bool:
    """Whether the analysis is another distribution's than ours."""
    return registered.distribution.split()[0] != BUILT_IN


@dataclass(frozen=True)
class Broken:
    """A plugin, or one thing that it registers, that cannot be used, and why."""

    plugin: str
    reason: str


@dataclass
class Host:
    """The plugin manager with what the loaded plugins registered."""

    manager: pluggy.PluginManager
    analyses: dict[str, Registered] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)
    clashes: dict[str, list[str]] = field(default_factory=dict)

    def find(self, name: str) -> Registered:
        """The analysis of that name; UsageError suggests the nearest, or says why it is not to be had."""
        if name in self.analyses:
            return self.analyses[name]
        if name in self.clashes:
            raise UsageError(
                f"analysis {name!r} is claimed by {' and '.join(self.clashes[name])}: uninstall one of them"
            )
        for broken in self.broken:
            if name in broken.plugin.split(":"):
                raise UsageError(one_line(f"plugin {broken.plugin} cannot be used: {broken.reason}"))
        near = difflib.get_close_matches(name, self.analyses, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"`gan-probe plugins` lists the {len(self.analyses)} there are"
        raise UsageError(one_line(f"no analysis {name!r}; {hint}"))

    def call(self, hook: str, read: Callable[[Any], T], **arguments: object) -> Iterator[tuple[str, T]]:
        """Call a hook plugin by plugin, the latest first: each plugin's name with `read(result)`, Nones left out.

        Whatever a plugin does wrong, `sys.exit` and a result that `read` raises on included, costs only its own
        result: a UserWarning names it. A GanProbeError of `load_gan` is the plugin's verdict on its own format and
        passes.
        """
        caller: pluggy.HookCaller = getattr(self.manager.hook, hook)
        for name in dict.fromkeys(i.plugin_name for i in reversed(caller.get_hookimpls())):
            plugin = self.manager.get_plugin(name)
            others = [p for p in self.manager.get_plugins() if p is not plugin]
            try:
                result = self.manager.subset_hook_caller(hook, remove_plugins=others)(**arguments)
                # a plugin has one implementation of a hook; all but `firstresult` hooks give a list of it
                answers = [read(r) for r in (result if isinstance(result, list) else [result]) if r is not None]
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                if hook == "load_gan" and isinstance(error, GanProbeError):
                    raise
                reason = one_line(f"plugin {name}: its {hook} failed, {type(error).__name__}: {error}")
                warnings.warn(reason, UserWarning, stacklevel=2)
            else:
                yield from ((name, answer) for answer in answers)


def allow(distributions: Iterable[str]) -> None:
    """From here on, in this process and those that it starts, load only these distributions' plugins, and our own."""
    os.environ[ALLOWED] = ",".join(distributions)
    host.cache_clear()


@cache
def host() -> Host:
    """Every installed plugin, loaded once for the process; `allow`, or GAN_PROBE_PLUGINS, says which may be."""
    entry_points: Iterable[importlib.metadata.EntryPoint] = importlib.metadata.entry_points(group=GROUP)
    if ALLOWED in os.environ:
        named = {canonical(name) for name in (BUILT_IN, *os.environ[ALLOWED].split(","))}
        entry_points = [e for e in entry_points if canonical(_distribution(e).split()[0]) in named]
    return load_plugins(entry_points)


def canonical(name: str) -> str:
    """A distribution's name as package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def load_plugins(entry_points: Iterable[importlib.metadata.EntryPoint]) -> Host:
    """Load entry points one by one, ours first; whatever is wrong with one is recorded under its name."""
    manager = pluggy.PluginManager("gan_probe")
    manager.add_hookspecs(hookspecs)
    loaded = Host(manager)
    for entry_point in sorted(entry_points, key=lambda e: (_distribution(e).split()[0] != BUILT_IN, e.name, e.value)):
        distribution = _distribution(entry_point)
        plugin = f"{distribution.split()[0]}:{entry_point.name}"
        # a plugin may fail in any way, sys.exit included, and must take nobody with it; Ctrl-C is the user's
        try:
            module = entry_point.load()
            manager.register(module, name=plugin)
            try:
                manager.check_pending()
                _register_analyses(loaded, module, plugin, distribution)
            except BaseException:
                manager.unregister(name=plugin)
                raise
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            loaded.broken.append(Broken(plugin, one_line(f"{type(error).__name__}: {error}")))
    return loaded


def _distribution(entry_point: importlib.metadata.EntryPoint) -> str:
    if entry_point.dist is None:
        return "unknown"
    return f"{entry_point.dist.name} {entry_point.dist.version}"


def _register_analyses(loaded: Host, module: object, plugin: str, distribution: str) -> None:
    others = [p for p in loaded.manager.get_plugins() if p is not module]
    hook = loaded.manager.subset_hook_caller("register_analyses", remove_plugins=others)
    for analyses in hook():
        for analysis in analyses:
            check_declaration(analysis)
            name = analysis.name
            claimed = loaded.clashes.get(name) or (
                [loaded.analyses[name].distribution] if name in loaded.analyses else []
            )
            if not claimed:
                loaded.analyses[name] = Registered(analysis, plugin, distribution)
            elif claimed[0].split()[0] == BUILT_IN:
                loaded.broken.append(Broken(plugin, f"its analysis {name!r} has the name of a built-in: rename it"))
            else:
                # neither of two strangers is more right than the other
                loaded.clashes[name] = [*claimed, distribution]
                loaded.analyses.pop(name, None)
                loaded.broken.append(Broken(plugin, f"analysis {name!r} is also registered by {claimed[0]}"))


def check_declaration(analysis: object) -> None:
    """Raise TypeError or ValueError for what is no analysis, or declares a name, needs or options that cannot be."""
    from gan_probe.analysis import NEEDS, Analysis
    from gan_probe.options import declared

    if not (isinstance(analysis, type) and issubclass(analysis, Analysis)):
        raise TypeError(f"register_analyses gave {analysis!r}, which is no subclass of gan_probe.Analysis")
    name = getattr(analysis, "name", None)
    if not (isinstance(name, str) and name.replace("-", "").isalnum() and name == name.lower() and name.isascii()):
        raise ValueError(f"{analysis.__name__}.name is {name!r}: use lower-case letters, digits and dashes")
    if not all(isinstance(text, str) for text in (analysis.title, *analysis.references)):
        raise TypeError(f"{name}: its title and its references must be text")
    if not (isinstance(analysis.examples, tuple) and all(isinstance(line, str) for line in analysis.examples)):
        raise TypeError(f"{name}: its examples must be a tuple of command lines")
    if unknown := sorted((analysis.needs | analysis.takes) - set(NEEDS)):
        raise ValueError(f"{name} needs {unknown[0]!r}, which is not one of {', '.join(NEEDS)}")
    if taken := [d.name for d in declared(analysis.Options) if d.flag in RESERVED]:
        raise ValueError(f"{name} declares the option {taken[0]!r}, which `gan-probe run` has itself: rename it")
