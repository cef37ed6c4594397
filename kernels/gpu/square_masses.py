"""Masses under mean square, theory.md (2.5)-(2.7) with B_n = I, for many trials on the GPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .device import cupy, products, to_device, to_host
from .matrices import symmetrize, trial_gram_sum
from .pair_sums import column_dots, inner_products, summed, unit_masses
from .softmax_masses import pick_rows


def square_output_masses(features: Any, n_classes: int) -> NDArray[np.float64]:
    """Masses of vv_diag and vv_off (T, 2): the diagonal blocks are one matrix, the others zero."""
    exact = features.astype(np.float64, copy=False)
    trials, n, k = exact.shape
    gram = inner_products(exact) if n <= k else products(exact.transpose(0, 2, 1), exact)
    diagonal = to_host(summed(column_dots(gram, gram, n_classes / n**2)))
    return np.stack([diagonal, np.zeros(trials)], axis=1)


def hidden_square_masses(
    X: Any, h: Any, tiles: Callable[[], Any], n_classes: int, labels: Any
) -> NDArray[np.float64]:
    """As `hidden_softmax_masses`, which needs a center of V."""
    exact, inputs = h.astype(np.float64, copy=False), X.astype(np.float64, copy=False)
    trials, _, m = exact.shape
    S, labelled = cupy().zeros((trials, m, m), np.float64), cupy().zeros(exact.shape, np.float64)
    for start, part in tiles():
        V = part.astype(np.float64, copy=False)
        trial_gram_sum(V, S)
        if labels is not None:
            pick_rows(V, start, labels, labelled)
    symmetrize(S)
    inner_x, gates = inner_products(inputs), (exact > 0).astype(np.float64)
    weights = (gates[:, :, : i + 1] * gates[:, :, i : i + 1] * S[:, i : i + 1, : i + 1] for i in range(m))
    parts = [unit_masses(inner_x, weights), square_output_masses(h, n_classes)]
    if labels is not None:
        residuals = products(exact, S) - labelled
        terms = _cross_terms(exact, gates, S, residuals, labelled, labels)
        cross = summed(column_dots(inner_x, terms, 1 / terms.shape[1] ** 2))
        parts.append(to_host(cross)[:, None])
    return np.concatenate(parts, axis=1)


def _cross_terms(h: Any, gates: Any, S: Any, residuals: Any, labelled: Any, labels: Any) -> Any:
    """What (2.7) sums over hidden units, (T, N, N), or as much in sum with its transpose.

    Residuals V^T g_n and rows v_yn of V are (T, N, m). Q_n is V^T for every sample.
    """
    across = h.transpose(0, 2, 1)
    diagonal = to_device(np.diagonal(to_host(S), axis1=1, axis2=2))
    # g_n.g_k = h_n.V^T g_k - v_yn.h_k, but for 1 where y_n = y_k
    squared = products(h, residuals.transpose(0, 2, 1)) - products(labelled, across)
    squared += (labels[:, :, None] == labels[:, None, :]).astype(np.float64)
    terms = squared * products(gates, gates.transpose(0, 2, 1))
    terms += 2 * products(h, (gates * residuals).transpose(0, 2, 1))
    terms += inner_products(h) * products(gates * diagonal[:, None, :], gates.transpose(0, 2, 1))
    return terms
