"""Whether two models are alike, which is more than that no difference was shown."""

import dataclasses
import math

from numpy.typing import ArrayLike

from cnntention.base.errors import StatisticsError
from cnntention.reporting.statistics.samples import pairs, without_spread
from cnntention.reporting.statistics.seeds import paired_difference


@dataclasses.dataclass(frozen=True)
class Equivalence:
    """What two one-sided tests say.

    Attributes:
        alike: p-value of "the difference lies within the bounds"; NaN without spread to judge by.
        apart: p-value of "it lies outside", two-sided; likewise.
        low: lower end of the 90% interval: ``alike`` is under 0.05 exactly where it lies within the bounds.
        high: its upper end.
    """

    alike: float
    apart: float
    low: float
    high: float


def equivalence(values: ArrayLike, reference: ArrayLike, within: float) -> Equivalence:
    """Two one-sided paired t-tests over seeds (TOST; Schuirmann 1987) with the 90% interval that belongs to them.

    Args:
        values: one value per seed, shape ``[n]``.
        reference: the reference's value for the same seeds, shape ``[n]``.
        within: differences between minus this and this count as none.

    Raises:
        StatisticsError: bounds that are not above zero, fewer than two seeds, or values that do not fit.
    """
    from statsmodels.stats import weightstats

    if not within > 0:
        raise StatisticsError(f"a test of equivalence needs bounds above 0, not {within:g}")
    ours, theirs = pairs(values, reference, 2, "a test of equivalence")
    _, low, high = paired_difference(ours, theirs, 0.9)
    if without_spread(ours - theirs):
        return Equivalence(math.nan, math.nan, low, high)
    alike, (_, above_lower, _), (_, below_upper, _) = weightstats.ttost_paired(ours, theirs, -within, within)
    apart = min(1.0, 2 * (1 - max(above_lower, below_upper)))
    return Equivalence(float(alike), float(apart), low, high)
