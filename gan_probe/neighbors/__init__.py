"""Exact nearest neighbours: of arrays in memory or mapped from a file, of streams, and of images shifted by pixels."""

from gan_probe.neighbors.search import Neighbors, Search, nearest
from gan_probe.neighbors.shifts import best_of, nearest_shifted, shifted

__all__ = ["Neighbors", "Search", "best_of", "nearest", "nearest_shifted", "shifted"]
