"""Batches of trials, compiled: from streams to tridiagonal forms in one call."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arguments.classes import default_tile
from ..arguments.trials import Forms, HiddenForms, Network, TrialBatch
from ..host.pairs import Pairs, distinct
from .compiled.gram import FormWork, tridiagonal_work
from .compiled.trials import Blocks, Drawn, Setting, Softmax, TrialWork, trial_forms
from .scratch import Fields, Scratch

_scratch = Scratch()


def linear_forms(streams, sizes, loss, class_pairs, dtype, network):
    """Forms of the output layer, which sees X itself."""
    batch, d = TrialBatch(streams, sizes, loss == "ce", dtype), sizes[1]
    classes = _blocks(batch, class_pairs, d)
    _fill(batch, network, _blocks(batch, np.empty((0, 2), np.int64), d), classes)
    return Forms(classes.diagonals, classes.off_diagonals)


def hidden_forms(streams, sizes, loss, hidden_pairs, class_pairs, dtype, network):
    """Forms of both layers."""
    batch, (_, d, _, m) = TrialBatch(streams, sizes, loss == "ce", dtype), sizes
    hidden, classes = _blocks(batch, hidden_pairs, d), _blocks(batch, class_pairs, m)
    scales = _fill(batch, network, hidden, classes)
    of_hidden, of_classes = (Forms(blocks.diagonals, blocks.off_diagonals) for blocks in (hidden, classes))
    return HiddenForms(of_hidden, of_classes, scales)


def _blocks(batch: TrialBatch, pairs: NDArray[np.int64], order: int) -> Blocks:
    """Blocks of pairs (B, 2), their forms yet to be filled."""
    shape = len(batch.streams), len(pairs)
    return Blocks(distinct(pairs), np.empty((*shape, order)), np.empty((*shape, order - 1)))


def _fill(batch: TrialBatch, network: Network, hidden: Blocks, classes: Blocks) -> NDArray[np.float64]:
    """Fill the forms of the blocks and return the scales of the hidden ones."""
    d, C = batch.sizes[1:3]
    k = batch.sizes[3] if len(batch.sizes) == 4 else d
    scales = np.empty(hidden.diagonals.shape[:2])
    setting = Setting(C, (network.w_std * d**-0.5, network.v_std * k**-0.5), batch.is_ce)
    work = _work(batch, k, hidden.pairs, classes.pairs)
    trial_forms(batch.streams, setting, hidden, classes, scales, work)
    return scales


def _work(batch: TrialBatch, k: int, hidden: Pairs, classes: Pairs) -> TrialWork:
    """Work space of a trial, V having k columns.

    The operating system gives a page of memory out when it is first written: arrays that this loss or
    architecture never writes take none.
    """
    (N, d, C), real, is_linear = batch.sizes[:3], batch.dtype, len(batch.sizes) == 3
    m = 0 if is_linear else k
    arrays: Fields = {"X": ((N, d), real), "W": ((m, d), real), "features": ((N, m), real)}
    drawn, *work = _scratch.groups(
        (Drawn, arrays),
        (Softmax, _softmax_fields(N, k, default_tile(N, C, real), real, hidden, classes)),
        (FormWork, _form_fields(N, d, real)),
        (FormWork, _form_fields(N, k, real)),
    )
    return TrialWork(drawn._replace(features=drawn.X) if is_linear else drawn, *work)


def _softmax_fields(N: int, k: int, tile: int, real: np.dtype, hidden: Pairs, classes: Pairs) -> Fields:
    used = len(hidden.used)
    sums = used + len(hidden.places)
    return {
        "V": ((tile, k), real),
        "logits": ((tile, N), real),
        "maxima": ((N,), real),
        "rescale": ((N,), real),
        "sums": ((N,), np.float64),
        "chosen": ((len(classes.used), N), np.float64),
        "center": ((used,), real),
        "columns": ((sums, tile), real),
        "product": ((sums, N), real),
        "totals": ((sums, N), np.float64),
    }


def _form_fields(N: int, n: int, real: np.dtype) -> Fields:
    return {
        "weights": ((N,), np.float64),
        "scaled": ((N, n), real),
        "gram": ((n, n), real),
        "reduction": ((tridiagonal_work(n, real.itemsize),), real),
    }
