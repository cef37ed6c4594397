"""Where the mass of a law is: its support, soft tails cut."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from .generalized import GeneralizedMarchenkoPastur
from .marchenko_pastur import MarchenkoPastur
from .tabulated import TabulatedLaw

Law = MarchenkoPastur | GeneralizedMarchenkoPastur | TabulatedLaw

_WORTH_CUTTING = 0.01  # share of the width that a cut must save


def bulk_quantiles(law: Law, levels: ArrayLike) -> list[float]:
    """Quantiles of a law without its atom at zero, of total mass 1 - atom."""
    q = np.asarray(levels, dtype=float)
    below = float(law.cdf(0.0)) - law.atom if law.atom > 0 else 1.0
    return [float(x) for x in law.ppf(np.clip(np.where(q <= below, q, q + law.atom), 0.0, 1.0))]


def visible_support(law: Law, tail: float = 1e-6) -> Sequence[tuple[float, float]]:
    """Bulks of a law from left to right, soft tails cut where a mass of ``tail`` lies beyond.

    An edge in which the density ends like a square root stays where it is: the quantile is next to it.

    Parameters
    ----------
    law : MarchenkoPastur or GeneralizedMarchenkoPastur
    tail : float, optional
        Above 0.

    Returns
    -------
    list of (float, float)
        Finite; empty for a point mass.
    """
    bulks = law.support()
    if not bulks or tail >= 0.25 * (1 - law.atom):
        return bulks
    low, high = bulk_quantiles(law, [tail, 1 - law.atom - tail])
    first, last = bulks[0][0], bulks[-1][1]
    low = low if low - first > _WORTH_CUTTING * (high - low) else first
    high = high if last - high > _WORTH_CUTTING * (high - low) else last
    return [(max(a, low), min(b, high)) for a, b in bulks if b > low and a < high]
