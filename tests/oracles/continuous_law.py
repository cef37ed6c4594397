"""Limit laws of weighted Gram matrices whose weights have a density, by mpmath at 40 digits.

The law of theory.md (3.1) has at x the boundary value s, Im s > 0, of

    s (E[lambda / (1 + gamma lambda s)] - x) = 1,

which has one root in the upper half-plane. The expectation is an integral with a pole at
lambda = -1/(gamma s), also in the upper half-plane and arbitrarily near the real axis where the density is
small. So the integral is taken along a path in the *lower* half-plane, on which the integrand is smooth for
every s; no value of it changes. The path is one for each weight law, and the trapezoidal rule converges on it
as exp(-const/step). Weights become complex numbers with complex masses, everything else is a finite sum.

This page shares no code with the package.
"""

from dataclasses import dataclass
from functools import cached_property

import mpmath as mp
import numpy as np

DIGITS = 40
# Distance of a straight path to the nearest pole is pi/2: errors of order exp(-pi^2 / step), 1e-68.
STEP = 0.0625


def _trapezoid(path, density, reach, step):
    """Complex weights and masses from a path t -> (lambda, u, du/dt) and the density of u."""
    with mp.workdps(DIGITS + 10):
        count = int(reach / step)
        points = [path(mp.mpf(step) * k) for k in range(-count, count + 1)]
        masses = [step * density(u) * slope for _, u, slope in points]
        total = mp.fsum(masses)
        return [weight for weight, _, _ in points], [mass / total for mass in masses], total


def _checked(weights, masses, total):
    """The density integrates to one along the path too: this checks the path, its step and its reach."""
    assert abs(total - 1) < mp.mpf(10) ** -30, total
    return Weights(weights, masses)


@dataclass(frozen=True)
class Weights:
    """A weight law as complex weights in the closed lower half-plane and complex masses."""

    weights: list
    masses: list

    @classmethod
    def beta(cls, p, q, left=0.0, right=1.0, step=STEP):
        """Beta law of parameters p, q on [left, right]; p = q = 1 is the uniform law.

        With lambda = left + (right - left) / (1 + exp(-u)), on Im u = -pi/2.
        """
        p, q, left, right = map(mp.mpf, (p, q, left, right))

        def path(t):
            u = mp.mpc(t, -mp.pi / 2)
            return left + (right - left) / (1 + mp.exp(-u)), u, 1

        def density(u):
            return mp.exp(-p * mp.log1p(mp.exp(-u)) - q * mp.log1p(mp.exp(u))) / mp.beta(p, q)

        return _checked(*_trapezoid(path, density, 85 / float(min(p, q)), step))

    @classmethod
    def log_normal(cls, mu, variance, step=STEP):
        """Law of exp(u), u ~ N(mu, variance) with a variance of at least 1/2: on Im u = -pi/2."""
        with mp.workdps(DIGITS + 10):
            mu, sigma = mp.mpf(mu), mp.sqrt(variance)

        def path(t):
            u = mp.mpc(t, -mp.pi / 2)
            return mp.exp(mu + u), u, 1

        def density(u):
            return mp.npdf(u / sigma) / sigma

        return _checked(*_trapezoid(path, density, 14 * float(sigma), step))

    @classmethod
    def logistic_normal(cls, step=STEP / 2):
        """Law of p (1 - p), logit p = 2^(1/2) z: of 1 / (2 + 2 cosh u), u ~ N(0, 2).

        The poles are u and -u for some u: the path u = t + i tanh t passes above the one on the right and
        below the one on the left, with Im cosh u >= 0.
        """

        def path(t):
            u = mp.mpc(t, mp.tanh(t))
            return 1 / (2 + 2 * mp.cosh(u)), u, mp.mpc(1, mp.sech(t) ** 2)

        def density(u):
            return mp.exp(-u * u / 4) / (2 * mp.sqrt(mp.pi))

        return _checked(*_trapezoid(path, density, 20, step))

    @classmethod
    def mixture(cls, parts):
        """Mixture of pairs (share, Weights); the rest of the shares is the probability of weight zero."""
        with mp.workdps(DIGITS + 10):
            weights = [weight for _, part in parts for weight in part.weights]
            masses = [mp.mpf(share) * mass for share, part in parts for mass in part.masses]
            return cls([*weights, mp.mpf(0)], [*masses, 1 - sum(share for share, _ in parts)])

    @cached_property
    def rounded(self):
        return np.array([complex(v) for v in self.weights]), np.array([complex(v) for v in self.masses])

    def resolvent(self, e):
        """E[lambda / (1 + lambda e)] and its derivative in e."""
        value = slope = mp.mpf(0)
        for weight, mass in zip(self.weights, self.masses, strict=True):
            ratio = weight / (1 + weight * e)
            value += mass * ratio
            slope -= mass * ratio * ratio
        return value, slope

    def log_moment(self, e):
        """E log(1 + lambda e), on the branch that is 0 at e = 0 and analytic in the upper half-plane."""
        pairs = zip(self.weights, self.masses, strict=True)
        return mp.fsum(mass * mp.log(1 + weight * e) for weight, mass in pairs)


