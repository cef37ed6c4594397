"""Moments of softmax probabilities by the integrals of theory.md (4.2), summed plainly over a fine grid."""

import math

import numpy as np


def softmax_moment(powers, n_classes, std=1.0):
    """E p_1^a p_2^b ... of p = softmax(z), z ~ N(0, std^2 I_C): relative error about 1e-14 at std 1."""
    z = np.arange(-14.0 - 8 * std, 14.0, 0.1 / max(1.0, std))
    mass = np.exp(-(z**2) / 2)
    mass /= mass.sum()
    x = np.arange(-math.log(n_classes) - 45 - 8 * std**2, 14 * max(1.0, std) + 1, 0.1)

    def log_laplace(t):
        """Log E exp(-e^(t + std Z))."""
        u = np.exp(np.minimum(t[:, None] + std * z, 700.0))
        complement = -np.expm1(-u) @ mass
        direct = np.log(np.maximum(np.exp(-u) @ mass, 5e-324))
        return np.where(complement < 0.5, np.log1p(-np.minimum(complement, 0.5)), direct)

    total = sum(powers)
    exponent = total * x - math.lgamma(total) + (n_classes - len(powers)) * log_laplace(x)
    for k in powers:
        exponent += 0.5 * (k * std) ** 2 + log_laplace(x + k * std**2)
    return float(0.1 * np.exp(exponent).sum())
