"""Independent trials of a cell: plain NumPy from theory.md section 2, sharing nothing with the simulation.

They draw with NumPy's own generator, form every representative block from its definition and diagonalise
it; nothing of `models`, `kernels` or the samplers is used but for a V that all trials of a cell share, which
is theirs. They say what no formula does: how the stored numbers scatter.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import laws
from ..experiment import Cell
from ..models.architectures import VV_DIAG, VV_OFF, WW_DIAG, WW_OFF, Block
from ..models.losses import MEAN_SQUARE
from .identities import wedge_angle
from .spectra import Floats
from .trials import Trials, initialisation

MOST, FEWEST = 1024, 12
"""Trials drawn; with fewer than 12 nothing is said."""
WORK, MOST_WORK = 1e10, 2.5e10
"""Operations of a cell: about a second; and how many are worth the fewest trials."""
BATCH_BYTES, MOST_BYTES = 1 << 26, 1 << 29


@dataclass(frozen=True)
class IndependentTrials(Trials):
    """Trials with what the exact values need of their parameters.

    Attributes
    ----------
    weights : array, shape (T, C, m), or None
        V of hidden models.
    grams : array, shape (T, m, m), or None
        W W^T.
    angles : array, shape (T,), or None
        Of the wedge in which the first two hidden units are active.
    open_gates : array, shape (T, 2), or None
        Of block ww_off: the number of samples with both gates open, and the sum of their squared lengths.
    """

    weights: Floats | None
    grams: Floats | None
    angles: Floats | None
    open_gates: Floats | None

    def V(self, row: int) -> Floats:
        """Output weights of a trial of a hidden model."""
        assert self.weights is not None
        return self.weights[row]

    def W_gram(self, row: int) -> Floats:
        """W W^T of a trial of a hidden model."""
        assert self.grams is not None
        return self.grams[row]

    @property
    def wedge_angles(self) -> Floats:
        """Angle in which the first two hidden units are both active, shape (T,)."""
        assert self.angles is not None  # asked for of two hidden units or more
        return self.angles


def independent_trials(trials: Trials) -> IndependentTrials | None:
    """Draw trials of the same cell and measure the same arrays; None where that would take too long.

    The mass across the layers, which costs most at many classes, is left out (NaN) before all else is.
    """
    for cross in (True, False):
        count = _affordable(trials, cross)
        if count:
            break
    else:
        return None
    cell = trials.cell
    V = trials.V(0) if trials.fixed_v else None
    rng = np.random.default_rng([trials.experiment.seed, cell.index, 8])
    batch = max(1, min(count, int(BATCH_BYTES / trial_bytes(trials, cross))))
    return _joined(
        [
            _Draw(cell, min(batch, count - first), V, rng).measure(trials, cross)
            for first in range(0, count, batch)
        ]
    )


def _affordable(trials: Trials, cross: bool) -> int:
    """How many trials may be drawn, 0 if too few."""
    work = trial_work(trials, cross)
    if trial_bytes(trials, cross) > MOST_BYTES or FEWEST * work > MOST_WORK:
        return 0
    return int(np.clip(WORK / work, FEWEST, MOST))


def trial_work(trials: Trials, cross: bool) -> float:
    """Operations of one trial: products of matrices as counted, all else by its time."""
    cell = trials.cell
    N, C, m = cell.n_samples, cell.n_classes, cell.n_hidden or cell.n_features
    sizes = np.array([cell.block_size(block) for block in cell.blocks], dtype=float)
    work = 100.0 * N * C + 2.0 * N * C * m
    if trials.arrays.keys() - {"scale", "masses"}:
        work += float(np.sum(2 * N * sizes**2 + 10 * sizes**3))
    if "masses" in trials.arrays:
        work += 6.0 * N**2 * C + 2.0 * N**2 * cell.n_features
        if cell.architecture.is_hidden:
            work += 30.0 * N * C * m + 2.0 * N * C * m**2 + 2.0 * N**2 * m**2
            work += 4.0 * N**2 * C * m + 60.0 * N**2 * m if cross else 0.0
    return work + 1e5


def trial_bytes(trials: Trials, cross: bool) -> float:
    """Size of the arrays of one trial."""
    cell = trials.cell
    N, C, m = cell.n_samples, cell.n_classes, cell.n_hidden or 0
    entries = 4.0 * N * (C + cell.n_features) + len(cell.blocks) * cell.n_features**2
    if "masses" in trials.arrays:
        entries += 4.0 * N**2 + 2.0 * N * m * (C + m) + (2.0 * N**2 if cross else 0.0)
    return 8 * entries


def _joined(parts: list[IndependentTrials]) -> IndependentTrials:
    def joined(name: str) -> Any:
        arrays = [getattr(part, name) for part in parts]
        return None if arrays[0] is None else np.concatenate(arrays)

    return replace(
        parts[0],
        numbers=np.arange(sum(part.count for part in parts)),
        arrays={name: np.concatenate([part.arrays[name] for part in parts]) for name in parts[0].arrays},
        **{name: joined(name) for name in ("weights", "grams", "angles", "open_gates")},
    )


class _Draw:
    """A batch of trials: inputs (T, N, d), parameters, activations and probabilities (T, N, C)."""

    def __init__(self, cell: Cell, count: int, V: Floats | None, rng: np.random.Generator) -> None:
        d, N, C, m = cell.n_features, cell.n_samples, cell.n_classes, cell.n_hidden
        self.cell, self.count = cell, count
        self.X = rng.standard_normal((count, N, d))
        self.y = rng.integers(C, size=(count, N))
        self.W = None if m is None else cell.w_std * rng.standard_normal((count, m, d)) / np.sqrt(d)
        width = d if m is None else m
        drawn = cell.v_std * rng.standard_normal((count, C, width)) / np.sqrt(width) if V is None else V[None]
        self.V = np.broadcast_to(drawn, (count, C, width))
        a = self.X if self.W is None else self.X @ self.W.transpose(0, 2, 1)
        self.phi = laws.Initialisation(**initialisation(cell)).phi
        self.a, self.gates = a, self.phi.derivative(a)
        self.h = a if self.W is None else self.phi.value(a)
        self.z = self.h @ self.V.transpose(0, 2, 1)
        p = np.exp(self.z - self.z.max(axis=2, keepdims=True))
        self.p = p / p.sum(axis=2, keepdims=True)

    def class_weight(self, c: int, e: int) -> Floats:
        """(B_n)_ce, shape (T, N)."""
        if self.cell.loss is MEAN_SQUARE:
            return np.full(self.p.shape[:2], float(c == e))
        return self.p[..., c] * ((c == e) - self.p[..., e])

    def hidden_weight(self, i: int, j: int) -> Floats:
        """Sample weights of theory.md (2.2), shape (T, N)."""
        products = self.V[:, :, i] * self.V[:, :, j]
        if self.cell.loss is MEAN_SQUARE:
            inner = products.sum(axis=1)[:, None]
        else:
            means = self.p @ self.V[:, :, [i, j]]
            inner = (self.p @ products[:, :, None])[..., 0] - means[..., 0] * means[..., 1]
        weights = self.gates[..., i] * self.gates[..., j] * inner
        if i == j and self.phi.second is not None:
            weights += self.phi.second(self.a[..., i]) * (self.residuals() @ self.V[:, :, i, None])[..., 0]
        return weights

    def residuals(self) -> Floats:
        """g_n, shape (T, N, C)."""
        onehot = np.arange(self.cell.n_classes) == self.y[..., None]
        return (self.p if self.cell.loss.couples_classes else self.z) - onehot

    def weights(self, block: Block) -> Floats:
        """Sample weights of a block, shape (T, N)."""
        return (self.hidden_weight if block.layer == "w" else self.class_weight)(*block.pair)

    def block(self, block: Block) -> Floats:
        """H, shape (T, n, n): (1/N) sum_n lambda_n x_n x_n^T, of h_n in the V-layer."""
        rows = self.X if block.layer == "w" else self.h
        weighted = rows * self.weights(block)[..., None]
        H = weighted.transpose(0, 2, 1) @ rows / self.cell.n_samples
        return (H + H.transpose(0, 2, 1)) / 2

    def scale(self, block: Block) -> Floats:
        """S_ij for W-blocks of hidden mse, else 1, shape (T,)."""
        if self.cell.loss.couples_classes or block.layer != "w":
            return np.ones(self.count)
        i, j = block.pair
        return np.sum(self.V[:, :, i] * self.V[:, :, j], axis=1)

    def measure(self, trials: Trials, cross: bool) -> IndependentTrials:
        """Measure spectra and masses if the stored trials did."""
        blocks = self.cell.blocks
        arrays: dict[str, NDArray] = {"scale": np.stack([self.scale(block) for block in blocks], axis=1)}
        if trials.arrays.keys() - {"scale", "masses"}:
            values = {block: np.linalg.eigvalsh(self.block(block)) for block in blocks}
            arrays |= {f"eigenvalues_{block}": values[block] for block in blocks}
            powers = [[np.mean(v**k, axis=1) for k in range(1, 5)] for v in values.values()]
            arrays["moments"] = np.array(powers).transpose(2, 0, 1)
            for statistic in trials.linear_statistics:
                of_block = [statistic.function(v / self.scale(b)[:, None]) for b, v in values.items()]
                arrays[statistic] = np.stack([each.mean(axis=1) for each in of_block], axis=1)
        if "masses" in trials.arrays:
            arrays["masses"] = self.masses(cross)
        return IndependentTrials(
            trials.experiment, self.cell, np.arange(self.count), arrays, trials.edges, *self._details()
        )

    def _details(self) -> tuple[Floats | None, ...]:
        """V, W W^T, angles and open gates."""
        if self.W is None:
            return None, None, None, None
        grams = self.W @ self.W.transpose(0, 2, 1)
        if self.W.shape[1] < 2 or self.cell.loss.couples_classes or not self.phi.is_relu:
            return self.V, grams, None, None
        both = self.gates[..., 0] * self.gates[..., 1]
        lengths = np.sum(both * np.sum(self.X**2, axis=2), axis=1)
        angles = np.array([wedge_angle(rows) for rows in self.W])
        return self.V, grams, angles, np.stack([both.sum(axis=1), lengths], axis=1)

    def masses(self, cross: bool) -> Floats:
        """Squared norms summed over the blocks of each part, shape (T, parts), theory.md (2.5)-(2.7)."""
        by_part: dict[str, Floats] = dict(zip((VV_DIAG, VV_OFF), self._output_masses(), strict=True))
        if self.W is not None:
            by_part |= dict(zip((WW_DIAG, WW_OFF), self._hidden_masses(), strict=True))
            by_part["wv"] = self._cross_mass() if cross else np.full(self.count, np.nan)
        return np.stack([by_part[part] for part in self.cell.parts], axis=1) / self.cell.n_samples**2

    def _output_masses(self) -> tuple[Floats, Floats]:
        overlaps = (self.h @ self.h.transpose(0, 2, 1)) ** 2
        if self.cell.loss is MEAN_SQUARE:
            return self.cell.n_classes * overlaps.sum(axis=(1, 2)), np.zeros(self.count)
        q, p = self.p * (1 - self.p), self.p
        diagonal, pairs, squares = (w @ w.transpose(0, 2, 1) for w in (q, p, p**2))
        return np.sum(overlaps * diagonal, axis=(1, 2)), np.sum(overlaps * (pairs**2 - squares), axis=(1, 2))

    def _class_columns(self) -> Floats:
        """Q_n = V^T B_n, shape (T, N, m, C)."""
        V = self.V.transpose(0, 2, 1)[:, None]
        if self.cell.loss is MEAN_SQUARE:
            return np.broadcast_to(V, (*self.p.shape[:2], *V.shape[2:]))
        return self.p[:, :, None] * (V - (self.p @ self.V)[..., None])

    def _hidden_masses(self) -> tuple[Floats, Floats]:
        A = self._class_columns() @ self.V[:, None] * self.gates[..., None] * self.gates[:, :, None]
        if self.phi.second is not None:
            diagonal = np.einsum("tnii->tni", A)
            diagonal += self.phi.second(self.a) * (self.residuals() @ self.V)
        flat = A.reshape(*A.shape[:2], -1)
        diagonal = np.diagonal(A, axis1=2, axis2=3)
        overlaps = (self.X @ self.X.transpose(0, 2, 1)) ** 2
        on, total = (np.sum(overlaps * (w @ w.transpose(0, 2, 1)), axis=(1, 2)) for w in (diagonal, flat))
        return on, total - on

    def _cross_mass(self) -> Floats:
        """Mass of the blocks [w_i, v_c], (1/N) sum_n D_ni x_n [Q_nic h_n + g_nc e_i]^T."""
        residual = self.residuals()
        Q, total = self._class_columns(), np.zeros(self.count)
        overlaps = self.X @ self.X.transpose(0, 2, 1)
        activations = self.h @ self.h.transpose(0, 2, 1)
        residuals = residual @ residual.transpose(0, 2, 1)
        for i in range(Q.shape[2]):
            crossed = self.h[..., i, None] * (Q[:, :, i] @ residual.transpose(0, 2, 1))
            bracket = Q[:, :, i] @ Q[:, :, i].transpose(0, 2, 1) * activations
            bracket += crossed + crossed.transpose(0, 2, 1) + residuals
            gates = self.gates[..., i, None] * self.gates[:, None, :, i]
            total += np.sum(overlaps * gates * bracket, axis=(1, 2))
        return total
