"""Weight laws of Hessian blocks: the law nu of the sample weight, theory.md section 3."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..blas import single_blas_thread
from .block_mass import ARCHITECTURES, LOSSES, check_choice, check_count
from .compression import gauss_compress
from .joint_weights import JointWeights, LawErrors, functionals
from .weights_hidden import check_pair, check_readout, hidden_ce, hidden_mse
from .weights_linear import linear_ce, linear_mse

Floats = NDArray[np.float64]

BLOCKS = {"linear": ("vv_diag", "vv_off"), "hidden": ("ww_diag", "ww_off")}
N_ATOMS = 128


@dataclass(frozen=True)
class WeightLaw:
    """A discrete law of the sample weight.

    Attributes
    ----------
    weights, probabilities : ndarray, shape (k,), float64
    error : float
        Bound of the relative error of E[lambda / (1 + lambda e)], through which alone a limit law depends on
        the weights (`LawErrors`): quadrature and compression together. Quasi-Monte Carlo counts three
        standard errors.
    moment_errors : tuple of 4 floats
        The same for E lambda^k, k = 1..4, relative to E abs(lambda)^k.
    source : str
        How the law was computed, and its units where they are not those of the block.
    """

    weights: Floats
    probabilities: Floats
    error: float
    moment_errors: tuple[float, float, float, float]
    source: str

    @classmethod
    @single_blas_thread
    def of(cls, joint: JointWeights, n_atoms: int = N_ATOMS) -> "WeightLaw":
        """Law of the weight of a joint law, compressed to at most ``n_atoms``."""
        weights, probabilities = gauss_compress(joint.weights, joint.probabilities, n_atoms)
        errors = joint.errors + _compression_errors(joint, weights, probabilities)
        return cls(weights, probabilities, errors.resolvent, errors.moments, joint.source)


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
    check_choice("architecture", architecture, ARCHITECTURES)
    check_choice("loss", loss, LOSSES)
    _check_block(architecture, block)
    if architecture == "linear":
        return _linear(loss, block, n_classes)
    diagonal = block == "ww_diag"
    if loss == "mse":
        if V is not None:
            check_pair(rows, check_readout(V).shape[1], diagonal)
        return hidden_mse(block)
    return hidden_ce(V, rows, diagonal)


def _check_block(architecture: str, block: str) -> None:
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
    if n_classes is None:
        raise ValueError("n_classes: expected the number of classes of the linear ce model, got None")
    return linear_ce(block, n_classes if n_classes == math.inf else check_count("n_classes", n_classes, 2))


def weight_law(
    architecture: str,
    loss: str,
    block: str,
    *,
    n_classes: float | None = None,
    V: ArrayLike | None = None,
    rows: tuple[int, int] = (0, 1),
    n_atoms: int = N_ATOMS,
) -> WeightLaw:
    """Law of the sample weight lambda of a block, theory.md section 3, as few atoms.

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
    n_atoms : int, optional
        Largest number of atoms of the compressed law.

    Returns
    -------
    WeightLaw

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
    joint = joint_weights(architecture, loss, block, n_classes=n_classes, V=V, rows=rows)
    return WeightLaw.of(joint, n_atoms)


def _compression_errors(joint: JointWeights, weights: Floats, probabilities: Floats) -> LawErrors:
    if joint.weights.size == weights.size or not joint.weights.any():
        return LawErrors.uniform(0.0)
    unit = float(joint.probabilities @ np.abs(joint.weights))
    before, sizes = functionals(joint.weights, joint.probabilities, unit)
    after, _ = functionals(weights, probabilities, unit)
    return LawErrors.of(after - before, sizes)
