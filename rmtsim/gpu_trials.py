"""Trials on a GPU, a batch at a time: draws, Gram matrices and spectra stay on the device, records come back.

A trial has the same bits in any batch. It has the random integers and uniforms, and the bits of the normals, of the
other devices; its statistics differ from theirs by rounding.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import draws, kernels, structured
from .cells import Cell
from .experiment import Experiment
from .kernels import gpu_batches, gpu_classes, gpu_matrices, gpu_random, gpu_spectra
from .kernels._gpu import cupy, empty, products, to_device, to_host
from .montecarlo import REPRESENTATIVES, Batch, Record, draw_model
from .streams import CELL_DRAW, Role, stream


class Draws(NamedTuple):
    """Gaussian arrays of some trials on the device. V is drawn by tiles of classes, whenever it is asked for."""

    X: Any
    """(T, N, d)"""
    features: Any
    """What the output layer sees, (T, N, k): X itself or relu(X W^T)."""
    v_streams: Any
    """Streams of V, (T, 4)."""


def trial_bytes(cell: Cell, itemsize: int) -> int:
    """Bytes of device memory that one trial takes at most: X and its two scaled copies, Gram matrices, a tile."""
    N, d, k = cell.n_samples, cell.n_features, cell.n_hidden or cell.n_features
    tile = min(cell.n_classes, gpu_classes.tile_width(N * itemsize))
    numbers = N * (3 * d + 2 * k + tile) + tile * (k + 2) + 2 * d * d
    return itemsize * numbers + 8 * N * (2 * k + 8)


def batch_size(experiment: Experiment, cell: Cell) -> int:
    """Trials of a cell to a batch, from the memory that is free now."""
    itemsize = np.dtype(experiment.measure.precision).itemsize
    return gpu_batches.batch_size(trial_bytes(cell, itemsize), gpu_batches.free_memory())


def run_batches(
    experiment: Experiment, batches: Iterable[Batch], edges: Mapping[int, NDArray[np.float64] | None]
) -> Iterator[tuple[Batch, list[Record]]]:
    """Yield the records of each batch, in the order of the batches, drawing one while another is measured.

    A batch that does not fit into memory is measured by halves. Cells with a structured model, whose trials are few
    numbers, are left to the CPU.

    Raises
    ------
    DeviceError
        If a single trial does not fit.
    numpy.linalg.LinAlgError
        If eigenvalues do not converge, or those of the first trial of a batch are not LAPACK's.
    """
    return gpu_batches.pipelined(batches, partial(_draw_batch, experiment), partial(_measure_batch, experiment, edges))


def _trials(batch: Batch) -> range:
    return range(batch.first_trial, batch.first_trial + batch.count)


def _draw_batch(experiment: Experiment, batch: Batch) -> Draws | None:
    """What a batch draws; None if it is structured, or has to be drawn by halves later on."""
    if experiment.method(batch.cell) == "structured":
        return None
    try:
        return draw(experiment, batch.cell, _trials(batch))
    except cupy().cuda.memory.OutOfMemoryError:
        return None


def _measure_batch(
    experiment: Experiment, edges: Mapping[int, NDArray[np.float64] | None], batch: Batch, drawn: Draws | None
) -> tuple[Batch, list[Record]]:
    cell, at = batch.cell, edges[batch.cell.index]
    if experiment.method(cell) == "structured":
        return batch, [structured.run_trial(experiment, cell, trial, at, "cpu") for trial in _trials(batch)]
    ahead = [drawn] if drawn is not None else []
    del drawn

    def compute(trials: Sequence[int]) -> list[Record]:
        given = ahead.pop() if ahead else draw(experiment, cell, trials)
        return measure(experiment, cell, trials, given, at)

    return batch, gpu_batches.halving(compute, _trials(batch))


# Draws -----------------------------------------------------------------------------------------------------


def _streams(experiment: Experiment, cell: Cell, trials: Iterable[int], role: Role) -> Any:
    return to_device(np.array([stream(experiment.seed, cell.index, trial, role) for trial in trials]))


def _normals(streams: Any, start: int, rows: int, columns: int, scale: float, dtype: np.dtype) -> Any:
    """Rows of normals (T, rows, columns) that begin with number `start` of each stream."""
    numbers = empty((len(streams), rows * columns), dtype)
    gpu_random.draw_normals(streams, start, dtype.type(scale), numbers)
    return numbers.reshape(len(streams), rows, columns)


def draw(experiment: Experiment, cell: Cell, trials: Sequence[int]) -> Draws:
    """Draw the arrays of some trials, as `draws` does one by one."""
    dtype = np.dtype(experiment.measure.precision)
    N, d, m = cell.n_samples, cell.n_features, cell.n_hidden
    X = _normals(_streams(experiment, cell, trials, Role.X), 0, N, d, 1.0, dtype)
    shared = m is not None and experiment.model.v_draw == "cell"
    v_streams = _streams(experiment, cell, [CELL_DRAW] * len(trials) if shared else trials, Role.V)
    if m is None:
        return Draws(X, X, v_streams)
    W = _normals(_streams(experiment, cell, trials, Role.W), 0, m, d, d**-0.5, dtype)
    return Draws(X, cupy().maximum(products(X, W.transpose(0, 2, 1)), 0), v_streams)


def v_tiles(drawn: Draws, n_classes: int) -> Iterator[tuple[int, Any]]:
    """Tiles of V (T, c, k), as the functions of `gpu_classes` take them."""
    _, N, k = drawn.features.shape
    dtype = drawn.features.dtype
    width = gpu_classes.tile_width(N * dtype.itemsize)
    for start in range(0, n_classes, width):
        rows = min(width, n_classes - start)
        yield start, _normals(drawn.v_streams, start * k, rows, k, k**-0.5, dtype)


# Sample weights ----------------------------------------------------------------------------------------------


def sample_weights(cell: Cell, drawn: Draws, block: str, scales: NDArray[np.float64]) -> Any:
    """Sample weights (T, N) of a representative block, theory.md (2.1)-(2.3); `scales` (T,) of hidden mse blocks."""
    (layer, i), (_, j) = REPRESENTATIVES[block]
    shape = drawn.X.shape[:2]
    if layer == "w":
        return _hidden_weights(cell, drawn, i, j, scales)
    if cell.loss == "mse":
        return to_device(np.full(shape, float(i == j)))
    chosen = to_device(np.array([i, j]))
    logits, log_z = gpu_classes.trial_chosen_logits(drawn.features, v_tiles(drawn, cell.n_classes), chosen)
    p = gpu_classes.trial_probabilities(logits, log_z)
    return gpu_classes.trial_class_weights(_column(p, 0), _column(p, 1), i == j)


def _hidden_weights(cell: Cell, drawn: Draws, i: int, j: int, scales: NDArray[np.float64]) -> Any:
    h = drawn.features
    if cell.loss == "mse":
        factor = to_device(scales)
    else:
        _, part = next(v_tiles(drawn, min(cell.n_classes, gpu_classes.CENTER_CLASSES)))
        center = to_device(np.mean(to_host(part), axis=1, dtype=np.float64), h.dtype)
        pairs = to_device(np.array([[i, j]]))
        factor = gpu_classes.trial_covariances(h, v_tiles(drawn, cell.n_classes), center, pairs)
    # relu(a) > 0 exactly where a > 0, so h gates as well as a does
    return gpu_classes.trial_gated_weights(_column(h, i), _column(h, j), factor)


def _column(array: Any, index: int) -> Any:
    """Column (T, N) of an array (T, N, k), contiguous and float64."""
    return cupy().ascontiguousarray(array[:, :, index]).astype(np.float64)


def block_scales(cell: Cell, drawn: Draws, block: str) -> NDArray[np.float64]:
    """Natural unit of the block in each trial (T,): S_ij = (V^T V)_ij for the W-layer under mse, 1 otherwise."""
    (layer, i), (_, j) = REPRESENTATIVES[block]
    scales = np.ones(len(drawn.X))
    if cell.loss == "mse" and layer == "w":
        scales[:] = 0
        for _, part in v_tiles(drawn, cell.n_classes):
            rows = to_host(part).astype(np.float64)
            scales += np.einsum("tc,tc->t", rows[:, :, i], rows[:, :, j])
    return scales


# Records ---------------------------------------------------------------------------------------------------


def measure(
    experiment: Experiment,
    cell: Cell,
    trials: Sequence[int],
    drawn: Draws,
    edges: NDArray[np.float64] | None,
) -> list[Record]:
    """Return the record of each trial, as laid out by ``experiment.schema(cell)``."""
    fields = experiment.schema(cell)
    stacked = {name: np.zeros((len(trials), *field.shape), field.dtype) for name, field in fields.items()}
    for k, block in enumerate(cell.blocks):
        scales = stacked["scale"][:, k] = block_scales(cell, drawn, block)
        if set(experiment.measure.statistics) - {"masses"}:
            rows = drawn.features if block.startswith("vv") else drawn.X
            H = gpu_matrices.trial_grams(rows, sample_weights(cell, drawn, block, scales))
            _measure_block(stacked, k, block, H, None if edges is None else edges[k])
    if "masses" in stacked:
        for row, trial in enumerate(trials):
            stacked["masses"][row] = _masses(experiment, cell, trial, to_host(drawn.X[row]))
    return [{name: values[row] for name, values in stacked.items()} for row in range(len(trials))]


def _measure_block(
    stacked: Record, k: int, block: str, H: Any, edges: NDArray[np.float64] | None
) -> None:
    """Fill row k of the stacked records with the spectral statistics of H (T, n, n), which is destroyed."""
    first = to_host(H[0])
    form = gpu_matrices.trial_tridiagonals(H)
    eigenvalues = f"eigenvalues_{block}"
    if eigenvalues in stacked:
        stacked[eigenvalues][:] = to_host(gpu_spectra.trial_bisected_eigenvalues(*form))
    if "moments" in stacked:
        stacked["moments"][:, k] = to_host(gpu_spectra.trial_moments(*form))
    if "extremes" in stacked:
        stacked["extremes"][:, k] = to_host(gpu_spectra.trial_extremes(*form))
    if "histogram" in stacked:
        if edges is None:
            raise ValueError("edges: expected histogram edges of each block, got None")
        _fill_histograms(stacked, k, form, edges)
    one = [to_device(to_host(part[:1])) for part in form]
    gpu_matrices.spot_check(first, to_host(gpu_spectra.trial_bisected_eigenvalues(*one))[0])


def _fill_histograms(stacked: Record, k: int, form: tuple[Any, Any], edges: NDArray[np.float64]) -> None:
    scales = stacked["scale"][:, k, None]
    in_units = [to_device(to_host(part) / scales) for part in form]
    every = to_device(np.broadcast_to(edges, (len(scales), len(edges))))
    counts = to_host(gpu_spectra.trial_histograms(*in_units, every))
    stacked["histogram"][:, k] = counts[:, 1:-1]
    stacked["outside"][:, k] = counts[:, [0, -1]]


def _masses(experiment: Experiment, cell: Cell, trial: int, X: NDArray) -> list[float]:
    """Total masses of one trial, by the model's own formulas with the operations of the GPU."""
    model = draw_model(experiment, cell, trial, "gpu")
    y = draws.labels(kernels.load("gpu"), experiment, cell, trial) if "wv" in cell.parts else None
    masses = model.total_masses(X, y)
    return [masses[part] for part in cell.parts]
