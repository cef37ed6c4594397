"""Exact values at finite d and N: oracles without asymptotics (theory.md section 5).

Closed forms only; nothing here draws, simulates or solves. The blocks of the linear and the hidden
mse models are, in units of their scale, all of one kind,

    H = (1/N) sum_n 1(x_n in cone) x_n x_n^T,   x_n ~ N(0, I_d),

where membership of the cone depends on the direction of x_n within one plane alone:

- linear mse: the whole plane, angle 2 pi;
- hidden mse, W_ii: the half plane w_i . x > 0, angle pi, theory.md (5.2);
- hidden mse, W_ij: the wedge w_i . x > 0, w_j . x > 0 of angle pi - theta, theta the angle between
  w_i and w_j, theory.md (5.3).
"""

from functools import cache
from math import pi

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

WHOLE_PLANE = 2 * pi
HALF_PLANE = pi


def wedge_angle(W: ArrayLike, rows: tuple[int, int] = (0, 1)) -> float:
    """Return the angle pi - theta of the wedge in which rows i and j of W (m, d) are both active."""
    first, second = (np.asarray(W, dtype=np.float64)[row] for row in rows)
    first, second = first / np.linalg.norm(first), second / np.linalg.norm(second)
    # Kahan's formula: full accuracy near 0 and pi, where the arc cosine loses half of the digits.
    return float(2 * np.arctan2(np.linalg.norm(first + second), np.linalg.norm(first - second)))


def wedge_moments(n_features: int, n_samples: int, angle: ArrayLike) -> NDArray[np.float64]:
    """Return E (1/d) tr H^k, k = 1..4, for inputs restricted to a wedge of given angle.

    The trace of H^k is a sum over k-tuples of samples; tuples are sorted by which samples agree.
    A direction is independent of its length, so each class of tuples is a product of chi-square
    moments and of moments of the angle in the plane.

    Parameters
    ----------
    n_features, n_samples : int
        d and N.
    angle : float or array, shape (...,)
        Angle of the wedge in radians, in [0, pi], or 2 pi for no restriction.

    Returns
    -------
    array, shape (..., 4), float64

    Examples
    --------
    The Wishart matrix has E m_2 = 1 + gamma + 1/N, theory.md (5.1):

    >>> wedge_moments(10, 20, WHOLE_PLANE)[:2].tolist()
    [1.0, 1.55]
    """
    d, N = n_features, n_samples
    angle = np.asarray(angle, dtype=np.float64)
    P = angle / (2 * pi)
    delta, delta2 = np.sin(angle) / (2 * pi), np.sin(2 * angle) / (4 * pi)  # E 1(wedge) cos 2a, cos 4a
    # M = E 1(wedge) x x^T = P I + delta diag(1, -1, 0, ..., 0), the first axis halving the wedge.
    plus, minus = P + delta, P - delta
    trace2, trace3, trace4 = ((d - 2) * P**k + plus**k + minus**k for k in (2, 3, 4))
    # E 1(wedge) (x^T M x)^2
    quartic = P**3 * d * (d + 2) + 2 * P * delta**2 * (2 * d + 4) + 4 * delta**2 * (P + delta2)
    crossed = _fourth_overlap(d, P, delta, delta2)
    N2, N3, N4 = N * (N - 1), N * (N - 1) * (N - 2), N * (N - 1) * (N - 2) * (N - 3)
    chi2, chi4, chi6, chi8 = d, d * (d + 2), d * (d + 2) * (d + 4), d * (d + 2) * (d + 4) * (d + 6)
    first = N * P * chi2
    second = N * P * chi4 + N2 * trace2
    third = N * P * chi6 + 3 * N2 * (d + 2) * trace2 + N3 * trace3
    fourth = (
        N * P * chi8
        + N2 * (4 * (d + 2) * (d + 4) * trace2 + 2 * (d + 2) ** 2 * trace2 + crossed)
        + N3 * (4 * (d + 2) * trace3 + 2 * quartic)
        + N4 * trace4
    )
    sums = np.stack(np.broadcast_arrays(first, second, third, fourth), axis=-1)
    return sums / (d * float(N) ** np.arange(1, 5))


def _fourth_overlap(d: int, P: NDArray, delta: NDArray, delta2: NDArray) -> NDArray:
    """E 1(x in wedge) 1(y in wedge) (x . y)^4: the plane's share, the rest, and the mixed term."""
    in_plane = 64 * (3 * P**2 / 8 + delta**2 / 2 + delta2**2 / 8)
    mixed = 6 * (2 * P**2 + 2 * delta**2) * (d - 2)
    return in_plane + mixed + 3 * P**2 * d * (d - 2)


def pair_moments(n_features: int, n_samples: int) -> NDArray[np.float64]:
    """Return E (1/d) tr H^k, k = 1..4, of hidden mse W_ij over Gaussian w_i, w_j, in units of S_ij.

    The mean of `wedge_moments` over the angle theta, whose density is proportional to sin^(d-2) theta,
    theory.md (5.3c). Shape (4,), float64.
    """
    if n_features == 1:  # w_i and w_j point the same way or against each other
        return wedge_moments(1, n_samples, np.array([0.0, pi])).mean(axis=0)
    # Legendre nodes within 12 standard deviations, about d^(-1/2), of the right angle.
    width = min(pi / 2, 12 / n_features**0.5)
    nodes, weights = np.polynomial.legendre.leggauss(200)
    density = weights * np.cos(width * nodes) ** (n_features - 2)
    moments = wedge_moments(n_features, n_samples, pi / 2 + width * nodes)
    return np.asarray(np.average(moments, axis=0, weights=density), dtype=np.float64)


