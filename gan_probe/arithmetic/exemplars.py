"""Which samples stand for a concept in each draw: none stands twice, so that draws are independent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


def disjoint_draws(pools: Sequence[np.ndarray], k: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Up to `draws` draws of k members of each pool, as (P, R, k) int64; R is what the pools allow, 0 included.

    `pools` are P arrays of sample numbers, which may overlap. No number comes twice, in no draw and for no pool: draws
    of random samples are then independent, and a binomial interval of what becomes of them is right. Each pool's draws
    have as large a share of what it has in common with another as the pool itself has: R ends where that is used up.
    """
    members = [np.unique(pool) for pool in pools]
    everything = np.unique(np.concatenate(members))
    places = [np.searchsorted(everything, pool) for pool in members]
    kinds = np.zeros(len(everything), np.int64)  # which pools hold a number, a bit for each: alike but for their z
    for i, place in enumerate(places):
        kinds[place] |= 1 << i
    rarest_first = sorted(range(len(members)), key=lambda i: len(members[i]))
    orders = {i: rng.permutation(places[i]) for i in rarest_first}
    draws = min(draws, len(members[rarest_first[0]]) // k)
    # a pool's order says of which kind each exemplar is; those that pools share then choose among the kind's numbers
    wanted = np.stack([kinds[orders[i][: draws * k]].reshape(draws, k) for i in range(len(members))], axis=1)
    for kind in np.unique(kinds):
        used = (wanted == kind).sum((1, 2)).cumsum()
        draws = min(draws, int((used <= (kinds == kind).sum()).sum()))
    wanted = wanted[:draws]
    taken = np.empty(wanted.shape, np.int64)
    for kind in np.unique(wanted):
        order = next(orders[i] for i in rarest_first if kind >> i & 1)
        taken[wanted == kind] = everything[order[kinds[order] == kind][: (wanted == kind).sum()]]
    return taken.transpose(1, 0, 2)
