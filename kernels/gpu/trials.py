"""Batches of trials on the GPU: from streams to tridiagonal forms.

A call splits its trials by the memory that is free, draws one batch while it measures another, and halves a
batch that does not fit. A trial has the same bits in any batch. In each batch the eigenvalues of one matrix
of each block are held against LAPACK's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arguments.trials import Forms, HiddenForms, LinearForms, Network
from ..host.pairs import distinct
from . import eigen, matrices, random, softmax, spectra
from .batches import batch_size, free_memory, halving, pipelined
from .device import cupy, empty, products, to_device, to_host
from .masses import trial_hidden_masses, trial_linear_masses
from .structured import trial_output_grams
from .weights import trial_class_weights, trial_gated_weights


class Setting(NamedTuple):
    """What the trials of a call have in common."""

    sizes: tuple[int, ...]
    """N, d, C, and m of hidden models."""
    is_ce: bool
    dtype: np.dtype
    network: Network
    masses: bool

    def v_deviation(self, k: int) -> np.floating:
        """Standard deviation of the entries of V (C, k)."""
        return self.dtype.type(self.network.v_std * k**-0.5)


class Normals(NamedTuple):
    """What is drawn of a batch of trials ahead of time."""

    X: Any
    """(T, N, d)"""
    W: Any
    """(T, m, d) of hidden models, None of linear ones."""
    v_streams: Any
    """(T, 4)"""
    labels: Any
    """(T, N) int64 of hidden models whose masses are asked for, else None."""


class Drawn(NamedTuple):
    """Arrays of a batch of trials on the device; V is drawn by tiles of classes, whenever it is needed."""

    X: Any
    """(T, N, d)"""
    features: Any
    """What the output layer sees, (T, N, k): X itself or relu(X W^T)."""
    v_streams: Any
    """(T, 4)"""
    labels: Any
    """(T, N) int64 or None."""
    setting: Setting

    def tiles(self, width: int | None = None) -> Iterator[tuple[int, Any]]:
        """Tiles of V (T, c, k), as the functions of `softmax` take them."""
        _, N, k = self.features.shape
        width = width or softmax.tile_width(N * self.features.dtype.itemsize)
        deviation, n_classes = self.setting.v_deviation(k), self.setting.sizes[2]
        for start in range(0, n_classes, width):
            rows = min(width, n_classes - start)
            yield start, _normals(self.v_streams, start * k, (rows, k), deviation)


Parts = list[Any]


def trial_bytes(sizes: Sequence[int], itemsize: int, masses: bool = False) -> int:
    """Bytes of device memory that a trial of sizes (N, d, C) or (N, d, C, m) takes.

    X and two scaled copies, Gram matrices, the features and their sums, a tile of logits and of V. For masses
    in float64: X, features and sums over the classes; tiles of probabilities, factors of two, products and V,
    as they are and centered; sums over pairs of samples, at most those of two kinds and what makes them.
    """
    N, d, C, *hidden = sizes
    k = hidden[0] if hidden else d
    tile = min(C, softmax.tile_width(N * itemsize))
    forms = itemsize * (N * (3 * d + 2 * k + tile) + tile * (k + 2) + 2 * d * d) + 8 * N * (2 * k + 8)
    if not masses:
        return forms
    units = k * k if hidden else 0
    return forms + 8 * (N * (d + 6 * k + units + 4 * tile + 12 * N) + 2 * tile * k)


def _normals(streams: Any, start: int, shape: tuple[int, int], deviation: np.floating) -> Any:
    """Matrices of normals (T, rows, columns), of its dtype, that begin with number `start` of each stream."""
    numbers = empty((len(streams), shape[0] * shape[1]), deviation.dtype)
    random.draw_normals(streams, start, deviation, numbers)
    return numbers.reshape(len(streams), *shape)


def _draw(setting: Setting, streams: NDArray) -> Normals:
    """The normals of the trials of streams (T, roles, 4): X, and W for hidden models."""
    N, d, _, *hidden = setting.sizes
    real, w_deviation = setting.dtype.type, setting.network.w_std * d**-0.5
    on_device = [to_device(streams[:, role]) for role in range(streams.shape[1])]
    X = _normals(on_device[0], 0, (N, d), real(1))
    W = _normals(on_device[1], 0, (hidden[0], d), real(w_deviation)) if hidden else None
    v_role = 2 if hidden else 1
    labels = _labels(on_device[3], setting) if streams.shape[1] > v_role + 1 else None
    return Normals(X, W, on_device[v_role], labels)


def _labels(streams: Any, setting: Setting) -> Any:
    """Labels (T, N) of streams (T, 4)."""
    N, _, C = setting.sizes[:3]
    drawn = empty((len(streams), N), np.int64)
    random.draw_labels(streams, 0, C, drawn)
    return drawn


def _with_features(setting: Setting, normals: Normals) -> Drawn:
    """The arrays of trials. Its GEMMs have no place in `_draw`; see `pipelined`."""
    X, W, v_streams, labels = normals
    features = X if W is None else cupy().maximum(products(X, W.transpose(0, 2, 1)), 0)
    return Drawn(X, features, v_streams, labels, setting)


def _in_batches(setting: Setting, streams: NDArray, measure: Callable[[Drawn], Parts]) -> list[Parts]:
    """What `measure` returns for each batch of trials, in order."""
    count = batch_size(trial_bytes(setting.sizes, setting.dtype.itemsize, setting.masses), free_memory())
    batches = [streams[first : first + count] for first in range(0, len(streams), count)]

    def draw(batch: NDArray) -> list[Normals]:
        try:
            return [_draw(setting, batch)]
        except cupy().cuda.memory.OutOfMemoryError:
            return []  # by halves, later on

    def compute(batch: NDArray, ahead: list[Normals]) -> list[Parts]:
        def measured(part: NDArray) -> list[Parts]:
            return [measure(_with_features(setting, ahead.pop() if ahead else _draw(setting, part)))]

        return halving(measured, batch)

    return [parts for measured_batch in pipelined(batches, draw, compute) for parts in measured_batch]


def _class_weights(drawn: Drawn, classes: NDArray) -> Iterator[Any]:
    """Sample weights (T, N) of each block (v_c, v_e). theory.md (2.1), (2.3)"""
    if not drawn.setting.is_ce:
        yield from (cupy().full(drawn.X.shape[:2], float(c == e), np.float64) for c, e in classes)
    elif len(classes):
        used, places = distinct(classes)
        logits, log_z = softmax.trial_chosen_logits(drawn.features, drawn.tiles(), to_device(used))
        p = softmax.trial_probabilities(logits, log_z)
        for c, e in places:
            yield trial_class_weights(_column(p, c), _column(p, e), c == e)


def _hidden_weights(drawn: Drawn, hidden: NDArray, scales: NDArray) -> Iterator[Any]:
    """Sample weights (T, N) of each block (w_i, w_j); scales (T, B) are S_ij under mse. theory.md (2.2)"""
    h, is_ce = drawn.features, drawn.setting.is_ce
    if is_ce and len(hidden):
        center = softmax.center_of(drawn.tiles(softmax.CENTER_CLASSES))
        factors = softmax.trial_covariances(h, drawn.tiles(), center, to_device(hidden))
    for r, (i, j) in enumerate(hidden):
        factor = _column(factors, r) if is_ce else to_device(scales[:, r])
        # relu(a) > 0 exactly where a > 0, so h gates as well as a does
        yield trial_gated_weights(_column(h, i), _column(h, j), factor)


def _column(array: Any, index: int) -> Any:
    """Column (T, N) of an array (T, N, k), contiguous and float64."""
    return cupy().ascontiguousarray(array[:, :, index]).astype(np.float64, copy=False)


def _scales(drawn: Drawn, hidden: NDArray) -> NDArray[np.float64]:
    """Natural units (T, B) of the blocks (w_i, w_j): (V^T V)_ij under mse, 1 under ce."""
    if drawn.setting.is_ce:
        return np.ones((len(drawn.X), len(hidden)))
    C, m = drawn.setting.sizes[2:]
    deviation = drawn.setting.v_deviation(m)
    return to_host(trial_output_grams(drawn.v_streams, (C, m), deviation, to_device(hidden)))


def _forms(rows: Any, weights: Iterator[Any]) -> list[tuple[NDArray, NDArray]]:
    """Tridiagonal forms (T, n), (T, n - 1) of each block, from rows (T, N, n) and its weights."""
    forms = []
    for w in weights:
        H = matrices.trial_grams(rows, w)
        first = to_host(H[0])
        form = eigen.trial_tridiagonals(H)
        alone = spectra.FewDiagonals(*(part[:1] for part in form))
        eigen.spot_check(first, to_host(alone.eigenvalues())[0])
        forms.append((to_host(form[0]), to_host(form[1])))
    return forms


def _stacked(parts: Sequence[list[tuple[NDArray, NDArray]]], shape: tuple[int, int, int]) -> Forms:
    """Forms of all batches, of shape (T, B, n), which may be empty."""
    trials, blocks, order = shape
    whole = Forms(np.empty(shape), np.empty((trials, blocks, order - 1)))
    first = 0
    for forms in parts if blocks else ():
        last = first + len(forms[0][0])
        for r, form in enumerate(forms):
            whole.diagonals[first:last, r], whole.off_diagonals[first:last, r] = form
        first = last
    return whole


def _masses(drawn: Drawn) -> NDArray[np.float64] | None:
    """Masses (T, parts) of all blocks, if asked for."""
    setting = drawn.setting
    if not setting.masses:
        return None
    of_classes = drawn.tiles, setting.sizes[2], setting.is_ce
    if len(setting.sizes) == 3:
        return trial_linear_masses(drawn.X, *of_classes)
    return trial_hidden_masses(drawn.X, drawn.features, *of_classes, drawn.labels)


def _all_masses(setting: Setting, found: Sequence[Any], parts: int) -> NDArray[np.float64] | None:
    """Masses of all batches."""
    return np.concatenate([np.empty((0, parts)), *found]) if setting.masses else None


def linear_forms(streams, sizes, loss, class_pairs, dtype, network, masses):
    """Forms of the output layer, which sees X itself."""
    setting = Setting(sizes, loss == "ce", dtype, network, masses)

    def measure(drawn: Drawn) -> Parts:
        return [_forms(drawn.X, _class_weights(drawn, class_pairs)), _masses(drawn)]

    parts = _in_batches(setting, streams, measure)
    forms = _stacked([part[0] for part in parts], (len(streams), len(class_pairs), sizes[1]))
    return LinearForms(forms, _all_masses(setting, [part[1] for part in parts], 2))


def hidden_forms(streams, sizes, loss, hidden_pairs, class_pairs, dtype, network, masses):
    """Forms of both layers."""
    (_, d, _, m), setting = sizes, Setting(sizes, loss == "ce", dtype, network, masses)

    def measure(drawn: Drawn) -> Parts:
        scales = _scales(drawn, hidden_pairs)
        hidden = _forms(drawn.X, _hidden_weights(drawn, hidden_pairs, scales))
        classes = _forms(drawn.features, _class_weights(drawn, class_pairs))
        return [hidden, classes, scales, _masses(drawn)]

    parts, count = _in_batches(setting, streams, measure), len(streams)
    return HiddenForms(
        _stacked([part[0] for part in parts], (count, len(hidden_pairs), d)),
        _stacked([part[1] for part in parts], (count, len(class_pairs), m)),
        np.concatenate([np.empty((0, len(hidden_pairs))), *(part[2] for part in parts)]),
        _all_masses(setting, [part[3] for part in parts], 5),
    )
