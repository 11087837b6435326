"""Names kept as one string are a list of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_probe.data.packed import PackedNames


@given(st.lists(st.text(st.characters(), max_size=20)))
def test_packed_names_are_those_put_in(names):
    found = PackedNames(names)
    assert list(found) == names
    assert [found[i] for i in range(-len(names), 0)] == found[:] == names
    with pytest.raises(IndexError):
        found[len(names)]
