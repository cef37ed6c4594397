"""Off-diagonal to diagonal ratios as C -> infinity, in units of 1/C (hidden W-layer) or 1/C^2 (V-layers)."""

import math

from .weights.conditions import Initialisation


def gate_ratio(gamma: float) -> float:
    """Second moment of the gated weights of two units over that of one, theory.md (4.3)."""
    return (1 + 4 * gamma) / (4 * (1 + 2 * gamma))


def linear_ce(gamma: float, m: int, init: Initialisation) -> float:
    """theory.md (4.2)."""
    tilt = math.exp(init.v_std**2)
    return (1 + gamma * tilt**2) / (1 + gamma * tilt)


def hidden_ce_w(gamma: float, m: int, init: Initialisation) -> float:
    """theory.md (4.4)."""
    t = _tilt(m, init)
    s = (1 - 2 * t) ** -0.5
    b, a = (1 + s) / 2, (t * s + t**2 * s**3) / 2
    g, slope, _ = _arc_kernel(t)
    b2, a2 = 3 / 4 + g, t * g + t**2 * slope
    return (a2**2 * b2 ** (m - 2) + gamma * a**2 * b ** (m - 2)) / t**2 / (1 / 4 + gamma / 2)


def hidden_ce_v(gamma: float, m: int, init: Initialisation) -> float:
    """theory.md (4.5)."""
    t = _tilt(m, init)
    return _second_derivative(2 * t, m) / _second_derivative(t, m)


def _tilt(m: int, init: Initialisation) -> float:
    """Variance t = (w_std v_std)^2 / m of a logit given a unit of h: E exp(2 t u^2) has to be finite."""
    t = (init.w_std * init.v_std) ** 2 / m
    if not 2 * t < 1:
        raise ValueError(
            "n_hidden: expected more than 2 (w_std v_std)^2 hidden units, with fewer the scaled ratio has no "
            f"limit, got {m}"
        )
    return t


def _second_derivative(t: float, m: int) -> float:
    """F(t) = d^2/dt^2 (3/4 + g(t))^m."""
    g, first, second = _arc_kernel(t)
    base = 3 / 4 + g
    return m * (m - 1) * base ** (m - 2) * first**2 + m * base ** (m - 1) * second


def _arc_kernel(t: float) -> tuple[float, float, float]:
    """g(t) = (1 - t^2)^(-1/2) (1/4 + arcsin(t) / (2 pi)) and its first two derivatives.

    g is E exp(t u u') 1(u > 0) 1(u' > 0); with c = 1 - t^2 it obeys c g' = t g + 1/(2 pi).
    """
    c = 1 - t**2
    g = (1 / 4 + math.asin(t) / (2 * math.pi)) / math.sqrt(c)
    first = (t * g + 1 / (2 * math.pi)) / c
    return g, first, (g + 3 * t * first) / c
