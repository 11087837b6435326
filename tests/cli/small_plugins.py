"""Two plugins to be installed as pip would: one that fails, and one with options that needs no checkpoint."""

CRASH = """
from gan_probe import Analysis, Report, hookimpl
class A(Analysis):
    "Crashes."
    name = "crash"
    def run(self, gan, options, ctx):
        raise ZeroDivisionError("division by zero")
@hookimpl
def register_analyses():
    return [A]
"""
COUNTER = """
from dataclasses import dataclass
from gan_probe import Analysis, Options, Report, Table, hookimpl, option
@dataclass(frozen=True)
class O(Options):
    count: int = option(3, "how many", min=1)
    loud: bool = option(False, "whether")
class A(Analysis):
    "Counts."
    name = "counter"
    Options = O
    def run(self, gan, options, ctx):
        return Report(tables=[Table("t", [{"count": options.count, "loud": options.loud}])])
@hookimpl
def register_analyses():
    return [A]
"""
