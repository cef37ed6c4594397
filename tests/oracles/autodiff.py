"""Losses of theory.md section 1 written forwards, differentiated by the `autograd` package."""

import autograd
import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import logsumexp


def linear_loss(V, X, y, loss):
    """Mean loss of f(x) = V x: V (C, d), X (N, d), y (N,)."""
    return _loss_of_logits(X @ V.T, y, loss)


def hidden_loss(W, V, X, y, loss):
    """Mean loss of f(x) = V relu(W x): W (m, d), V (C, m)."""
    a = X @ W.T
    # `where` and not `maximum`, to which autograd gives the derivative 1/2 at a tie
    return _loss_of_logits(anp.where(a > 0, a, 0.0) @ V.T, y, loss)


def _loss_of_logits(z, y, loss):
    target = np.eye(z.shape[1])[y]
    if loss == "ce":
        return anp.mean(logsumexp(z, axis=1) - anp.sum(z * target, axis=1))
    return anp.mean(anp.sum((z - target) ** 2, axis=1)) / 2


class Derivatives:
    """Loss, gradient (P,) and Hessian (P, P) at given parameters, flattened row by row, W before V."""

    def __init__(self, parameters, X, y, loss):
        self.shapes = [np.shape(p) for p in parameters]
        self.point = np.concatenate([np.ravel(p) for p in parameters]).astype(float)
        self.data = np.asarray(X, dtype=float), np.asarray(y), loss

    def _function(self, flat):
        sizes = [rows * columns for rows, columns in self.shapes]
        pieces = [flat[: sizes[0]], flat[sizes[0] :]]
        arrays = [piece.reshape(shape) for piece, shape in zip(pieces, self.shapes, strict=False)]
        function = linear_loss if len(arrays) == 1 else hidden_loss
        return function(*arrays, *self.data)

    def value(self):
        return float(self._function(self.point))

    def gradient(self):
        return autograd.grad(self._function)(self.point)

    def hessian(self):
        return autograd.hessian(self._function)(self.point)


def linear(V, X, y, loss):
    """Derivatives of the linear model."""
    return Derivatives([V], X, y, loss)


def hidden(W, V, X, y, loss):
    """Derivatives of the hidden model."""
    return Derivatives([W, V], X, y, loss)
