"""Batches of trials, compiled: from streams to tridiagonal forms in one call."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..arguments.classes import default_tile
from ..arguments.trials import Forms, HiddenForms, LinearForms, Network, TrialBatch
from ..host.pairs import Pairs, distinct
from .compiled.activations import CODES
from .compiled.gram import FormWork, tridiagonal_work
from .compiled.network_masses import MassWork
from .compiled.trials import Blocks, Drawn, Residuals, Setting, Softmax, TrialWork, trial_forms
from .mass_work import MassSizes, mass_work
from .scratch import Fields, Scratch

_scratch, _mass_scratch = Scratch(), Scratch()


def linear_forms(streams, sizes, loss, class_pairs, dtype, network, masses):
    """Forms of the output layer, which sees X itself."""
    batch, d = TrialBatch(streams, sizes, loss == "ce", dtype), sizes[1]
    classes = _blocks(batch, class_pairs, d)
    totals = np.empty((len(streams), 2 if masses else 0))
    _fill(batch, network, _blocks(batch, np.empty((0, 2), np.int64), d), classes, totals)
    return LinearForms(Forms(classes.diagonals, classes.off_diagonals), totals if masses else None)


def hidden_forms(streams, sizes, loss, hidden_pairs, class_pairs, dtype, network, masses):
    """Forms of both layers."""
    batch, (_, d, _, m) = TrialBatch(streams, sizes, loss == "ce", dtype), sizes
    hidden, classes = _blocks(batch, hidden_pairs, d), _blocks(batch, class_pairs, m)
    if masses and batch.is_ce:  # which need the means of all columns of V
        hidden = hidden._replace(pairs=Pairs(np.arange(m), hidden_pairs))
    totals = np.empty((len(streams), 5 if masses else 0))
    scales = _fill(batch, network, hidden, classes, totals)
    of_hidden, of_classes = (Forms(blocks.diagonals, blocks.off_diagonals) for blocks in (hidden, classes))
    return HiddenForms(of_hidden, of_classes, scales, totals if masses else None)


def _blocks(batch: TrialBatch, pairs: NDArray[np.int64], order: int) -> Blocks:
    """Blocks of pairs (B, 2), their forms yet to be filled."""
    shape = len(batch.streams), len(pairs)
    return Blocks(distinct(pairs), np.empty((*shape, order)), np.empty((*shape, order - 1)))


def _fill(
    batch: TrialBatch, network: Network, hidden: Blocks, classes: Blocks, masses: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Fill the forms of the blocks, and the masses (T, parts), and return the scales of the hidden blocks."""
    d, C = batch.sizes[1:3]
    k = batch.sizes[3] if len(batch.sizes) == 4 else d
    scales = np.empty(hidden.diagonals.shape[:2])
    deviations = network.w_std * d**-0.5, network.v_std * k**-0.5
    setting = Setting(C, deviations, batch.is_ce, (CODES[network.activation], float(network.slope)))
    work = _work(batch, k, hidden.pairs, classes.pairs, network, masses.shape[1] > 0)
    trial_forms(batch.streams, setting, hidden, classes, scales, masses, work)
    return scales


def _work(
    batch: TrialBatch, k: int, hidden: Pairs, classes: Pairs, network: Network, masses: bool
) -> TrialWork:
    """Work space of a trial, V having k columns.

    The operating system gives a page of memory out when it is first written: arrays that this loss or
    architecture never writes take none.
    """
    (N, d, C), real, is_linear = batch.sizes[:3], batch.dtype, len(batch.sizes) == 3
    m = 0 if is_linear else k
    labelled = N if (masses or network.residuals_enter) and not is_linear else 0
    units = len(hidden.used) if network.residuals_enter and not is_linear else 0
    arrays: Fields = {
        "X": ((N, d), real),
        "W": ((m, d), real),
        "preactivations": ((N, m), real),
        "features": ((N, m), real),
        "labels": ((labelled,), np.int64),
    }
    residuals: Fields = {"products": ((units, N), np.float64), "gram_rows": ((units, k), np.float64)}
    drawn, *work = _scratch.groups(
        (Drawn, arrays),
        (Softmax, _softmax_fields(N, k, default_tile(N, C, real), real, hidden, classes)),
        (Residuals, residuals),
        (FormWork, _form_fields(N, d, real)),
        (FormWork, _form_fields(N, k, real)),
    )
    curved = network.residuals_enter and not is_linear
    mass_sizes = MassSizes(N, d, C, m, batch.is_ce, labelled > 0, curved)
    of_masses = mass_work(_mass_scratch, mass_sizes) if masses else _no_masses()
    softmax, of_residuals, hidden_form, class_form = work
    seen = drawn._replace(features=drawn.X) if is_linear else drawn
    return TrialWork(seen, softmax, of_residuals, hidden_form, class_form, of_masses)


@cache
def _no_masses() -> MassWork:
    """Arrays without elements, of the types that compiled code is made for."""
    return mass_work(Scratch(), MassSizes(0, 0, 0, 0, True, False, False))


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
