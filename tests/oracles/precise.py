"""Hessians and masses of small cross-entropy models from their sums over samples, in mpmath.

With enough digits 1 - p is what it is, also where p is 1 to double precision.
"""

import mpmath
import numpy as np
from numpy.typing import NDArray

DIGITS = 700
"""Logit gaps of 700 leave 1 - p = 1e-304, and its square must still have digits."""


def exact(values: NDArray) -> NDArray:
    """The same numbers as an array of mpmath's, whose sums and products NumPy forms."""
    return np.vectorize(mpmath.mpf, otypes=[object])(np.asarray(values, np.float64))


def floats(values: NDArray) -> NDArray[np.float64]:
    return np.vectorize(float, otypes=[np.float64])(values)


def softmax(features: NDArray, V: NDArray) -> NDArray:
    """Probabilities (N, C), objects of mpmath."""
    e = np.vectorize(mpmath.exp, otypes=[object])(exact(features) @ exact(V).T)
    return e / e.sum(axis=1, keepdims=True)


def curvatures(p: NDArray) -> NDArray:
    """B_n = diag(p_n) - p_n p_n^T, (N, C, C)."""
    return np.stack([np.diag(row) - np.outer(row, row) for row in p])


class Linear:
    """Blocks of f(x) = V x: theory.md (2.1)."""

    def __init__(self, V: NDArray, X: NDArray, y: NDArray) -> None:
        self.p, self.X, self.y, self.N = softmax(X, V), exact(X), y, len(X)

    def loss(self) -> float:
        p = self.p[range(self.N), self.y]
        return float(sum(-mpmath.log(x) for x in p) / self.N)

    def residuals(self) -> NDArray:
        """Gradient with respect to the logits, p - onehot(y), (N, C)."""
        return self.p - np.eye(self.p.shape[1], dtype=int)[self.y]

    def gradient(self) -> NDArray:
        """Of the loss, flattened like the parameters."""
        return (self.residuals().T @ self.X / self.N).ravel()

    def blocks(self) -> dict[tuple[str, str], NDArray]:
        """Arrays (units, units, size, size) by pair of layers."""
        B = curvatures(self.p)
        return {("v", "v"): np.einsum("nce,ni,nj->ceij", B, self.X, self.X) / self.N}

    def masses(self) -> dict[str, NDArray[np.float64]]:
        """Squared Frobenius norms of every block, by the names of `block_masses`."""
        return {"".join(k): floats((H**2).sum(axis=(2, 3))) for k, H in self.blocks().items()}


class Hidden(Linear):
    """Blocks of f(x) = V relu(W x): theory.md (2.2)-(2.4)."""

    def __init__(self, W: NDArray, V: NDArray, X: NDArray, y: NDArray) -> None:
        a = exact(X) @ exact(W).T
        self.on = a > 0
        self.h = np.where(self.on, a, mpmath.mpf(0))
        e = np.vectorize(mpmath.exp, otypes=[object])(self.h @ exact(V).T)
        self.p, self.V = e / e.sum(axis=1, keepdims=True), exact(V)
        self.X, self.y, self.N = exact(X), y, len(X)

    def gradient(self) -> NDArray:
        g = self.residuals()
        of_W = (np.where(self.on, g @ self.V, 0)).T @ self.X
        return np.concatenate([of_W.ravel(), (g.T @ self.h).ravel()]) / self.N

    def blocks(self) -> dict[tuple[str, str], NDArray]:
        B, D = curvatures(self.p), np.where(self.on, 1, 0)
        Q = np.einsum("ei,nec->nic", self.V, B)
        g = self.residuals()
        ww = np.einsum("ni,nj,nic,cj,nk,nl->ijkl", D, D, Q, self.V, self.X, self.X)
        vv = np.einsum("nce,ni,nj->ceij", B, self.h, self.h)
        wv = np.einsum("ni,nk,nic,nj->ickj", D, self.X, Q, self.h)
        for i in range(D.shape[1]):
            wv[i, :, :, i] += np.einsum("n,nk,nc->ck", D[:, i], self.X, g)
        return {("w", "w"): ww / self.N, ("v", "v"): vv / self.N, ("w", "v"): wv / self.N}
