"""Trials of models with samples: draws, blocks and masses, a batch of trials at a time.

The kernels turn the streams of a batch into a tridiagonal form of every block; no block comes back. A trial
has the same bits in any batch.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .. import kernels
from ..experiment import Cell, Experiment
from ..models import HiddenModel, LinearModel
from . import draws, forms
from .forms import Record, TridiagonalForms

REPRESENTATIVES = {
    "ww_diag": (("w", 0), ("w", 0)),
    "ww_off": (("w", 0), ("w", 1)),
    "vv_diag": (("v", 0), ("v", 0)),
    "vv_off": (("v", 0), ("v", 1)),
}
"""The block that stands for each kind: within a kind all blocks have one distribution."""


def draw_model(
    experiment: Experiment, cell: Cell, trial: int, device: str = "cpu"
) -> LinearModel | HiddenModel:
    """Return the model of a trial, with its parameters drawn."""
    ops = kernels.load(device)
    W, V = draws.parameters(ops, experiment, cell, trial, experiment.measure.precision)
    if W is None:
        return LinearModel(V, cell.loss, device=device)
    return HiddenModel(W, V, cell.loss, device=device)


def block_scale(model: LinearModel | HiddenModel, block: str) -> float:
    """Return the natural unit of a block of a model; see `forms`."""
    if isinstance(model, HiddenModel) and model.loss == "mse" and block.startswith("ww"):
        (_, i), (_, j) = REPRESENTATIVES[block]
        return float(model.output_gram()[i, j])
    return 1.0


def block_forms(
    experiment: Experiment, cell: Cell, trials: Sequence[int], device: str = "cpu"
) -> dict[str, TridiagonalForms]:
    """Return the tridiagonal forms of the representative blocks of a cell in some trials."""
    ops, precision = kernels.load(device), experiment.measure.precision
    streams = draws.trial_streams(experiment, cell, trials)
    sizes = (cell.n_samples, cell.n_features, cell.n_classes)
    layers = {"w": _pairs(cell, "w"), "v": _pairs(cell, "v")}
    if cell.n_hidden is None:
        found = {"v": ops.linear_forms(streams, sizes, cell.loss, list(layers["v"].values()), precision)}
        scales = {}
    else:
        pairs = (list(layer.values()) for layer in layers.values())
        hidden = ops.hidden_forms(streams, (*sizes, cell.n_hidden), cell.loss, *pairs, precision)
        found = {"w": hidden.hidden, "v": hidden.classes}
        scales = dict(zip(layers["w"], hidden.scales.T, strict=True))
    ones = np.ones(len(streams))
    return {
        block: TridiagonalForms(scales.get(block, ones), form.diagonals[:, r], form.off_diagonals[:, r])
        for layer, form in found.items()
        for r, block in enumerate(layers[layer])
    }


def _pairs(cell: Cell, layer: str) -> dict[str, tuple[int, int]]:
    """Indices of the blocks of one layer, by name."""
    representatives = {block: REPRESENTATIVES[block] for block in cell.blocks}
    return {block: (row[1], col[1]) for block, (row, col) in representatives.items() if row[0] == layer}


def run_trials(
    experiment: Experiment,
    cell: Cell,
    trials: Sequence[int],
    edges: NDArray[np.float64] | None = None,
    device: str = "cpu",
) -> list[Record]:
    """Draw some trials of a cell and return their records; see `montecarlo.run_trial`."""
    ops = kernels.load(device)
    stacked = forms.empty_record(experiment, cell, len(trials))
    if set(experiment.measure.statistics) - {"masses"}:
        forms.measure(stacked, cell, block_forms(experiment, cell, trials, device), edges, ops)
    else:
        stacked["scale"][:] = [_scales(experiment, cell, trial, device) for trial in trials]
    if "masses" in stacked:
        stacked["masses"][:] = [_masses(experiment, cell, trial, device) for trial in trials]
    return forms.unstacked(stacked)


def _scales(experiment: Experiment, cell: Cell, trial: int, device: str) -> list[float]:
    model = draw_model(experiment, cell, trial, device)
    return [block_scale(model, block) for block in cell.blocks]


def _masses(experiment: Experiment, cell: Cell, trial: int, device: str) -> list[float]:
    """Total mass of each part, by the formulas of the model."""
    ops = kernels.load(device)
    model = draw_model(experiment, cell, trial, device)
    X = draws.inputs(ops, experiment, cell, trial, experiment.measure.precision)
    y = draws.labels(ops, experiment, cell, trial) if "wv" in cell.parts else None
    masses = model.total_masses(X, y)
    return [masses[part] for part in cell.parts]


def extremes(experiment: Experiment, cell: Cell, trials: Sequence[int], device: str = "cpu") -> NDArray:
    """Return the extreme eigenvalues of each block in units of its scale, shape (T, n_blocks, 2)."""
    return forms.extremes(cell, block_forms(experiment, cell, trials, device), kernels.load(device))
