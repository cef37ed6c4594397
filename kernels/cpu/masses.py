"""Masses from sums over pairs of samples, those of all classes streamed over tiles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arguments.trials import Network
from ..host.activations import ACTIVATIONS
from .classes import running, tiles
from .compiled import gram
from .compiled.activations import CODES
from .compiled.classes import CENTER_CLASSES, accumulate, fold_tile, tile_logits
from .compiled.network_masses import MassWork, begin_masses, end_softmax_masses, end_square_masses
from .compiled.softmax_masses import add_softmax_classes, add_to_tops, end_tops, start_tops
from .compiled.square_masses import add_square_tile
from .mass_work import MassSizes, mass_work
from .scratch import Scratch

masses = gram.masses

NO_LABELS = np.empty(0, np.int64)


def linear_masses(X, V, loss, tile):
    """The features are the inputs."""
    sizes = MassSizes(*X.shape, V.shape[0], 0, loss == "ce", False, False)
    work, nothing = mass_work(Scratch(), sizes), np.empty((len(X), 0), X.dtype)
    begin_masses(X, nothing, X, (0, 0.0), NO_LABELS, work)
    return _sum(X, V, sizes, tile, work, np.empty(2))


def hidden_masses(X, W, V, loss, labels, network, tile):
    """The features are the activations."""
    y, labelled = (NO_LABELS, False) if labels is None else (labels, True)
    curved = labelled and network.residuals_enter
    sizes = MassSizes(*X.shape, V.shape[0], len(W), loss == "ce", labelled, curved)
    work, a = mass_work(Scratch(), sizes), X @ W.T
    h = ACTIVATIONS[network.activation].value(a, network.slope)
    begin_masses(X, a, h, _phi(network), y, work)
    return _sum(h, V, sizes, tile, work, np.empty(5 if labelled else 4))


def _phi(network: Network) -> tuple[int, float]:
    return CODES[network.activation], float(network.slope)


def _sum(features: NDArray, V: Any, sizes: MassSizes, tile: int, work: MassWork, out: NDArray) -> NDArray:
    """Let the classes pass by, in tiles."""
    if sizes.is_ce:
        _add_softmax(features, V, tile, work)
        end_softmax_masses(work, out)
        return out
    if sizes.n_hidden:
        for start, part in tiles(V, tile, features.dtype):
            add_square_tile(part, start, work.samples, work.pairs, work.gram)
    end_square_masses(sizes.n_classes, work, out)
    return out


def _add_softmax(features: NDArray, V: Any, tile: int, work: MassWork) -> None:
    """Two passes over the classes, and one more if there are confident samples."""
    maxima, totals = _fold(features, V, tile, work)
    who = work.who[: start_tops(totals, work.tops, work.who)]
    folded = False, maxima, totals
    if who.size:
        for start, part, logits in _logits(features, V, tile):
            add_to_tops(logits, *folded, part, start, who, work.tops, work.pairs.center)
        end_tops(who, work.tops)
    for start, part, logits in _logits(features, V, tile):
        add_softmax_classes(logits, *folded, part, start, *work[:3], work.sums)


def _logits(features: NDArray, V: Any, tile: int):
    """First class, rows of V and logits (T, N) of each tile."""
    memory = np.empty((tile, len(features)), features.dtype)
    for start, part in tiles(V, tile, features.dtype):
        logits = memory[: len(part)]
        tile_logits(features, part, logits)
        yield start, part, logits


def _fold(features: NDArray, V: Any, tile: int, work: MassWork) -> tuple[NDArray, NDArray]:
    """Maxima and sums of exponentials (N,); means of the columns of V less a center go to the work space."""
    means, center = work.samples.means, work.pairs.center
    if center.size:
        center[:] = np.median(V[:CENTER_CLASSES], axis=0)  # of which a few rows apart make little
    means[:] = 0
    logits, maxima, sums, rescale = running(len(features), tile, features.dtype)
    product = np.empty(means.shape, features.dtype)
    for _, part in tiles(V, tile, features.dtype):
        fold_tile(features, part, logits[: len(part)], maxima, sums, rescale)
        if center.size:
            columns = np.ascontiguousarray((part - center).T, features.dtype)
            accumulate(columns, logits[: len(part)], rescale, product, means)
    means /= sums
    return maxima, sums
