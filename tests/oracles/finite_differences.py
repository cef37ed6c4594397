"""The ce Hessian by central differences of the loss in 80 digits: exact to all of float64, at any logits."""

import mpmath
import numpy as np

DIGITS = 80
STEP = mpmath.mpf(10) ** -20  # truncation STEP^2 = 1e-40, rounding 1e-80 / STEP^2 = 1e-40


def linear_ce_hessian(V, X, y):
    """Hessian of the linear model, (C d, C d)."""
    return _hessian([V], X, y)


def hidden_ce_hessian(W, V, X, y):
    """Hessian of the hidden model, (P, P), W before V. No pre-activation may lie within STEP of 0."""
    return _hessian([W, V], X, y)


def _hessian(layers, X, y):
    with mpmath.workdps(DIGITS):
        samples = [[mpmath.mpf(float(value)) for value in row] for row in X]
        point = [mpmath.mpf(float(value)) for layer in layers for value in np.ravel(layer)]
        shapes = [np.shape(layer) for layer in layers]
        P = len(point)
        H = np.empty((P, P))
        for i in range(P):
            for j in range(i + 1):
                total = mpmath.mpf(0)
                for sign_i in (1, -1):
                    for sign_j in (1, -1):
                        moved = list(point)
                        moved[i] += sign_i * STEP
                        moved[j] += sign_j * STEP
                        total += sign_i * sign_j * _loss(moved, shapes, samples, y)
                H[i, j] = H[j, i] = float(total / (4 * STEP**2))
    return H


def _loss(flat, shapes, samples, y):
    values = iter(flat)
    layers = [[[next(values) for _ in range(columns)] for _ in range(rows)] for rows, columns in shapes]
    losses = [_sample_loss(layers, x, label) for x, label in zip(samples, y, strict=True)]
    return mpmath.fsum(losses) / len(losses)


def _sample_loss(layers, x, label):
    for layer in layers[:-1]:
        x = [max(mpmath.fdot(row, x), mpmath.mpf(0)) for row in layer]
    z = [mpmath.fdot(row, x) for row in layers[-1]]
    return mpmath.log(mpmath.fsum(mpmath.exp(value - max(z)) for value in z)) + max(z) - z[label]
