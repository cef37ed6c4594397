"""Products of two entries of the Hessian of a log-partition function: derivatives of K of `softmax_pairs`."""

import numpy as np

from ..solver.measure import Floats
from .softmax_pairs import Monomial

Form = dict[Monomial, Floats]
"""Polynomial in P, P', R: exponents -> coefficient."""
_R: Form = {(0, 0, 1): np.array(1.0)}
_P: Form = {(1, 0, 0): np.array(1.0)}
_P_OTHER: Form = {(0, 1, 0): np.array(1.0)}


def _times(*forms: Form) -> Form:
    product: Form = {(0, 0, 0): np.array(1.0)}
    for form in forms:
        terms: Form = {}
        for (a, b, c), x in product.items():
            for (d, e, f), y in form.items():
                key = (a + d, b + e, c + f)
                terms[key] = terms.get(key, np.array(0.0)) + x * y
        product = terms
    return product


def _plus(*forms: Form) -> Form:
    total: Form = {}
    for form in forms:
        for key, x in form.items():
            total[key] = total.get(key, np.array(0.0)) + x
    return total


def _gradient(h: Floats, other: Floats) -> tuple[Form, Form]:
    """Forms X and Y of m d/dh_i and m d/dh'_i acting on functions of q, q', w, where no other factor is h."""
    return {(1, 0, 0): h, (0, 0, 1): other}, {(0, 1, 0): other, (0, 0, 1): h}


def diagonal_form(h: Floats, other: Floats) -> Form:
    """The derivative d^2/dh_i^2 d^2/dh'_i^2 of K as a form; product rule: dX/dh' = R, dY/dh' = P'."""
    X, Y = _gradient(h, other)
    four = {key: 4 * value for key, value in _R.items()}
    two = {key: 2 * value for key, value in _R.items()}
    both = _times(_plus(_times(X, X), _P), _plus(_times(Y, Y), _P_OTHER))
    return _plus(both, _times(four, X, Y), _times(two, _R))


def off_diagonal_form(h_i: Floats, h_j: Floats, other_i: Floats, other_j: Floats) -> Form:
    """The derivative d^4/dh_i dh_j dh'_i dh'_j of K, i != j: (X_i Y_i + R)(X_j Y_j + R)."""
    factors = [_plus(_times(*_gradient(h, other)), _R) for h, other in ((h_i, other_i), (h_j, other_j))]
    return _times(*factors)


FORM_MONOMIALS: tuple[Monomial, ...] = tuple(
    sorted({*diagonal_form(*np.ones(2)), *off_diagonal_form(*np.ones(4))})
)
"""Derivatives of K in the two forms, 17 in all."""
