"""The decimals that an interval needs."""

import pytest

from gan_probe.comparison.digits import fine_enough


@pytest.mark.parametrize(
    ("spec", "interval", "value", "shown"),
    [
        (".3f", (0.0466, 0.0476), 0.04712, "0.04712"),
        (".3f", (0.4, 0.6), 0.5, "0.500"),  # never fewer than its own
        (".1%", (0.80, 0.86), 0.8312, "83.1%"),
        (".1%", (0.8310, 0.8314), 0.83121, "83.121%"),
        ("+.3g", (-0.0012, -0.0002), -0.0007, "-0.0007"),
        (".3g", (1234.1, 1234.3), 1234.2, "1234.20"),
        (",.1f", (1234.10, 1234.14), 1234.12, "1,234.120"),
        (".1f", (1.0, 1.0 + 1e-9), 1.0, "1.0000"),  # three more at most
        (".3f", (0.5, 0.5), 0.5, "0.500"),
        (".3f", (float("-inf"), float("inf")), 0.5, "0.500"),
        ("d", (0.0, 0.1), 3, "3"),
    ],
)
def test_half_an_interval_shows_two_digits(spec, interval, value, shown):
    assert float(format(value, fine_enough(spec, [interval])).rstrip("%").replace(",", "")) == float(
        shown.rstrip("%").replace(",", "")
    )
    if "g" not in spec:
        assert format(value, fine_enough(spec, [interval])) == shown


def test_the_narrowest_of_several_intervals_counts():
    assert fine_enough(".1f", [(0, 10), (0.10, 0.14), (3, 4)]) == ".3f"
