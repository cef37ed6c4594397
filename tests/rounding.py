"""How far rounding may move what softmax, sums of blocks and masses give: formulas for tolerances.

Each counts roundings of the worst case on either side of a comparison, first order in eps.
"""

import numpy as np
from numpy.typing import NDArray

from rmtsim.kernels.host import tops

EPS = float(np.finfo(np.float64).eps)


def probabilities(features: NDArray, V: NDArray, dtype: type = np.float64) -> float:
    """Relative error of two softmax p of one model: of the logits' differences, and of sums over the classes.

    A logit is a sum of k products of at most |h| |v|, of features that are sums themselves; what enters p is
    the difference of two.
    """
    logits = float((np.abs(features) @ np.abs(V).T).max())
    steps = 2 * (features.shape[1] + V.shape[1] + 2)
    return 2 * (steps * logits * float(np.finfo(dtype).eps) + len(V) * EPS)


def confidence_loss(features: NDArray, V: NDArray) -> float:
    """Factor 1 / (1 - p) that a difference from 1 costs for the likeliest class, and no more than LOSS."""
    z = features @ V.T
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return 1 / max(1 - float(p.max()), 1 / tops.LOSS) if V.shape[0] > 1 else 1.0


def masses(X: NDArray, features: NDArray, V: NDArray, dtype: type = np.float64) -> float:
    """Error of a mass, in units of the mass of the diagonal blocks of its layer.

    Masses have four factors p, of which 1 - p and sums over pairs of classes are differences, and two of the
    inner products of the samples: each sums d or k products, of vectors whose product with another sample may
    be N times smaller than with themselves. Then sums over two samples and the classes.
    """
    loss, N = confidence_loss(features, V), len(X)
    samples = 4 * (X.shape[1] + features.shape[1] + 2) * N * float(np.finfo(dtype).eps)
    sums = 2 * (2 * N + len(V)) * loss**2 * EPS
    return 4 * loss * probabilities(features, V, dtype) + samples + sums


def cross_scale(X: NDArray, h: NDArray, V: NDArray, loss: str = "ce") -> float:
    """Bound of the mass of all blocks between the layers, whose terms have both signs.

    |x| (|Q_c| |h| + |g_c|) of a sample: under mse Q_c is an entry of V and |g_c| <= |z_c| + 1; under
    cross-entropy the sums of the moduli over the classes are |Q|_1 <= 2 max |V| and |g|_1 <= 2.
    """
    x, lengths = np.linalg.norm(X, axis=1), np.linalg.norm(h, axis=1)
    if loss == "mse":
        Q = np.abs(V).max(axis=1) * lengths[:, None]
        return V.shape[1] * float(((x[:, None] * (Q + np.abs(h @ V.T) + 1)).mean(axis=0) ** 2).sum())
    return V.shape[1] * float((x * (2 * np.abs(V).max() * lengths + 2)).mean()) ** 2