class ContinuousLaw:
    """Limit law of (1/N) X^T diag(lambda) X for a continuous law of the weights.

    Parameters
    ----------
    weights : Weights
    aspect_ratio : float
        gamma, taken as exactly this double.
    """

    def __init__(self, weights, aspect_ratio):
        self.weights, self.gamma = weights, mp.mpf(aspect_ratio)
        # Im log(1 + lambda e) is continuous along the path only if no point of it is on the cut.
        values, masses = weights.rounded
        self._unit = float(np.sum(np.abs(masses) * np.minimum(np.abs(values), 1e3)))

    def _rounded_start(self, x):
        """Continuation in double precision from far above the axis to ``x``."""
        weights, masses = self.weights.rounded
        gamma, height = float(self.gamma), 100 * (self._unit + abs(x))
        s = -1 / (x + 1j * height)
        while height > 1e-28 * self._unit:
            s = self._rounded_newton(x + 1j * height, s, gamma, weights, masses)
            height /= 6
        return s

    @staticmethod
    def _rounded_newton(z, s, gamma, weights, masses):
        for _ in range(30):
            ratio = weights / (1 + weights * (gamma * s))
            value, slope = masses @ ratio, -gamma * (masses @ ratio**2)
            step = (s * (value - z) - 1) / (value - z + s * slope)
            while (s - step).imag <= 0:
                step /= 2
            s -= step
            if abs(step) <= 1e-12 * abs(s):
                break
        return s

    def transform(self, x):
        """Boundary value s(x + i0) at a point of the support: 30 digits, near an edge at least 20."""
        with mp.workdps(DIGITS):
            x, s = mp.mpf(x), mp.mpmathify(complex(self._rounded_start(float(x))))
            for _ in range(60):
                value, slope = self.weights.resolvent(self.gamma * s)
                step = (s * (value - x) - 1) / (value - x + s * self.gamma * slope)
                s -= step
                if abs(step) < mp.mpf(10) ** (12 - DIGITS) * abs(s):  # rounding near an edge is amplified
                    break
            else:
                raise ArithmeticError(f"no convergence at {x}")
            if not s.imag > mp.mpf(10) ** (16 - DIGITS) * abs(s):
                raise ValueError(f"{x} is off the support")
            return s

    def density(self, x):
        return self.transform(x).imag / mp.pi

    def distribution(self, x, s=None):
        """F(x) = [x Im s + arg s - E arg(1 + gamma lambda s) / gamma] / pi, s = s(x + i0).

        The bracket is the imaginary part of the antiderivative of s, x s - integral x ds, which is pi at
        +infinity.
        """
        with mp.workdps(DIGITS):
            s = self.transform(x) if s is None else s
            logs = self.weights.log_moment(self.gamma * s).imag / self.gamma
            return (mp.mpf(x) * s.imag + mp.arg(s) - logs) / mp.pi

    def rounded(self, x):
        """Density and distribution function in double precision, to choose points by."""
        s = self._rounded_start(x)
        weights, masses = self.weights.rounded
        gamma = float(self.gamma)
        logs = (masses @ np.log(1 + gamma * weights * s)).imag / gamma
        return s.imag / np.pi, (x * s.imag + np.angle(s) - logs) / np.pi

    def edge(self, low, high):
        """Point at the one real e in (low, high) with dx/de = 0, outside -1/(the weights); 0 is not between.

        Bisection in log abs(e) in double precision, then secants.
        """
        weights, masses = self.weights.rounded

        def excess(e):
            return (masses @ (weights * e / (1 + weights * e)) ** 2).real - float(self.gamma)

        rising = excess(high) > excess(low)
        for _ in range(60):
            middle = np.sign(low) * np.sqrt(low * high)
            low, high = (low, middle) if (excess(middle) > 0) == rising else (middle, high)
        with mp.workdps(DIGITS):

            def exact_excess(e):
                return mp.re(-(e**2) * self.weights.resolvent(e)[1]) - self.gamma

            e = mp.mpf(low)
            e = mp.findroot(
                exact_excess, (e, e * (1 + mp.mpf(10) ** -8)), solver="secant", tol=mp.mpf(10) ** -55
            )
            return mp.re(self.weights.resolvent(e)[0]) - self.gamma / e
