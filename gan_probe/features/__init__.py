"""Layer features: batch-norm statistics recomputed, activations pooled to a grid, and a store of both on disk."""

from gan_probe.features.pooling import batches, columns_of, pooled, pooled_rows
from gan_probe.features.statistics import recalibrate, recalibrated

__all__ = ["batches", "columns_of", "pooled", "pooled_rows", "recalibrate", "recalibrated"]
