"""Arrays that the masses of a network need, for N samples and tiles of classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ..arguments.classes import MASS_TILE
from .compiled.masses import PairWork, Samples
from .compiled.network_masses import MassWork
from .compiled.softmax_masses import Tops
from .compiled.square_masses import CrossWork
from .scratch import Fields, Scratch


class MassSizes(NamedTuple):
    """What the sizes of the arrays follow from; n_hidden is 0 for the linear model."""

    n_samples: int
    n_features: int
    n_classes: int
    n_hidden: int
    is_ce: bool
    labelled: bool
    curved: bool
    """Whether phi has a second derivative."""


def mass_work(scratch: Scratch, sizes: MassSizes) -> MassWork:
    """Make the work space from a thread's memory."""
    tops = _tops(sizes)
    groups = ((Samples, _samples(sizes)), (Tops, tops), (PairWork, _pairs(sizes)), (CrossWork, _cross(sizes)))
    m = 0 if sizes.is_ce else sizes.n_hidden
    others: Fields = {
        "gram": ((m, m), np.float64),
        "who": ((sizes.n_samples,), np.int64),
        "sums": ((3,), np.float64),
    }
    *filled, rest = scratch.groups(*groups, (dict, others))
    return MassWork(*filled, **rest)


def _samples(sizes: MassSizes) -> Fields:
    N, d, _, m = sizes[:4]
    y = N if sizes.labelled else 0
    shapes = {
        "inputs": (N if m else 0, d),
        "features": (N, m or d),
        "activations": (m, N),
        "slopes": (m, N),
        "curvatures": (m if sizes.curved else 0, N),
        "means": (m, N),
        "labelled": (m, y),
        "inner_x": (N, N) if m else (0, 0),
        "inner_h": (N, N) if m or sizes.is_ce else (0, 0),
    }
    return {**_float64(shapes), "labels": ((y,), np.int64)}


def _tops(sizes: MassSizes) -> Fields:
    N, m = (sizes.n_samples, sizes.n_hidden) if sizes.is_ce else (0, 0)
    shapes = {"complement": (N,), "rows": (m, N), "apart": (m, N), "across": (N, N)}
    return {"top": ((N,), np.int64), **_float64(shapes)}


def _pairs(sizes: MassSizes) -> Fields:
    N, d, C, m = sizes[:4]
    k, tile = m or d, min(MASS_TILE, C)
    softmax = N if sizes.is_ce else 0
    order = N if m or sizes.is_ce else min(N, d)
    gated = softmax if m else 0
    # operations that the blocks take entry by entry, against those of pairs of samples
    entries = k * (k + 1) // 2 if sizes.is_ce and k * (k + 1) <= N else 0
    # half of the gates being open: 2 (N/2) d operations for a class, against (N/2)^2
    few = gated if 4 * d < N else 0
    shapes = {
        "products": (softmax, softmax),
        "pairs": (order, order),
        "lanes": (N,),
        "entries": (entries, N),
        "blocks": (entries * tile,),
        "hidden_weights": (m * (m + 1) // 2, N),
        "V": (tile, m + sizes.is_ce),
        "center": (m,),
        "p": (tile, softmax),
        "q": (tile, softmax),
        "of_unit": (3, gated),
        "beside": (tile * gated,),
        "column": (tile * gated,),
        "inputs": (few, d),
        "columns": (tile if few else 0, d),
        "covariances": ((m + 1) * gated,),
    }
    return {**_float64(shapes), "on": ((gated,), np.int64)}


def _cross(sizes: MassSizes) -> Fields:
    N, m = (sizes.n_samples, sizes.n_hidden) if sizes.labelled and not sizes.is_ce else (0, 0)
    return _float64({"left": (2, m, N), "right": (2, m, N), "squares": (4, N, N)})


def _float64(shapes: Mapping[str, tuple[int, ...]]) -> Fields:
    return {name: (shape, np.float64) for name, shape in shapes.items()}
