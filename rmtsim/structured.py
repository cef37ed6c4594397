"""Trials of mse models from exact structured models, without samples: theory.md (5.1)-(5.3d).

Every block of an mse model is a Wishart matrix, or nearly, and comes from O(N + d) random numbers in place of
N d. A block has the law that it has on the dense path, given W and V, which are drawn the same. What is not
reproduced is the dependence of blocks on one another through their common samples: here the blocks of a
trial are independent given W and V.

The structured models run on the CPU whatever the device: a trial takes about a millisecond.
"""

from functools import cached_property
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from . import draws, kernels
from .cells import Cell
from .experiment import Experiment
from .forms import Form, Padded, Tridiagonal, bordered_wishart, wishart
from .models import HiddenModel
from .streams import Role, stream

Record = dict[str, NDArray]

CHUNK = 1 << 15
"""Samples whose random numbers are held at a time."""


class Trial:
    """The blocks of one trial, as forms in units of their scale.

    Parameters
    ----------
    experiment, cell, trial
        They name the random streams.
    device : str
        Of the kernels; "gpu" stands for "cpu" here.
    """

    def __init__(self, experiment: Experiment, cell: Cell, trial: int, device: str = "cpu") -> None:
        self.experiment, self.cell, self.trial = experiment, cell, trial
        self.device = "cpu" if device == "gpu" else device
        self.ops = kernels.load(self.device)

    def form(self, block: str) -> Form:
        """Draw a block in units of `scale`: a matrix with the law of its eigenvalues given W and V."""
        if block == "vv_off":  # B_n = I: the classes do not interact
            return Padded(None, self.cell.block_size(block))
        if self.cell.architecture == "linear":
            return self._wishart(self.cell.n_samples)
        draw = {"ww_diag": self._half_space, "ww_off": self._wedge, "vv_diag": self._activations}
        return draw[block]()

    def scale(self, block: str) -> float:
        """Natural unit of a block: S_ij = (V^T V)_ij for W-blocks, 1 otherwise."""
        rows = {"ww_diag": (0, 0), "ww_off": (0, 1)}.get(block)
        return 1.0 if rows is None else float(self._output_gram[rows])

    @cached_property
    def model(self) -> HiddenModel:
        """The hidden model of the trial: the same W and V as on the dense path."""
        precision = self.experiment.measure.precision
        W, V = draws.parameters(self.ops, self.experiment, self.cell, self.trial, precision)
        assert W is not None  # the linear mse model needs no parameters
        return HiddenModel(W, V, self.cell.loss, device=self.device)

    @cached_property
    def _output_gram(self) -> NDArray[np.float64]:
        return self.model.output_gram()

    def _words(self, role: Role) -> NDArray[np.uint32]:
        return stream(self.experiment.seed, self.cell.index, self.trial, role)

    def _wishart(self, freedom: int) -> Form:
        cell = self.cell
        return wishart(self.ops, self._words(Role.CHI), cell.n_features, freedom, 1 / cell.n_samples)

    def _half_space(self) -> Form:
        """W_ii: the gate of a sample is independent of x x^T, theory.md (5.2)."""
        words, N = self._words(Role.GATES), self.cell.n_samples
        active = 0
        for first in range(0, N, CHUNK):
            uniforms = self.ops.uniforms(words, first, min(CHUNK, N - first))
            active += int(np.count_nonzero(uniforms <= 0.5))
        return self._wishart(active)

    def _wedge(self) -> Form:
        """W_ij: what a sample has in the plane of w_i and w_j is drawn as it is, theory.md (5.3d)."""
        words = (self._words(Role.CHI_OFF), self._words(Role.NORMALS_OFF))
        active, gram = self._plane(*plane_coordinates(self.model.W))
        return bordered_wishart(
            self.ops, *words, self.cell.n_features, active, gram, scale=1 / self.cell.n_samples
        )

    def _plane(self, along: float, across: float) -> tuple[int, NDArray[np.float64]]:
        """Number of active samples, and the Gram matrix (2, 2) of their coordinates in the plane.

        The first coordinate is that along w_i, and w_j = (along, across).
        """
        words, N = self._words(Role.PLANE), self.cell.n_samples
        active, gram = 0, np.zeros((2, 2))
        for first in range(0, N, CHUNK):
            u = self.ops.normals(words, 2 * first, 2 * min(CHUNK, N - first)).reshape(-1, 2)
            open_gates = (u[:, 0] > 0) & (along * u[:, 0] + across * u[:, 1] > 0)
            kept = u.take(np.flatnonzero(open_gates), axis=0)  # several times as fast as u[open_gates]
            active += len(kept)
            gram += kept.T @ kept
        return active, gram

    def _activations(self) -> Form:
        """V_cc of the hidden model, from the samples in the span of the rows of W, theory.md (5.3e)."""
        R = np.linalg.qr(self.model.W.astype(np.float64).T, mode="r")
        N = self.cell.n_samples
        X = self.ops.normals(self._words(Role.SPAN), 0, N * len(R)).reshape(N, len(R))
        H = self.ops.weighted_gram(np.maximum(X @ R, 0.0), np.ones(N))
        return Tridiagonal(self.ops, *self.ops.tridiagonal(H))


def plane_coordinates(W: NDArray) -> tuple[float, float]:
    """Return w_1 along w_0 and across it, for rows w_0, w_1 of W (m, d)."""
    first, second = W[0].astype(np.float64), W[1].astype(np.float64)
    axis = first / sqrt(first @ first)
    along = float(axis @ second)
    rest = second - along * axis
    return along, sqrt(rest @ rest)


def run_trial(
    experiment: Experiment,
    cell: Cell,
    trial: int,
    edges: NDArray[np.float64] | None = None,
    device: str = "cpu",
) -> Record:
    """Draw one trial of a cell that has structured models; return its record as `montecarlo.run_trial`."""
    drawn = Trial(experiment, cell, trial, device)
    record = {name: np.zeros(field.shape, field.dtype) for name, field in experiment.schema(cell).items()}
    for k, block in enumerate(cell.blocks):
        record["scale"][k] = drawn.scale(block)
        if set(experiment.measure.statistics) - {"masses"}:
            _measure(record, k, block, drawn.form(block), edges)
    if "masses" in record:
        # All diagonal blocks of the linear model are the same matrix, and the others are zero.
        block_mass = cell.n_features * drawn.form("vv_diag").moments()[1]
        record["masses"][:] = [cell.n_classes * block_mass, 0.0]
    return record


def extremes(experiment: Experiment, cell: Cell, trial: int, device: str = "cpu") -> NDArray[np.float64]:
    """Return the extreme eigenvalues of each block of a trial in units of its scale, shape (n_blocks, 2)."""
    drawn = Trial(experiment, cell, trial, device)
    return np.array([drawn.form(block).extremes() for block in cell.blocks])


def _measure(record: Record, k: int, block: str, form: Form, edges: NDArray[np.float64] | None) -> None:
    """Fill row k of the record with the statistics of H = scale * form."""
    scale = record["scale"][k]
    if "moments" in record:
        record["moments"][k] = scale ** np.arange(1, 5) * form.moments()
    if "extremes" in record:
        record["extremes"][k] = np.sort(scale * form.extremes())
    if "histogram" in record:
        if edges is None:
            raise ValueError("edges: expected histogram edges of each block, got None")
        counts = form.histogram(edges[k])
        record["histogram"][k] = counts[1:-1]
        record["outside"][k] = counts[0], counts[-1]
    if f"eigenvalues_{block}" in record:
        record[f"eigenvalues_{block}"][:] = np.sort(scale * form.eigenvalues())
