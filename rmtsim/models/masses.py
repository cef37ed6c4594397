"""Masses (squared Frobenius norms) of output-layer blocks without forming the blocks: theory.md (2.5).

With K_nk = (x_n . x_k)^2, the mass of the weighted Gram matrix (1/N) X^T diag(a) X is a^T K a / N^2, so
sums over blocks become sums over pairs of samples of inner products of sample weights. A function that
takes `tiles` is given the first class and softmax columns p (N, tile) of tiles that together run through all
classes. Where one class dominates a sample, its terms come apart from the others: (2.5a).
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels import Operations
from ..kernels.host.masses import squared_gram
from ..kernels.host.tops import SoftmaxTops, TopTerms, top_terms

Tiles = Iterable[tuple[int, NDArray]]


class ClassMasses(NamedTuple):
    """Masses by class c of the output layer, each of shape (C,)."""

    diagonal: NDArray[np.float64]
    """|H[v_c, v_c]|_F^2."""
    off_diagonal: NDArray[np.float64]
    """Sum over e != c of |H[v_c, v_e]|_F^2."""


class LargestBlocks(NamedTuple):
    """The largest off-diagonal blocks found, largest first."""

    pairs: NDArray[np.int64]
    """Classes (c, e), c < e, shape (count, 2)."""
    masses: NDArray[np.float64]
    """|H[v_c, v_e]|_F^2, shape (count,)."""
    bound: float
    """No block that was not looked at has a larger mass; if masses[-1] >= bound, these are the largest."""


def class_block_masses(
    kernels: Operations, features: NDArray, p: NDArray, others: NDArray
) -> NDArray[np.float64]:
    """Return |H[v_c, v_e]|_F^2, (C, C), from features (N, k), softmax p (N, C) and 1 - p."""
    K, n_classes = squared_gram(features), p.shape[1]
    masses = np.empty((n_classes, n_classes))
    for c in range(n_classes):
        masses[c, c:] = kernels.masses(K, p[:, c, None] * p[:, c:])
        masses[c:, c] = masses[c, c:]
    np.fill_diagonal(masses, kernels.masses(K, p * others))
    return masses


def class_masses(
    kernels: Operations,
    features: NDArray,
    gram_tiles: Tiles,
    tiles: Tiles,
    tops: SoftmaxTops,
    of_tops: NDArray,
) -> ClassMasses:
    """Return masses by class; `gram_tiles` and `tiles` are two runs through the classes.

    Summing p_c p_e p'_c p'_e over e != c leaves p_c p'_c (p . p' - p_c p'_c). `of_tops` (N, M) are the
    probabilities of the top classes of the M confident samples.
    """
    K = squared_gram(features)
    products = np.zeros(K.shape)
    for start, p in gram_tiles:
        tops.take_out(p, start)
        kernels.gram_sum(p.T, products)
    products = np.triu(products) + np.triu(products, 1).T
    products *= K
    terms = top_terms(tops, of_tops) if tops.confident.size else None
    every = products if terms is None else products + K * (terms.across + terms.across.T + terms.within)
    diagonal, off_diagonal = [], []
    for start, p in tiles:
        diagonal.append(kernels.masses(K, p * tops.complements(p, start)))
        tops.take_out(p, start)
        off_diagonal.append(kernels.masses(every, p) - kernels.masses(K, p * p))
    by_class = ClassMasses(np.concatenate(diagonal), np.concatenate(off_diagonal))
    if terms is not None:
        who = tops.confident
        np.add.at(by_class.off_diagonal, tops.top[who], _masses_of_tops(K, products, terms)[who])
    return by_class


def _masses_of_tops(K: NDArray, products: NDArray, terms: TopTerms) -> NDArray[np.float64]:
    """Return what each sample (N,) adds to the off-diagonal mass of its top class.

    `products` (N, N) is K times the sums over the classes that are top of neither sample of a pair.
    """
    own = products * terms.within + 2 * (products + K * terms.across.T) * terms.across
    return own.sum(axis=1) / len(K) ** 2


def self_bounds(kernels: Operations, K: NDArray, tiles: Tiles) -> NDArray[np.float64]:
    """Return b_c, shape (C,), with |H[v_c, v_e]|_F^2 <= sqrt(b_c b_e) by Cauchy-Schwarz over sample pairs."""
    return np.concatenate([kernels.masses(K, p * p) for _, p in tiles])


def largest_pairs(
    kernels: Operations, K: NDArray, p: NDArray, chosen: NDArray, bounds: NDArray, count: int
) -> LargestBlocks:
    """Return the largest blocks among the `chosen` classes with softmax p (N, len(chosen)).

    `bounds` (C,) are those of `self_bounds`; the chosen classes must be those of the largest bounds,
    largest first.
    """
    n = len(chosen)
    masses = np.zeros((n, n))
    for c in range(n - 1):
        masses[c, c + 1 :] = kernels.masses(K, p[:, c, None] * p[:, c + 1 :])
    first, second = np.triu_indices(n, 1)
    order = np.argsort(-masses[first, second], kind="stable")[:count]
    pairs = np.sort(np.stack([chosen[first[order]], chosen[second[order]]], axis=1), axis=1)
    unseen = np.delete(bounds, chosen)
    bound = float(np.sqrt(bounds.max() * unseen.max())) if unseen.size else 0.0
    return LargestBlocks(pairs, masses[first[order], second[order]], bound)
