"""Masses from sums over pairs of samples, those of all classes streamed over tiles."""

import numpy as np

from ..host.masses import mass_totals, squared_gram
from ..host.tops import top_terms
from .classes import class_probabilities, softmax_tops, tile_probabilities
from .compiled import gram

masses = gram.masses


def class_mass_totals(features, V, tile, tops):
    """Three N x N sums over the classes; the top classes of confident samples are summed apart, (2.5a)."""
    tops = softmax_tops(features, V, tile) if tops is None else tops
    products, squared, diagonal = np.zeros((3, len(features), len(features)))
    for start, _, p in tile_probabilities(features, V, tile, tops.log_z):
        gram.add_gram((p * tops.complements(p, start)).T, diagonal)
        tops.take_out(p, start)
        gram.add_gram(p.T, products)
        gram.add_gram((p * p).T, squared)
    terms = None
    if tops.confident.size:
        chosen = tops.top[tops.confident]
        terms = top_terms(tops, class_probabilities(features, V, chosen, tile, tops.log_z))
    return mass_totals(squared_gram(features), products, squared, diagonal, terms)
