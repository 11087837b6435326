"""The experiment: the object located, the maps chosen, and G run without them, and without as many random ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from gan_probe import BadInputError
from gan_probe.editing import edited
from gan_probe.feature_space import space_for
from gan_probe.measures.sample_set import RealSet
from gan_probe_plugins.filter_dropout.located import by_finder, from_file, train_detectors
from gan_probe_plugins.filter_dropout.maps import chosen_layer, fit, inside
from gan_probe_plugins.filter_dropout.positions import covered

if TYPE_CHECKING:
    from gan_probe import GAN, Context
    from gan_probe.gan import Layer
    from gan_probe.measures.intervals import Estimate
    from gan_probe_plugins.filter_dropout import FilterDropoutOptions
    from gan_probe_plugins.filter_dropout.located import Detectors, Located
    from gan_probe_plugins.filter_dropout.maps import Model

FIT_SHARE = 0.75  # of the samples with boxes; the rest are held out
KEPT = 64  # new samples whose pixels are kept for pictures


@dataclass(frozen=True, eq=False)
class Outcome:
    """What G does without some maps.

    `present` (N, K) bool: whether the judge sees each object in each new sample, and `doubtful` whether its networks
    disagree on that; None without a judge. On the held-out
    samples with boxes (M,): the model's mean probability inside boxes, and the mean change of pixels inside and outside
    of them, in grey levels of 255. `pixels` are the first new samples. `kid` is how far their second half is from the
    first half as G draws it; None where it was not measured.
    """

    maps: np.ndarray
    present: np.ndarray | None
    doubtful: np.ndarray | None
    probability: np.ndarray
    within: np.ndarray
    elsewhere: np.ndarray
    pixels: np.ndarray
    kid: Estimate | None


class Experiment:
    """All that was done and seen; `outcomes` by the number of maps dropped: the strongest ones, and random draws."""

    def __init__(self, gan: GAN, options: FilterDropoutOptions, ctx: Context) -> None:
        self.gan, self.options, self.ctx = gan, options, ctx
        net = gan.generator
        assert net is not None  # noqa: S101  # `needs` says so
        self.net = net
        self.thing = options.object
        self.layer: Layer = chosen_layer(net, options.layer)
        maps = self.layer.channels
        self.top = options.top or max(1, maps // 4)
        if self.top > maps:
            raise BadInputError(f"--top is {self.top}, but {self.layer.name} has {maps} maps")
        self.space = space_for(gan, options.feature_space, str(ctx.device))
        self.notes = list(self.space.notes)
        self.detectors: Detectors | None = train_detectors(gan, self.thing, ctx)
        self.located: Located = self._locate()
        self.samples = ctx.samples(gan, self.located.looked + options.samples)
        self.model, self.held_out = self._choose()
        self.unchanged = self._outcome(np.array([], dtype=np.int64))
        self.outcomes = self._doses()

    def _locate(self) -> Located:
        if self.options.boxes is not None:
            return from_file(self.options.boxes, self.thing, self.gan, self.ctx)
        assert self.detectors is not None  # noqa: S101  # checked before
        return by_finder(self.detectors.finder, self.thing, self.gan, self.ctx)

    def _choose(self) -> tuple[Model, np.ndarray]:
        """The model, and the held-out of the samples with boxes, by their place in `located`."""
        order = self.ctx.rng("filter-dropout/held-out").permutation(len(self.located.indices))
        held_out = np.sort(order[round(FIT_SHARE * len(order)) :])
        fitted = np.setdiff1d(order, held_out)
        cover = self.cover(fitted, self.layer.size)
        model = fit(self._maps(fitted), cover, self.ctx.rng("filter-dropout/negatives"))
        return model, held_out

    def cover(self, places: np.ndarray, size: int) -> np.ndarray:
        """How far the positions of maps (size, size) lie in boxes, for some of the samples with boxes."""
        return covered([self.located.boxes[i] for i in places], self.gan.card.image_size, size)

    def _doses(self) -> dict[int, tuple[Outcome, list[Outcome]]]:
        count, rng = self.layer.channels, self.ctx.rng("filter-dropout/random")
        shown = {self.top} | ({self.model.positive} if self.model.positive else set())
        doses = shown | ({max(1, count // part) for part in (16, 8, 4, 2)} if self.detectors else set())
        found = {}
        for done, n in enumerate(sorted(doses), 1):
            draws = [rng.permutation(count)[:n] for _ in range(self.options.draws)]
            # KID takes most of the time, and stands in the tables alone
            chosen, *random = (self._outcome(maps, kid=n in shown) for maps in (self.model.order[:n], *draws))
            found[n] = chosen, random
            self.ctx.progress(done, len(doses), "sampling without maps")
        return found

    def _outcome(self, maps: np.ndarray, *, kid: bool = True) -> Outcome:
        """G without these maps."""
        places, looked = self.held_out, self.located.looked
        with edited(self.net, self.layer.name, drop=maps.tolist()):
            new = self._images(slice(looked, None))
            boxed = self._images(self.located.indices[places])
        difference = np.abs(boxed.astype(np.float64) - self.samples.pixels[self.located.indices[places]]).mean(axis=3)
        in_box = self.cover(places, self.gan.card.image_size) > 0
        kept = np.ones(self.layer.channels)
        kept[maps] = 0
        mask = inside(self.cover(places, self.layer.size))
        present, doubtful = (None, None) if self.detectors is None else self.detectors.judge.verdicts(new)
        return Outcome(
            maps,
            present,
            doubtful,
            _mean(self.model.probability(self._held_out_maps * kept[:, np.newaxis, np.newaxis]), mask),
            _mean(difference, in_box),
            _mean(difference, ~in_box),
            new[:KEPT].copy(),
            self._real.measure(self.space(new[len(new) // 2 :])).kid if kid else None,
        )

    @cached_property
    def _held_out_maps(self) -> np.ndarray:
        return self._maps(self.held_out)

    @cached_property
    def _real(self) -> RealSet:
        new = self.samples.pixels[self.located.looked :]
        return RealSet(self.space(new[: len(new) // 2]))

    def _part(self, rows: np.ndarray | slice) -> tuple[torch.Tensor, torch.Tensor | None]:
        chosen = torch.from_numpy(rows) if isinstance(rows, np.ndarray) else rows
        return self.samples.z[chosen], None if self.samples.labels is None else self.samples.labels[chosen]

    def _images(self, rows: np.ndarray | slice) -> np.ndarray:
        z, labels = self._part(rows)
        return self.gan.to_uint8(self.gan.sample(z, labels, self.ctx.batch_size))

    def _maps(self, places: np.ndarray) -> np.ndarray:
        """The layer's maps (N, C, H, W) of some of the samples with boxes."""
        z, labels = self._part(self.located.indices[places])
        parts, size = [], self.ctx.batch_size
        for i in range(0, len(z), size):
            own = None if labels is None else labels[i : i + size]
            found = self.net.activations(z[i : i + size].to(self.gan.device), [self.layer.name], own)
            parts.append(found[self.layer.name].float().cpu().numpy())
        return np.concatenate(parts)


def experiment(gan: GAN, options: FilterDropoutOptions, ctx: Context) -> Experiment:
    """Do it."""
    return Experiment(gan, options, ctx)


def _mean(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The mean (N,) of values (N, H, W) where the mask is."""
    return np.array([own[where].mean() if where.any() else 0.0 for own, where in zip(values, mask, strict=True)])
