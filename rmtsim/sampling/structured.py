"""Trials of mse models from exact structured models, without samples: theory.md (5.1)-(5.3d).

Every block of an mse model is a Wishart matrix, or nearly, and comes from O(N + d) random numbers in place of
N d. A block has the law that it has on the dense path, given W and V, which are drawn the same. What is not
reproduced is the dependence of blocks on one another through their common samples: here the blocks of a
trial are independent given W and V.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import kernels
from ..experiment import Cell, Experiment
from . import draws, forms
from .dense import REPRESENTATIVES
from .forms import BandedForms, Forms, Record, TridiagonalForms
from .streams import Role, streams


class Trials:
    """Some trials of a cell.

    Parameters
    ----------
    experiment, cell, trials
        They name the random streams.
    device : str
        Of the kernels.
    """

    def __init__(
        self, experiment: Experiment, cell: Cell, trials: Sequence[int], device: str = "cpu"
    ) -> None:
        self.experiment, self.cell, self.trials = experiment, cell, trials
        self.ops = kernels.load(device)

    def forms(self, block: str) -> Forms:
        """Draw a block: matrices with the law of its eigenvalues given W and V."""
        cell, count = self.cell, len(self.trials)
        if block == "vv_off":  # B_n = I: the classes do not interact
            n = cell.block_size(block)
            return TridiagonalForms(np.ones(count), np.zeros((count, n)), np.zeros((count, n - 1)))
        if cell.architecture == "linear":
            return self._wishart(np.full(count, cell.n_samples), np.ones(count))
        draw: dict[str, Callable[[], Forms]] = {
            "ww_diag": self._half_space,
            "ww_off": self._wedge,
            "vv_diag": self._activations,
        }
        return draw[block]()

    def scales(self, block: str) -> NDArray[np.float64]:
        """Natural unit of a block (T,): S_ij = (V^T V)_ij for W-blocks, 1 otherwise."""
        if not block.startswith("ww"):
            return np.ones(len(self.trials))
        (_, i), (_, j) = REPRESENTATIVES[block]
        C, m = self.cell.n_classes, self.cell.n_hidden or 0
        words = draws.trial_streams(self.experiment, self.cell, self.trials)[:, -1]
        return self.ops.output_grams(words, C, m, [[i, j]], self.experiment.measure.precision)[:, 0]

    def _streams(self, *roles: Role) -> NDArray[np.uint32]:
        return streams(self.experiment.seed, self.cell.index, self.trials, roles)

    def _wishart(self, freedoms: NDArray[np.int64], scales: NDArray[np.float64]) -> TridiagonalForms:
        """Scale / N times Wishart matrices of as many degrees of freedom, theory.md (5.1)."""
        d, N = self.cell.n_features, self.cell.n_samples
        drawn = self.ops.wishart_forms(self._streams(Role.CHI)[:, 0], freedoms, d, scales / N)
        return TridiagonalForms(scales, *drawn)

    def _half_space(self) -> TridiagonalForms:
        """W_ii: the gate of a sample is independent of x x^T, theory.md (5.2)."""
        active = self.ops.half_space_counts(self._streams(Role.GATES)[:, 0], self.cell.n_samples)
        return self._wishart(active, self.scales("ww_diag"))

    def _wedge(self) -> BandedForms:
        """W_ij: what a sample has in the plane of w_i and w_j is drawn as it is, theory.md (5.3d)."""
        d, N, precision = self.cell.n_features, self.cell.n_samples, self.experiment.measure.precision
        samples = self.ops.wedge_samples(self._streams(Role.W, Role.PLANE), d, N, (0, 1), precision)
        scales, words = self.scales("ww_off"), self._streams(Role.CHI_OFF, Role.NORMALS_OFF)
        return BandedForms(scales, self.ops.wedge_forms(words, *samples, d, scales / N))

    def _activations(self) -> TridiagonalForms:
        """V_cc of the hidden model, from the samples in the span of the rows of W, theory.md (5.3e)."""
        found = [
            self._activation_form(trial, words)
            for trial, words in zip(self.trials, self._streams(Role.SPAN)[:, 0], strict=True)
        ]
        return TridiagonalForms(np.ones(len(found)), *map(np.array, zip(*found, strict=True)))

    def _activation_form(self, trial: int, words: NDArray[np.uint32]) -> tuple[NDArray, NDArray]:
        W = draws.first_layer(self.ops, self.experiment, self.cell, trial, self.experiment.measure.precision)
        R, N = np.linalg.qr(W.astype(np.float64).T, mode="r"), self.cell.n_samples
        X = self.ops.normals(words, 0, N * len(R)).reshape(N, len(R))
        H = self.ops.weighted_gram(np.maximum(X @ R, 0.0), np.ones(N))
        return self.ops.tridiagonal(H)


def run_trials(
    experiment: Experiment,
    cell: Cell,
    trials: Sequence[int],
    edges: NDArray[np.float64] | None = None,
    device: str = "cpu",
) -> list[Record]:
    """Draw some trials of a cell that has structured models; return their records, as `dense.run_trials`."""
    drawn = Trials(experiment, cell, trials, device)
    stacked = forms.empty_record(experiment, cell, len(trials))
    found: dict[str, Any] = {}
    if set(experiment.measure.statistics) - {"masses"}:
        blocks = {block: drawn.forms(block) for block in cell.blocks}
        found = forms.measure(stacked, cell, blocks, edges, drawn.ops)
    else:
        stacked["scale"][:] = np.transpose([drawn.scales(block) for block in cell.blocks])
    if "masses" in stacked:
        # All diagonal blocks of the linear model are the same matrix, and the others are zero.
        block = found.get("vv_diag") or drawn.forms("vv_diag").statistics(drawn.ops, None)
        stacked["masses"][:, 0] = cell.n_classes * cell.n_features * block.moments[:, 1]
    return forms.unstacked(stacked)


def extremes(experiment: Experiment, cell: Cell, trials: Sequence[int], device: str = "cpu") -> NDArray:
    """Return the extreme eigenvalues of each block in units of its scale, shape (T, n_blocks, 2)."""
    drawn = Trials(experiment, cell, trials, device)
    return forms.extremes(cell, {block: drawn.forms(block) for block in cell.blocks}, drawn.ops)
