"""Judges by name, and which samples they choose."""

import numpy as np
import pytest

from gan_probe import Context
from gan_probe_plugins.concepts import Gallery, judge_name, open_judges


@pytest.mark.parametrize(
    ("spec", "name", "source"),
    [
        ("toy-faces:smile", "smile", "toy-faces:smile"),
        ("smiles64", "smiles64", "smiles64"),
        ("faces/smiles.zip", "smiles", "faces/smiles.zip"),
        ("faces:^[0-9]+_([01])_", "faces", "faces:^[0-9]+_([01])_"),
        ("gender=faces:labels.csv", "gender", "faces:labels.csv"),
        ("hair colour = faces:hair", "hair colour", "faces:hair"),
        ("faces:(?P<label>[a-z]+)=1", "faces", "faces:(?P<label>[a-z]+)=1"),
    ],
)
def test_a_judge_is_called_as_it_is_named_or_as_its_labels_or_data(spec, name, source):
    assert judge_name(spec) == (name, source)


def test_a_concepts_pool_is_what_every_judge_is_sure_of(bars):
    gan = bars()
    ctx = Context()
    gallery = Gallery.judged(ctx.samples(gan, 400), open_judges(("upper", "lower"), gan.card, ctx))
    upper, lower = gallery.samples.z[:, 0].numpy(), gallery.samples.z[:, 1].numpy()
    pool = gallery.pool("light & dim", 0.5)
    np.testing.assert_array_equal(pool, np.flatnonzero((upper > 0) & (lower < 0)))
    sure = gallery.pool("light & dim", 0.9)
    assert set(sure) < set(pool)
    assert upper[sure].min() > 0.05
