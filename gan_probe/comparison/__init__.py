"""Several checkpoints under the same analyses: paired differences with intervals, corrected for their number."""

from gan_probe.comparison.contenders import Contender
from gan_probe.comparison.report import comparison, headline
from gan_probe.comparison.series import Named, check_several, distinct, named
from gan_probe.comparison.trainings import telling

__all__ = ["Contender", "Named", "check_several", "comparison", "distinct", "headline", "named", "telling"]
