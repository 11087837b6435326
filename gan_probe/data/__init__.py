"""Image data: one registry of named sets, and folders, archives and arrays by path, behind one face."""

from gan_probe.data.model import Data, Images, Skipped, Split, describe
from gan_probe.data.sources import DataRequest, DatasetSource, builtin_sources, open_data

__all__ = [
    "Data",
    "DataRequest",
    "DatasetSource",
    "Images",
    "Skipped",
    "Split",
    "builtin_sources",
    "describe",
    "open_data",
]
