"""Weight laws of the linear model, theory.md section 3: functions of softmax(z), z ~ N(0, s^2 I_C)."""

import math
from dataclasses import replace

import numpy as np

from ..averages.log_ratio import log_ratio, normal_rule
from ..solver.measure import Floats
from .conditions import Conditions
from .joint_weights import JointWeights, Sector

# Reach of z in the log-normal limits: the fourth moment of exp(sqrt(2) z) shifts the mass right by 4 sqrt(2).
_LIMIT_STEP, _LIMIT_LOW, _LIMIT_HIGH = 0.05, -8.5, 12.2
_COSH_STEP, _COSH_REACH = 0.1, 6.2


def linear_mse(diagonal: bool, conditions: Conditions) -> JointWeights:
    """Weight 1 of a diagonal block, 0 of the others."""
    return JointWeights(np.full(1, float(diagonal)), np.ones(1), (), "constant")


def linear_ce(diagonal: bool, conditions: Conditions) -> JointWeights:
    """Weights p_1 (1 - p_1) or -p_1 p_2; at C = infinity their limits in units of 1/C or -1/C^2."""
    n_classes, s = conditions.classes(), conditions.logit_std()
    if n_classes == math.inf:
        return _log_normal(s, "1/C") if diagonal else _log_normal(math.sqrt(2) * s, "-1/C^2")
    if diagonal:
        return _diagonal(int(n_classes), s)
    if n_classes == 2:
        both = _diagonal(2, s)
        return replace(both, weights=-both.weights)
    return _off_diagonal(int(n_classes), s)


def _source(ratio: str) -> str:
    return f"trapezoidal rule on the Fourier-inverted density of {ratio}"


def _diagonal(n_classes: int, s: float) -> JointWeights:
    """Weights p (1 - p) with logit p = W = z_1 - log S.

    Along (C - 1, -1, ..., -1) the derivative of W is s sqrt(C / (C - 1)), so that Stein's identity used twice
    gives the conditional second moment 1 + s^2 C/(C - 1) f''/f, f the density of W. Nothing depends on
    (1, ..., 1). The C - 2 directions left lie within the rest.
    """
    ratio = log_ratio(n_classes - 1, 1.0, s)
    p, complement = _logistic(ratio.nodes), _logistic(-ratio.nodes)
    weights = p * complement
    second = 1 + s**2 * n_classes / (n_classes - 1) * ratio.curvature
    sectors = [Sector(_root(second))]
    if n_classes > 2:
        sectors.append(Sector(_root(ratio.rest), n_classes - 2))
    return JointWeights(weights, ratio.probabilities, tuple(sectors), _source("z_1 - log(sum of the rest)"))


def _off_diagonal(n_classes: int, s: float) -> JointWeights:
    """Weights -1 / (2 cosh b + e^-W)^2, b = (z_1 - z_2)/2, W = (z_1 + z_2)/2 - log S.

    Sectors: z_1 - z_2; the pair against the rest, where W has the derivative s sqrt(C / (2 (C - 2)));
    and the C - 3 directions within the rest.
    """
    ratio = log_ratio(n_classes - 2, 0.5, s)
    unit, cosh_mass = normal_rule(_COSH_STEP, -_COSH_REACH * math.sqrt(2), _COSH_REACH * math.sqrt(2))
    b = unit * s / math.sqrt(2)
    weights = -((2 * np.cosh(b)[:, None] + np.exp(-ratio.nodes)[None, :]) ** -2.0)
    probabilities = cosh_mass[:, None] * ratio.probabilities[None, :]
    shape = weights.shape

    def spread(values: Floats, multiplicity: int = 1) -> Sector:
        return Sector(np.broadcast_to(values, shape).reshape(-1, 1), multiplicity)

    second = 1 + s**2 * n_classes / (2 * (n_classes - 2)) * ratio.curvature
    sectors = [spread(unit[:, None]), spread(_root(second)[:, 0])]
    if n_classes > 3:
        sectors.append(spread(_root(ratio.rest)[:, 0], n_classes - 3))
    return JointWeights(
        weights.ravel(),
        probabilities.ravel(),
        tuple(sectors),
        _source("(z_1 + z_2)/2 - log(sum of the rest)") + " times one in (z_1 - z_2)/2",
    )


def _log_normal(sigma: float, unit: str) -> JointWeights:
    """Weights exp(sigma z - sigma^2 / 2), of mean 1."""
    z, mass = normal_rule(_LIMIT_STEP, _LIMIT_LOW, max(_LIMIT_HIGH, 6.5 + 4 * sigma))
    weights = np.exp(sigma * z - 0.5 * sigma**2)
    return JointWeights(weights, mass, (Sector(z[:, None]),), f"trapezoidal rule, units of {unit}")


def _logistic(w: Floats) -> Floats:
    return 1 / (1 + np.exp(-w))


def _root(second_moment: Floats) -> Floats:
    """Column of directions; rounding may leave a second moment of zero slightly negative."""
    return np.sqrt(np.maximum(second_moment, 0.0))[:, None]
