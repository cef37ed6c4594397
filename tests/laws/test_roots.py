"""Bracketed roots of many increasing functions."""

import numpy as np
import pytest

from rmtsim.laws.solver.roots import increasing_roots


def test_roots_of_any_steepness():
    """x^p = c from a start at the far end; p = 9 is flat at the lower end, p = 1/9 steep."""
    powers, c = np.array([1.0, 9.0, 1 / 9, 3.0]), np.array([0.3, 1e-30, 0.01, 2.0])

    def function(x, which):
        return x ** powers[which] - c[which], powers[which] * x ** (powers[which] - 1)

    roots = increasing_roots(function, np.full(4, 1e-300), np.full(4, 10.0), np.full(4, 10.0))
    np.testing.assert_allclose(roots, c ** (1 / powers), rtol=1e-13)


def test_a_function_without_a_value_is_refused():
    def function(x, which):
        return np.where(x > 1, np.nan, x), np.ones_like(x)

    with pytest.raises(ArithmeticError, match=r"root: expected a function with values, got nan at 2\.0"):
        increasing_roots(function, np.zeros(1), np.full(1, 4.0), np.full(1, 2.0))
