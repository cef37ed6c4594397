"""Weight laws of Hessian blocks: the law nu of the sample weight, theory.md section 3."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from ...blas import single_blas_thread
from ..block_mass import ARCHITECTURES, LOSSES, check_choice, check_count
from ..solver.measure import canonical
from .hidden import check_pair, check_readout, hidden_ce, hidden_mse
from .hidden_density import LOG2_ENTRIES, hidden_ce_density
from .joint import JointWeights
from .linear import linear_ce, linear_mse
from .linear_density import linear_ce_density
from .weight_law import WeightLaw

BLOCKS = {"linear": ("vv_diag", "vv_off"), "hidden": ("ww_diag", "ww_off")}


@single_blas_thread
def joint_weights(
    architecture: str,
    loss: str,
    block: str,
    *,
    n_classes: float | None = None,
    V: ArrayLike | None = None,
    rows: tuple[int, int] = (0, 1),
) -> JointWeights:
    """Quadrature of the joint law of a sample weight and of the projections it depends on.

    Parameters and errors are those of `weight_law`; `outliers` takes the result.

    Returns
    -------
    JointWeights
    """
    check_names(architecture, loss, block)
    if architecture == "linear":
        return _linear(loss, block, n_classes)
    diagonal = block == "ww_diag"
    if loss == "mse":
        if V is not None:
            check_pair(rows, check_readout(V).shape[1], diagonal)
        return hidden_mse(block)
    return hidden_ce(V, rows, diagonal)


def check_names(architecture: str, loss: str, block: str) -> None:
    """Check that the names are those of a block with a limit law."""
    check_choice("architecture", architecture, ARCHITECTURES)
    check_choice("loss", loss, LOSSES)
    if architecture == "hidden" and block in ("vv_diag", "vv_off"):
        raise ValueError(
            f"block: {block!r} of the hidden model is m x m with m fixed and has no limit law; "
            "vv_limit computes the matrix it converges to"
        )
    check_choice("block", block, BLOCKS[architecture])


def _linear(loss: str, block: str, n_classes: float | None) -> JointWeights:
    if loss == "mse":
        one = linear_mse()
        return one if block == "vv_diag" else replace(one, weights=np.zeros(1), source="zero block")
    return linear_ce(block, check_classes(n_classes))


def check_classes(n_classes: float | None) -> float:
    """Check a number of classes, which may be infinite."""
    if n_classes is None:
        raise ValueError("n_classes: expected the number of classes of the linear ce model, got None")
    return n_classes if n_classes == math.inf else check_count("n_classes", n_classes, 2)


@single_blas_thread
def weight_law(
    architecture: str,
    loss: str,
    block: str,
    *,
    n_classes: float | None = None,
    V: ArrayLike | None = None,
    rows: tuple[int, int] = (0, 1),
    log2_entries: int = LOG2_ENTRIES,
) -> WeightLaw:
    """Law of the sample weight lambda of a block, theory.md section 3.

    Parameters
    ----------
    architecture : {"linear", "hidden"}
    loss : {"ce", "mse"}
    block : {"vv_diag", "vv_off"} (linear), {"ww_diag", "ww_off"} (hidden)
    n_classes : int or math.inf
        C of the linear ce model, at least 2. At infinity the weights are those of C H_cc and of -C^2 H_ce.
    V : array_like, shape (C, m)
        Output weights, on which the law of the hidden ce model is conditioned. Without effect on the law of
        the hidden mse model, which is in units of S_ij = (V^T V)_ij.
    rows : (int, int), optional
        Units (i, j): columns of V. A diagonal block uses the first alone.
    log2_entries : int, optional
        Binary logarithm of the softmax entries that quasi-Monte Carlo for the hidden ce model may compute.

    Returns
    -------
    WeightLaw
        With a density under ce, atoms under mse.

    Raises
    ------
    ValueError
        Naming the argument; for V-layer blocks of the hidden model, which have no limit law.

    Examples
    --------
    >>> law = weight_law("linear", "ce", "vv_diag", n_classes=10)
    >>> print(f"{law.probabilities @ law.weights:.6f}")
    0.080531
    """
    check_names(architecture, loss, block)
    if loss == "mse":
        joint = joint_weights(architecture, loss, block, V=V, rows=rows)
        reach = float(joint.weights.min()), float(joint.weights.max())
        return WeightLaw(*canonical(joint.weights, joint.probabilities), reach=reach, source=joint.source)
    if architecture == "linear":
        return linear_ce_density(block, check_classes(n_classes))
    return hidden_ce_density(V, rows, block == "ww_diag", log2_entries)
