"""Layer features: batch-norm statistics recomputed, activations pooled to a grid, and a store of them on disk."""

from gan_probe.features.extraction import Calibration, Features, extract
from gan_probe.features.pooling import batches, pooled, pooled_rows
from gan_probe.features.statistics import recalibrate, recalibrated
from gan_probe.features.store import FeatureStore

__all__ = [
    "Calibration",
    "FeatureStore",
    "Features",
    "batches",
    "extract",
    "pooled",
    "pooled_rows",
    "recalibrate",
    "recalibrated",
]
