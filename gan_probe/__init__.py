"""gan-probe: measured, controlled analyses of pretrained GANs.

    import gan_probe
    gan = gan_probe.load("digits-dcgan")
    report = gan_probe.run(gan, "linear-probe", data="digits")
    report.table("accuracy").to_pandas()

These names are what most analyses need; importing them loads nothing heavy. A plugin may also use
`gan_probe.annotations`, `arithmetic`, `data`, `directions`, `duplicates`, `editing`, `feature_space`, `features`,
`gan`, `guided`, `judge`, `l2svm`, `measures`, `neighbors`, `network`, `receptive_field`, `report`, `sampling` and
`stage`; one that adds a command of its own, `api`, `cli.carrying_out`, `cli.options`, `plugins`, `runner` and `tasks`.
Anything else may change without notice.
"""

from gan_probe.analysis import Analysis, Context
from gan_probe.api import compare, load, open_data, run
from gan_probe.errors import BadInputError, GanProbeError, OutputError, UsageError
from gan_probe.gan import GAN, Card
from gan_probe.hookspecs import hookimpl
from gan_probe.options import Options, option
from gan_probe.report import Artifact, Figure, Measure, Report, RunReport, Table

__version__ = "0.1.0"

__all__ = [
    "GAN",
    "Analysis",
    "Artifact",
    "BadInputError",
    "Card",
    "Context",
    "Figure",
    "GanProbeError",
    "Measure",
    "Options",
    "OutputError",
    "Report",
    "RunReport",
    "Table",
    "UsageError",
    "__version__",
    "compare",
    "hookimpl",
    "load",
    "open_data",
    "option",
    "run",
]
