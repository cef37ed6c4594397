"""Arguments of the operations on batches of trials, and the forms that these return."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..host.activations import ACTIVATIONS, SLOPE
from .values import array, float_dtype, integer, real

LOSSES = ("ce", "mse")


class Network(NamedTuple):
    """What a network at initialisation is beside its sizes and its loss."""

    w_std: float = 1.0
    """Standard deviation of the entries of W (m, d), in units of d^-1/2."""
    v_std: float = 1.0
    """Standard deviation of the entries of V (C, k), in units of k^-1/2."""
    activation: str = "relu"
    """phi of the hidden layer."""
    slope: float = SLOPE
    """Of `leaky_relu` below zero."""

    @property
    def residuals_enter(self) -> bool:
        """Whether the W-layer depends on the labels, theory.md (2.2)."""
        return ACTIVATIONS[self.activation].second is not None


LECUN = Network()
"""LeCun's initialisation, that of the paper."""


class Forms(NamedTuple):
    """Tridiagonal matrices with the eigenvalues of B blocks of order n in each of T trials."""

    diagonals: NDArray[np.float64]
    """(T, B, n)"""
    off_diagonals: NDArray[np.float64]
    """(T, B, n-1)"""


class LinearForms(NamedTuple):
    """Blocks of linear models."""

    classes: Forms
    """Blocks (v_c, v_e), of order d."""
    masses: NDArray[np.float64] | None
    """Total masses of vv_diag and vv_off in each trial (T, 2), if asked for."""


class HiddenForms(NamedTuple):
    """Blocks of hidden models."""

    hidden: Forms
    """Blocks (w_i, w_j), of order d."""
    classes: Forms
    """Blocks (v_c, v_e), of order m."""
    scales: NDArray[np.float64]
    """Natural unit of each block (w_i, w_j) in each trial: S_ij = (V^T V)_ij under mse, 1 under ce."""
    masses: NDArray[np.float64] | None
    """Total masses of ww_diag, ww_off, vv_diag, vv_off and wv in each trial (T, 5), if asked for."""


class TrialBatch(NamedTuple):
    """Checked arguments of `linear_forms` and `hidden_forms`."""

    streams: NDArray[np.uint32]
    sizes: tuple[int, ...]
    is_ce: bool
    dtype: np.dtype


def trial_batch(
    streams: ArrayLike,
    sizes: Sequence[int],
    names: Sequence[str],
    loss: str,
    dtype: DTypeLike,
    with_labels: bool = False,
) -> TrialBatch:
    """Streams (T, roles, 4), each size >= 1, loss and dtype.

    There is a role of X and of each matrix of parameters, one less than there are sizes, and one of labels.
    """
    if len(sizes) != len(names):
        raise ValueError(f"sizes: expected {', '.join(names)}, got {tuple(sizes)}")
    words = array(streams, "streams", (None, len(names) - 1 + with_labels, 4), (np.uint32,))
    checked = tuple(integer(size, name, 1, 2**32 - 1) for name, size in zip(names, sizes, strict=True))
    return TrialBatch(words, checked, loss_name(loss) == "ce", float_dtype(dtype))


def loss_name(loss: str) -> str:
    """One of the losses."""
    if loss not in LOSSES:
        raise ValueError(f"loss: expected one of {', '.join(map(repr, LOSSES))}, got {loss!r}")
    return loss


def activation_name(name: str) -> str:
    """The name of a known activation."""
    if name not in ACTIVATIONS:
        raise ValueError(f"activation: expected one of {', '.join(map(repr, ACTIVATIONS))}, got {name!r}")
    return str(name)


def checked_network(network: Network) -> Network:
    """A network of finite deviations above 0 and a known activation, its tuple given whole or in part."""
    checked = Network(*network)
    for name in ("w_std", "v_std"):
        if not real(getattr(checked, name), name) > 0:
            raise ValueError(f"{name}: expected a number above 0, got {getattr(checked, name)}")
    activation_name(checked.activation)
    real(checked.slope, "slope")
    return checked
