"""The rungs, one after the other: each feature set is made, probed by the protocol, and let go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from gan_probe_plugins.linear_probe.images import part
from gan_probe_plugins.linear_probe.probe import Draws, Probe, drawn, draws, probe
from gan_probe_plugins.linear_probe.sets import features_of, kmeans_of, pixels_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gan_probe import GAN, Context
    from gan_probe_plugins.linear_probe import LinearProbeOptions
    from gan_probe_plugins.linear_probe.images import Fold, World
    from gan_probe_plugins.linear_probe.protocols import Protocol
    from gan_probe_plugins.linear_probe.sets import FeatureSet
    from gan_probe_plugins.linear_probe.supervised import Trial

# each has its own search: minutes, where the SVM takes a moment; but intervals over two cover 87 to 90 times in 100
SUPERVISED_DRAWS = 3


@dataclass
class Ladder:
    """What was measured, and how.

    `probes` are with all labels, the trained discriminator's first, `alone` its single layers, and `few` with a few
    labels of each class; `trials` of the supervised network are the number of labels, the trial, and whether chosen.
    `recomputed` says whether the discriminator's batch-norm statistics came from the training images.
    """

    gan: GAN
    layers: Sequence[str]
    world: World
    protocol: Protocol
    options: LinearProbeOptions
    ctx: Context
    notes: list[str]
    probes: list[Probe] = field(default_factory=list)
    alone: list[Probe] = field(default_factory=list)
    few: list[Draws] = field(default_factory=list)
    trials: list[tuple[int, Trial, bool]] = field(default_factory=list)
    recomputed: bool = False

    def trained(self, recompute: bool) -> None:
        """The discriminator itself, all layers together and each alone."""
        self.recomputed = recompute
        net = self.gan.discriminator
        assert net is not None  # noqa: S101  # asked by the caller
        whole = "trained D" if self.options.layers is None else f"trained D, {' + '.join(self.layers)}"
        settings = self.layers, self.world, self.options
        features, columns = features_of(whole, self.gan, net, *settings, recompute, self.ctx)
        self._probe(features)
        if len(self.layers) > 1 and self.protocol.all_labels:
            C = self.probes[0].C
            assert C is not None  # noqa: S101  # an SVM has one
            for layer, block in columns.items():
                # at the C of all layers: a search for each would double the time and tell little
                self.alone.append(probe(features.part(layer, block), self.world, (C,), self.ctx))

    def baseline(self, name: str) -> None:
        """One of the baselines that the options name."""
        if name == "random":
            self._random()
        elif name == "pixels":
            self._probe(pixels_of(self.gan, self.world))
        elif name == "kmeans":
            self._probe(kmeans_of(self.world, self.options.centroids, self.ctx))
        elif name == "supervised":
            self._supervised()

    def _random(self) -> None:
        net = self.gan.discriminator
        assert net is not None  # noqa: S101  # asked by the caller
        for i in range(self.options.random_draws):
            name = "random weights" if i == 0 else f"random weights {i + 1}"
            twin = net.random_twin(self.ctx.torch_generator(f"linear-probe/{name}"))
            if twin is None:
                self.notes.append("No random-weights control: the weights of this network cannot be drawn anew.")
                return
            # untrained statistics would say nothing, so they always come from the images
            settings = self.layers, self.world, self.options
            features, _ = features_of(name, self.gan, twin, *settings, twin.statistics != {}, self.ctx)
            self._probe(features)
            del features  # at full size, two sets of features would not fit beside each other

    def _supervised(self) -> None:
        from gan_probe_plugins.linear_probe.supervised import supervised

        seen, truth, name = self.world, self.world.truth, "supervised CNN"

        def predicted(chosen: np.ndarray, fold: Fold) -> np.ndarray:
            images, labels = seen.train.images[chosen], seen.labels[chosen]
            found = supervised(self.gan, images, labels, fold, seen.test.images, self.ctx, trials=self.options.trials)
            self.trials += [(len(chosen), trial, trial is found.chosen) for trial in found.trials]
            return found.predictions

        if self.protocol.all_labels:
            everything = np.arange(len(seen.labels))
            found = predicted(everything, seen.folds[0])
            score = max(trial.validation for _, trial, _ in self.trials)
            self.probes.append(Probe(name, None, len(everything), None, score, converged=True, predictions=found))
        for n in sorted(set(self.protocol.labels_per_class)):
            right = []
            for i in range(SUPERVISED_DRAWS):
                chosen = drawn(seen, n, "draw", i, self.ctx)
                right.append(predicted(chosen, part(seen.labels[chosen], self.options.validation, self.ctx)) == truth)
            shape, overlap = (None, len(chosen)), len(chosen) / len(seen.folds[0][0])
            self.few.append(Draws(name, *shape, None, None, True, np.stack(right), n, overlap))

    def _probe(self, features: FeatureSet) -> None:
        if self.protocol.all_labels:
            self.probes.append(probe(features, self.world, self.protocol.grid, self.ctx))
        for n in sorted(set(self.protocol.labels_per_class)):
            self.few.append(draws(features, self.world, n, self.protocol, self.protocol.grid, self.ctx))
