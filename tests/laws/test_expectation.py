"""Expectations of functions under laws, against closed forms and the transform of the same law."""

import math

import numpy as np
import pytest
from scipy import integrate

from rmtsim.laws import (
    EdelmanSmallest,
    GeneralizedMarchenkoPastur,
    MarchenkoPastur,
    Semicircle,
    TracyWidom,
    limit_law,
)

LAWS = {
    "Marchenko-Pastur": MarchenkoPastur(0.3, 2.0),
    "Marchenko-Pastur with a hard edge": MarchenkoPastur(1.0),
    "Marchenko-Pastur with an atom": MarchenkoPastur(3.0),
    "semicircle": Semicircle(1.5, 0.2),
    "two bulks": GeneralizedMarchenkoPastur([1.0, 20.0], [0.7, 0.3], 0.05),
    "both signs, an atom": GeneralizedMarchenkoPastur([-2.0, 0.0, 1.0], [0.2, 0.3, 0.5], 0.9),
    "both signs, a hard edge": GeneralizedMarchenkoPastur([-1.0, 2.0], [0.5, 0.5], 1.0),
    "a cusp": GeneralizedMarchenkoPastur([-1.0, 1.0], [0.5, 0.5], 1.0),
    "cross-entropy": limit_law("linear", "ce", "vv_off", 0.5, n_classes=10),
    "cross-entropy with an atom": limit_law("linear", "ce", "vv_diag", 2.0, n_classes=100),
    "log-normal weights": limit_law("linear", "ce", "vv_diag", 0.5, n_classes=math.inf),
    "Tracy-Widom": TracyWidom(-1.0, 0.5),
    "smallest eigenvalue": EdelmanSmallest(2.0),
}


@pytest.mark.parametrize("name", LAWS)
def test_moments_and_total_mass(name):
    law = LAWS[name]
    for k in range(5):
        value, error = law.expect(lambda x, k=k: x**k)
        size = law.expect(lambda x, k=k: np.abs(x) ** k).value
        # The moments of Tracy-Widom are right to 1e-9 by their documentation, the others to rounding.
        slack = (1e-9 if name == "Tracy-Widom" else 1e-12) * size
        assert abs(value - law.moment(k)) <= error + slack
        assert k > 2 or error <= 1e-3 * size  # the tails of log-normal weights are credited with more


@pytest.mark.parametrize("gamma", [0.01, 0.5, 0.99, 1.0])
def test_mean_logarithm_of_marchenko_pastur(gamma):
    """E log t = -1 - (1 - gamma) log(1 - gamma) / gamma for gamma <= 1."""
    value, error = MarchenkoPastur(gamma).expect(np.log)
    exact = -1 - (1 - gamma) * (math.log1p(-gamma) if gamma < 1 else 0) / gamma
    assert abs(value - exact) <= error <= 1e-11


@pytest.mark.parametrize("gamma", [0.2, 1.0, 4.0])
def test_log_determinant_of_marchenko_pastur(gamma):
    """E log(1 + t), theory.md (3.12) (Verdu & Shamai 1999)."""
    value, error = MarchenkoPastur(gamma).expect(np.log1p)
    f = (math.sqrt((1 + math.sqrt(gamma)) ** 2 + 1) - math.sqrt((1 - math.sqrt(gamma)) ** 2 + 1)) ** 2 / 4
    exact = math.log(2 - f) + (math.log(1 + gamma - f) - f) / gamma
    assert abs(value - exact) <= error <= 1e-11


@pytest.mark.parametrize("name", ["cross-entropy with an atom", "log-normal weights"])
def test_log_determinant_of_a_law_by_its_transform(name):
    """d/dy E log(y + t) = s(-y): integrated from y = 1 to where log(y + t) is log y + E t / y."""
    law, far = LAWS[name], 1e8
    value, error = law.expect(np.log1p)
    integral = integrate.quad(
        lambda t: 1 - math.exp(t) * law.stieltjes(-math.exp(t)), 0, math.log(far), epsabs=1e-10, limit=200
    )[0]
    # What is left beyond is E t / far - E t^2 / (2 far^2) + ...
    assert abs(value - integral - law.mean() / far) <= error + 1e-9 + law.moment(2) / far**2


def test_infinite_expectations_are_infinite():
    with np.errstate(divide="ignore"):
        assert MarchenkoPastur(2.0).expect(np.log).value == -math.inf
