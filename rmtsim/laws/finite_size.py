"""Expected traces and masses of cross-entropy blocks at finite d and N, theory.md (5.6) and (5.7).

V is averaged: given the inputs, logits of one sample are independent Gaussian variables of a common variance
q, those of two samples are correlated as their inputs are. What is left are integrals over lengths and angles
of Gaussian vectors, by Gauss rules.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Unpack

import numpy as np
import scipy  # its parts are loaded where they are first used

from .averages.gauss_rules import chi_square_rule, jacobi_rule, length_rule
from .averages.softmax_moments import mean_variance, softmax_moments
from .averages.softmax_pairs import CommonFactor, PairSums, SmoothedGumbel
from .solver.measure import Floats
from .weights.conditions import Initialisation, InitialisationOptions

TRACE_ERROR = 1e-6
"""Relative error of the traces."""
_RULES = ((6, 6), (4, 4))
"""Nodes in length and angle: lengths vary by d^(-1/2), cosines are of that size."""


@dataclass(frozen=True)
class ExpectedTraces:
    """Expectations of (1/n) tr H of representative blocks over V, W and X; None where there is no block."""

    vv_diag: float
    vv_off: float
    ww_diag: float | None = None
    ww_off: float | None = None


def expected_traces(
    n_features: int, n_classes: int, n_hidden: int | None = None, **init: Unpack[InitialisationOptions]
) -> ExpectedTraces:
    """Return E (1/n) tr H of the ce blocks, V drawn with the inputs, theory.md (5.6): any N.

    Parameters
    ----------
    n_features, n_classes : int
        d, and C of at least 2.
    n_hidden : int, optional
        m; the linear model without.
    **init
        Options of `Initialisation`.

    Examples
    --------
    Two classes have p_1 (1 - p_1) = -p_1 (p_2 - 1), and so opposite traces.

    >>> traces = expected_traces(10, 2)
    >>> round(traces.vv_diag, 6), round(traces.vv_off, 6)
    (0.176683, -0.176683)
    """
    scales = Initialisation(**init).closed()
    if n_hidden is None:
        vv = _linear_trace(n_features, n_classes, scales.v_std)
        return ExpectedTraces(vv, -vv / (n_classes - 1))
    vv, off = _hidden_traces(n_features, n_classes, n_hidden, scales.w_std * scales.v_std)
    unit = scales.v_std**2 * n_classes / n_hidden
    # Block rows sum to zero and classes are exchangeable, theory.md (5.4).
    diagonal, ww_off = scales.w_std**2 * vv, None if off is None else unit * off
    return ExpectedTraces(diagonal, -diagonal / (n_classes - 1), unit * vv, ww_off)


def _log2_above(q: float) -> int:
    return math.ceil(math.log2(q))


def _linear_trace(d: int, n_classes: int, s: float) -> float:
    squares, masses = length_rule(d + 2)  # chi-square weighted by itself has two degrees of freedom more
    variances = s**2 * squares / d
    return float(masses @ mean_variance(n_classes, _log2_above(variances[-1])).value(variances))


def _hidden_traces(d: int, n_classes: int, m: int, s: float) -> tuple[float, float | None]:
    """Traces of vv_diag at w_std 1, and of ww_off in units of v_std^2 C/m, theory.md (5.6).

    The variance q = s^2 |h|^2/m of the logits is a product of two chi-squares given k open gates.
    """
    inputs, masses = length_rule(d + 2)
    unit = s**2 / (d * m)
    variance = mean_variance(n_classes, _log2_above(unit * inputs[-1] * length_rule(m + 2)[0][-1]))

    def average(function: Callable[[Floats], Floats], freedom: int) -> float:
        """Mean of a function of q with |h|^2 d/|x|^2 chi-square of some degrees of freedom."""
        units, shares = length_rule(freedom)
        return float(masses @ function(unit * np.outer(inputs, units)) @ shares)

    vv = sum(
        scipy.stats.binom.pmf(k, m, 0.5) * k / m * average(variance.value, k + 2) for k in range(1, m + 1)
    )
    if m == 1:
        return float(vv), None
    off = sum(
        scipy.stats.binom.pmf(k - 2, m - 2, 0.5) / (k * math.pi) * average(variance.scaled_slope, k)
        for k in range(2, m + 1)
    )
    return float(vv), float(off)


@functools.lru_cache(maxsize=64)
def linear_second_moments(
    n_features: int, n_samples: int, n_classes: int, v_std: float = 1.0
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return E (1/d) |H|_F^2 of a diagonal and of an off-diagonal block of linear ce, theory.md (5.7).

    Parameters
    ----------
    n_features, n_samples, n_classes : int
        d, N, and C of at least 2.
    v_std : float, optional
        Of `Initialisation`.

    Returns
    -------
    (diagonal, error), (off_diagonal, error)
        The error is what a coarser rule differs by, twice.

    Examples
    --------
    As d and N grow, their ratio tends to that of (4.2).

    >>> (diagonal, _), (off, _) = linear_second_moments(10**6, 2 * 10**6, 10)
    >>> round(off / diagonal * 100, 4)
    1.6596
    """
    d, N = n_features, n_samples
    squares, masses = length_rule(d + 4)
    single = sum(
        p * _single(n_classes, v_std**2 * float(square) / d)
        for square, p in zip(squares, masses, strict=True)
    )
    pair, coarse = (_pair(d, n_classes, v_std, *sizes) for sizes in _RULES)
    values = (d + 2) / N * single + (1 - 1 / N) * pair
    errors = 2 * np.abs(pair - coarse)
    return (float(values[0]), float(errors[0])), (float(values[1]), float(errors[1]))


