"""Trace moments of Gaussian Gram matrices by enumeration: in integers, without asymptotics."""

from collections import Counter
from math import comb

import numpy as np


def trace_moment(k, n_features, n_samples):
    """E (1/d) tr (X^T X)^k for X (N, d) standard normal, a sum over all pairings of its 2k factors.

    Factor 2j is X[n_j, i_j] and factor 2j + 1 is X[n_j, i_{j+1}]; a pairing equates the indices of the
    factors that it joins, so it contributes N^(free sample indices) d^(free feature indices).
    """
    terms = Counter()
    for pairs in _pairings(list(range(2 * k))):
        samples = _classes(k, [(a // 2, b // 2) for a, b in pairs])
        features = _classes(k, [((a + 1) // 2 % k, (b + 1) // 2 % k) for a, b in pairs])
        terms[samples, features] += 1
    return sum(count * n_samples**s * n_features ** (f - 1) for (s, f), count in terms.items())


def thinned_trace_moment(k, n_features, n_samples):
    """The same for N samples of which each is kept with probability 1/2, independently of all else."""
    kept = (comb(n_samples, K) * trace_moment(k, n_features, K) for K in range(n_samples + 1))
    return sum(kept) / 2**n_samples


def _pairings(items):
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for position, partner in enumerate(rest):
        for pairs in _pairings(rest[:position] + rest[position + 1 :]):
            yield [(first, partner), *pairs]


def _classes(n, equal):
    """Number of classes of {0..n-1} under the equalities."""
    label = np.arange(n)
    for a, b in equal:
        label[label == label[a]] = label[b]
    return len(set(label.tolist()))
