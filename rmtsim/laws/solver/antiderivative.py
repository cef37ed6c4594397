"""Integrals by Chebyshev panels that adapt: antiderivatives of distribution functions."""

from typing import Any

import numpy as np
from numpy.polynomial.chebyshev import chebpts1, chebval, chebvander

from .measure import Floats

_EPS = float(np.finfo(float).eps)
_N_NODES = 16
_NODES = chebpts1(_N_NODES)
_TO_COEFFICIENTS = np.linalg.inv(chebvander(_NODES, _N_NODES - 1))
# Panels are halved until their last coefficients, times their width, are this small in units of the law's.
_TOLERANCE = 1e-14
_MOST_HALVINGS = 60
# Of one round: a law with noise above the tolerance stops here, and its error says so.
_MOST_PANELS = 10_000
# Quantiles at which panels begin, so that none is so much wider than the bulk that its nodes miss it.
_TAIL_LEVELS = 10.0 ** -np.array([15.0, 12, 9, 6, 4, 3, 2, 1])
_LEVELS = np.concatenate([_TAIL_LEVELS, [0.5], 1 - _TAIL_LEVELS])


class Antiderivative:
    """A(x) = integral from -infinity to x of F, by Chebyshev panels that adapt to where F bends.

    Parameters
    ----------
    law : Any
        Its ``cdf`` and ``ppf``; its ``support`` if it has one.
    atom : float
        Mass at zero, the only jump of F.

    Attributes
    ----------
    high : float
        Above it F is 1, but for a mass of 1e-15.
    error : float
        Estimate of the absolute error of differences of A.
    """

    def __init__(self, law: Any, atom: float) -> None:
        self._atom = atom
        breaks = _breaks(law, atom)
        self.low, self.high = float(breaks[0]), float(breaks[-1])
        unit = float(np.ptp(law.ppf(np.array([0.001, 0.999])))) or self.high - self.low

        def continuous(x: Floats) -> Floats:
            return np.asarray(law.cdf(x.ravel()), dtype=float).reshape(x.shape) - atom * (x >= 0)

        self._starts, self._widths, self._integrals, rest = integrals(continuous, breaks, _TOLERANCE * unit)
        # T_k(1) = 1: the sum of its coefficients is the integral over a whole panel.
        self._before = np.concatenate([[0.0], np.cumsum(self._integrals.sum(axis=0))])
        self.error = rest + 4 * _EPS * (self.high - self.low)

    def __call__(self, x: Floats) -> Floats:
        """Values of A."""
        inside = (x > self.low) & (x < self.high)
        smooth = np.where(x >= self.high, self._before[-1] + (1 - self._atom) * (x - self.high), 0.0)
        panel = np.searchsorted(self._starts, x[inside], side="right") - 1
        t = 2 * (x[inside] - self._starts[panel]) / self._widths[panel] - 1
        smooth[inside] = self._before[panel] + chebval(t, self._integrals[:, panel], tensor=False)
        return smooth + self._atom * np.maximum(x, 0)


def _breaks(law: Any, atom: float) -> Floats:
    """Ends of the bulks as far as they are finite, quantiles, and zero where the atom is."""
    ends = np.ravel(law.support()) if hasattr(law, "support") else np.empty(0)
    zero = np.zeros(1 if atom > 0 else 0)
    breaks: Floats = np.unique(np.concatenate([ends, quantiles(law), zero]))
    return breaks[np.isfinite(breaks)]


def quantiles(law: Any) -> Floats:
    """Quantiles of a law from the level 1e-15 to 1 less that, by which panels begin."""
    return np.asarray(law.ppf(_LEVELS), dtype=float)


def integrals(function: Any, breaks: Floats, tolerance: float) -> tuple[Floats, Floats, Floats, float]:
    """Antiderivatives of a function on panels, by Chebyshev series.

    Parameters
    ----------
    function : callable
        Of an array of any shape.
    breaks : ndarray, shape (k + 1,)
        Ascending: ends of the first panels, which are halved where the series has not converged.
    tolerance : float
        Of each panel: its last coefficients times its width.

    Returns
    -------
    starts, widths : ndarray, shape (panels,)
    series : ndarray, shape (17, panels)
        Coefficients of the integral from the start of each panel; their sum is that over the whole of it.
    rest : float
        Sum of what was cut off: an estimate of the error of the sum of all panels.
    """
    a, b = breaks[:-1], breaks[1:]
    starts, widths, coefficients, rest = [np.empty(0)], [np.empty(0)], [np.empty((0, _N_NODES))], 0.0
    for halving in range(_MOST_HALVINGS):
        if a.size == 0:
            break
        values = function(a[:, None] + 0.5 * (b - a)[:, None] * (1 + _NODES)) @ _TO_COEFFICIENTS.T
        cut = np.abs(values[:, -3:]).max(axis=1) * (b - a)
        middle = 0.5 * (a + b)
        last = halving == _MOST_HALVINGS - 1 or a.size > _MOST_PANELS
        done = (cut <= tolerance) | (middle <= a) | (middle >= b) | last
        starts.append(a[done])
        widths.append((b - a)[done])
        coefficients.append(values[done])
        rest += float(cut[done].sum())
        a, b = np.concatenate([a[~done], middle[~done]]), np.concatenate([middle[~done], b[~done]])
    order = np.argsort(np.concatenate(starts))
    width = np.concatenate(widths)[order]
    columns = np.concatenate(coefficients)[order].T
    series = np.polynomial.chebyshev.chebint(columns, lbnd=-1) * (0.5 * width)
    return np.concatenate(starts)[order], width, series, rest