def _single(n_classes: int, q: float) -> Floats:
    """E lambda^2 of one sample: of p_1 (1 - p_1) and of p_1 p_2."""
    _, p2, p3, p4, joint = softmax_moments(n_classes, q)
    return np.array([p2 - 2 * p3 + p4, joint])


def _pair(d: int, n_classes: int, s: float, n_lengths: int, n_angles: int) -> Floats:
    """E lambda lambda' (x . x')^2 / d of two samples, for both blocks."""
    squares, masses = chi_square_rule(d + 2, n_lengths)
    total = np.zeros(2)
    for cosine, share in zip(*_cosine_rule(d, n_angles), strict=True):
        total += share * _pair_given_cosine(s * np.sqrt(squares / d), masses, float(cosine), n_classes)
    return total


def _cosine_rule(d: int, n_nodes: int) -> tuple[Floats, Floats]:
    """Nodes and probabilities of |cos| weighted by its square: cos^2 is then a beta variable."""
    if d == 1:
        return np.ones(1), np.ones(1)
    nodes, shares = jacobi_rule((d - 3) / 2, 0.5, n_nodes)
    return np.sqrt((1 + nodes) / 2), shares


def _pair_given_cosine(scales: Floats, masses: Floats, cosine: float, n_classes: int) -> Floats:
    """Mean over lengths and the sign of the cosine of E_V lambda lambda'."""
    rule = CommonFactor.build(cosine, float(scales.max()))
    reach = max(-rule.nodes[0], rule.nodes[-1])
    step = float(rule.nodes[1] - rule.nodes[0])
    nodes = step * np.arange(-round(reach / step), round(reach / step) + 1)  # the same at either sign
    common = CommonFactor(cosine, nodes, np.exp(-(nodes**2) / 2) * step / math.sqrt(2 * math.pi))
    smoothed = [SmoothedGumbel.build(float(s), n_classes, common) for s in scales]
    total = np.zeros(2)
    for i, left in enumerate(smoothed):
        for j, right in enumerate(smoothed[: i + 1]):
            opposite = SmoothedGumbel(right.values[..., ::-1], right.step)
            both = [PairSums(left, one, common, n_classes).variance_products() for one in (right, opposite)]
            total += (2 - (i == j)) * masses[i] * masses[j] * np.mean(both, axis=0)
    return total
