"""A limit law by itself: what is said about it, and its density and distribution function at points."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import laws

LEFT_OUT = 1e-8
"""Mass beyond the ends of a soft tail that a table leaves out: one eigenvalue of a hundred million."""


def summary(law: Any, outliers: Sequence[laws.Outlier], *, quantiles: bool) -> Iterator[tuple[str, str]]:
    """Yield names and values of support, atom, moments and outliers of a law.

    Parameters
    ----------
    law : MarchenkoPastur or GeneralizedMarchenkoPastur
    outliers : sequence of laws.Outlier
    quantiles : bool
        Also yield quantiles and the error of the law: where sample weights thin out towards the ends of their
        range, the ends of the support say little.
    """
    yield "support", " ".join(f"[{low:.8g}, {high:.8g}]" for low, high in law.support()) or "none"
    if quantiles:
        low, middle, high = law.ppf([0.005, 0.5, 0.995])
        yield "quantiles", f"0.5 % {low:.8g}  50 % {middle:.8g}  99.5 % {high:.8g}"
        yield "error of the distribution function", f"{law.error:.1g}"
    yield "atom at 0", f"{law.atom:.8g}"
    yield "moments", "  ".join(f"m_{k} {law.moment(k):.8g}" for k in range(1, 5))
    yield "outliers", "  ".join(f"{o.location:.8g} (x{o.multiplicity})" for o in outliers) or "none"


def unit(architecture: str, loss: str, n_classes: float | None) -> str | None:
    """Return the unit of the eigenvalues in words, None where it is 1."""
    if (architecture, loss) == ("hidden", "mse"):
        return "in units of S_ij = (V^T V)_ij"
    return "of C H_cc (diagonal) or -C^2 H_ce (off-diagonal)" if n_classes == math.inf else None


def columns(law: Any, points: int) -> dict[str, NDArray[np.float64]]:
    """Return points x inside the bulks, the density and the distribution function there."""
    x = _abscissae(law, points)
    return {"x": x, "density": law.pdf(x), "cdf": law.cdf(x)}


def _abscissae(law: Any, points: int) -> NDArray[np.float64]:
    """Return points inside the bulks, dense towards each edge, where the density bends most."""
    bulks = np.array(laws.visible_support(law, LEFT_OUT))
    widths = np.diff(bulks).ravel()
    counts = np.maximum(8, np.round(points * widths / widths.sum())).astype(int)
    parts = [
        low + (high - low) * np.sin(np.pi / 2 * (np.arange(n) + 0.5) / n) ** 2
        for (low, high), n in zip(bulks, counts, strict=True)
    ]
    return np.concatenate(parts)
