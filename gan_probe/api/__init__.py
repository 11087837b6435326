"""The Python face of gan-probe: open a checkpoint, run an analysis, compare; and what commands are made of."""

from gan_probe.api.comparing import Contest, compare
from gan_probe.api.opening import DataRequest, dataset_sources, load, open_data
from gan_probe.api.study import Study, run

__all__ = ["Contest", "DataRequest", "Study", "compare", "dataset_sources", "load", "open_data", "run"]