def trace_product(powers: tuple[int, ...], n_features: int, n_samples: ArrayLike) -> NDArray[np.float64]:
    """Return E prod_k tr (X^T X)^powers[k] for X (N, d) standard normal, theory.md (5.1b).

    Parameters
    ----------
    powers : tuple of int
    n_features : int
    n_samples : int or array, shape (...,)

    Examples
    --------
    Chi-square with d N = 6 degrees of freedom: E tr^2 = 6 * 8.

    >>> float(trace_product((1, 1), 2, 3))
    48.0
    """
    N = np.asarray(n_samples, dtype=np.float64)

    @cache
    def product(powers: tuple[int, ...]) -> NDArray[np.float64]:
        k, *others = powers
        if k == 0:
            return n_features * (product(tuple(others)) if others else np.ones_like(N))

        def expect(*these: int) -> NDArray[np.float64]:
            return product(tuple(sorted(these, reverse=True)))

        total = (N + k - 1) * expect(k - 1, *others)
        for j in range(1, k):
            total = total + expect(j, k - 1 - j, *others)
        for place, power in enumerate(others):
            rest = others[:place] + others[place + 1 :]
            total = total + 2 * power * expect(k + power - 1, *rest)
        return total

    return product(tuple(sorted(powers, reverse=True)))


def moment_variances(n_features: int, n_samples: int, angle: float) -> NDArray[np.float64]:
    """Return the variances of (1/d) tr H^k, k = 1..4, where all inputs or those of a half space count.

    Parameters
    ----------
    n_features, n_samples : int
    angle : {WHOLE_PLANE, HALF_PLANE}

    Returns
    -------
    array, shape (4,), float64
    """
    d, N = n_features, n_samples
    kept, shares = np.array([N]), np.ones(1)
    if angle == HALF_PLANE:
        kept = np.arange(N + 1)
        shares = np.exp(gammaln(N + 1) - gammaln(kept + 1) - gammaln(N - kept + 1) - N * np.log(2.0))
    variances = []
    for k in range(1, 5):
        unit = d * float(N) ** k
        first, second = (shares @ trace_product((k,) * n, d, kept) / unit**n for n in (1, 2))
        variances.append(second - first**2)
    return np.array(variances)


def shape_moments(n_features: int, n_samples: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and variance of m_k / m_1^k, k = 2..4, of the linear mse block, each of shape (3,).

    The trace of a Wishart matrix is independent of the matrix over its trace, theory.md (5.1c), so that
    moments of the quotient are quotients of moments.
    """
    d, N = n_features, n_samples
    means, seconds = (
        np.array(
            [
                float(trace_product((k,) * n, d, N) / trace_product((1,) * (k * n), d, N))
                * d ** ((k - 1) * n)
                for k in (2, 3, 4)
            ]
        )
        for n in (1, 2)
    )
    return means, seconds - means**2


def hidden_mse_output_variance(n_features: int, n_samples: int, n_hidden: int) -> float:
    """Return the variance of (1/m) tr H[v_c, v_c] of the hidden mse model over W and X, theory.md (5.3f)."""
    d, N, m = n_features, n_samples, n_hidden
    lengths = 1 + 2 / d
    return (lengths * (3 / 2 + (N - 1) / 4 + (m - 1) / 4) + (N - 1) * (m - 1) / 4) / (N * m) - 1 / 4


def scale_moments(n_classes: int, n_hidden: int) -> NDArray[np.float64]:
    """Return E S_ii^k, k = 1..4, of S_ii = (V^T V)_ii: chi-square with C degrees of freedom over m.

    The second is the factor (C^2 + 2C)/m^2 of theory.md (5.2). Shape (4,), float64.
    """
    return np.cumprod((n_classes + 2 * np.arange(4.0)) / n_hidden, dtype=np.float64)


def hidden_mse_diagonal_mass(n_features: int, n_samples: int, n_classes: int, n_hidden: int) -> float:
    """Return E |H[w_i, w_i]|_F^2 of the hidden mse model over V, W and X, theory.md (5.2).

    Examples
    --------
    >>> round(hidden_mse_diagonal_mass(10, 14, 6, 3), 6)
    35.238095
    """
    second = wedge_moments(n_features, n_samples, HALF_PLANE)[1]
    return float(scale_moments(n_classes, n_hidden)[1] * n_features * second)


def hidden_mse_off_diagonal_mass(n_features: int, n_samples: int, n_classes: int, n_hidden: int) -> float:
    """Return E |H[w_i, w_j]|_F^2, i != j, of the hidden mse model over V, W and X, theory.md (5.3c)."""
    second = pair_moments(n_features, n_samples)[1]
    return float(n_classes / n_hidden**2 * n_features * second)  # E S_ij^2 = C/m^2


def linear_mse_mass(n_features: int, n_samples: int) -> float:
    """Return E |H[v_c, v_c]|_F^2 = d (1 + gamma + 1/N) of the linear mse model, theory.md (5.1)."""
    return float(n_features * wedge_moments(n_features, n_samples, WHOLE_PLANE)[1])


def hidden_mse_output_trace() -> float:
    """Return E (1/m) tr H[v_c, v_c] = 1/2 of the hidden mse model: E relu(w . x)^2 with E |w|^2 = 1."""
    return 0.5


def row_sum(diagonal: ArrayLike, off_diagonal: ArrayLike, n_classes: int) -> NDArray[np.float64]:
    """Return tr H[v_0, v_0] + (C - 1) tr H[v_0, v_1] per trial, whose mean is 0 for ce, theory.md (5.4).

    Block rows sum to zero, and the classes are exchangeable as long as V is drawn with the trial.
    Both traces carry the same normalisation.
    """
    return np.asarray(diagonal) + (n_classes - 1) * np.asarray(off_diagonal)
