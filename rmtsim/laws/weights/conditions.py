"""What the law of a block is conditioned on, as users give it: checked where it is asked for."""

import math
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike

from ..solver.measure import Floats

LOG2_ENTRIES = 25
"""Binary logarithm of the softmax entries that a law may cost, two to four times as many for many classes."""


_LOGIT_STD = (0.4, 2.5)
"""Within these the densities of linear ce were held against exact moments."""
_LARGEST_PRODUCT = 2.5
"""Up to which the rules for averages over V and activations were held against finer ones."""


def check_choice(name: str, value: str, choices: list[str]) -> None:
    """Refuse a value that is not among the named choices."""
    if value not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(map(repr, choices))}, got {value!r}")


def check_count(name: str, value: float, least: int) -> int:
    """Check a finite whole number of at least ``least``."""
    if not (math.isfinite(value) and value == int(value) and value >= least):
        raise ValueError(f"{name}: expected a whole number of at least {least}, got {value!r}")
    return int(value)


def check_readout(V: ArrayLike | None) -> Floats:
    """Check the output weights V (C, m): finite, at least 2 classes and 1 unit."""
    if V is None:
        raise ValueError("V: expected the output weights (n_classes, n_hidden) of the hidden model, got None")
    matrix = np.asarray(V, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] < 2 or matrix.shape[1] < 1:
        raise ValueError(f"V: expected shape (n_classes >= 2, n_hidden >= 1), got {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ValueError("V: expected finite numbers, got NaN or infinity")
    return matrix


def check_pair(rows: tuple[int, int], size: int, diagonal: bool) -> tuple[int, int]:
    """Check the two indices of a block; a diagonal block uses the first alone."""
    i, j = int(rows[0]), int(rows[0] if diagonal else rows[1])
    if not (0 <= i < size and 0 <= j < size):
        raise ValueError(f"rows: expected indices from 0 to {size - 1}, got {tuple(rows)}")
    if not diagonal and i == j:
        raise ValueError(f"rows: expected two different indices for an off-diagonal block, got {tuple(rows)}")
    return i, j


class InitialisationOptions(TypedDict, total=False):
    """Keyword arguments of everything that depends on how parameters are drawn: see `Initialisation`."""

    w_std: float
    v_std: float


class LawOptions(InitialisationOptions, total=False):
    """Keyword arguments of `weight_law`, `joint_weights` and `limit_law`: see `Conditions`."""

    n_classes: float | None
    V: ArrayLike | None
    rows: tuple[int, int]
    log2_entries: int


@dataclass(frozen=True)
class Initialisation:
    """How the parameters of the model are drawn, theory.md (4.8).

    Attributes
    ----------
    w_std : float
        Standard deviation of the entries of W, as a multiple of d^-1/2. The linear model has no W.
    v_std : float
        That of the entries of V, as a multiple of m^-1/2 (hidden model) or of d^-1/2 (linear model). Without
        effect where V itself is given.
    """

    w_std: float = 1.0
    v_std: float = 1.0

    def __post_init__(self) -> None:
        for name in ("w_std", "v_std"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name}: expected a finite number above 0, got {value!r}")

    def product(self) -> float:
        """Return the scale of the logits of the hidden model."""
        s = self.w_std * self.v_std
        if s > _LARGEST_PRODUCT:
            raise ValueError(
                f"v_std: expected w_std v_std of at most {_LARGEST_PRODUCT:g} for masses averaged over V, got {s:g}"
            )
        return s


@dataclass(frozen=True)
class Conditions(Initialisation):
    """What the law of a block is conditioned on.

    Attributes
    ----------
    w_std, v_std : float, optional
        As of `Initialisation`.
    n_classes : int or math.inf
        C of the linear ce model, at least 2. At infinity the weights are those of C H_cc and of -C^2 H_ce.
    V : array_like, shape (C, m)
        Output weights, on which the law of the hidden ce model is conditioned. Without effect on the law of
        the hidden mse model, which is in units of S_ij = (V^T V)_ij.
    rows : (int, int), optional
        Units (i, j): columns of V. A diagonal block uses the first alone.
    log2_entries : int, optional
        Binary logarithm of the softmax entries that quasi-Monte Carlo for the hidden ce model may compute.
    """

    n_classes: float | None = None
    V: ArrayLike | None = None
    rows: tuple[int, int] = (0, 1)
    log2_entries: int = LOG2_ENTRIES

    def classes(self) -> float:
        """Return the number of classes, which may be infinite."""
        if self.n_classes is None:
            raise ValueError("n_classes: expected the number of classes of the linear ce model, got None")
        return self.n_classes if self.n_classes == math.inf else check_count("n_classes", self.n_classes, 2)

    def logit_std(self) -> float:
        """Return the standard deviation of the logits of the linear ce model."""
        low, high = _LOGIT_STD
        if not low <= self.v_std <= high:
            raise ValueError(
                f"v_std: expected a number from {low} to {high} for the laws of the linear ce model, got "
                f"{self.v_std!r}"
            )
        return self.v_std

    def readout(self, diagonal: bool) -> tuple[Floats, int, int]:
        """Return V and the units of a block, i = j on the diagonal."""
        V = check_readout(self.V)
        return V, *check_pair(self.rows, V.shape[1], diagonal)
