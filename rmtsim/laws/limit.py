"""The limit law of the spectrum of each Hessian block."""

from numpy.typing import ArrayLike

from .generalized import GeneralizedMarchenkoPastur
from .marchenko_pastur import MarchenkoPastur
from .weights.laws import joint_weights, weight_law


def limit_law(
    architecture: str,
    loss: str,
    block: str,
    aspect_ratio: float,
    *,
    n_classes: float | None = None,
    V: ArrayLike | None = None,
    rows: tuple[int, int] = (0, 1),
) -> MarchenkoPastur | GeneralizedMarchenkoPastur:
    """Limit of the spectral distribution of a block as d, N -> infinity, theory.md (3.1).

    In the units of the block itself, with two exceptions: hidden mse blocks are in units of
    S_ij = (V^T V)_ij, and at ``n_classes = math.inf`` the laws are those of C H_cc and of -C^2 H_ce.

    Parameters
    ----------
    architecture : {"linear", "hidden"}
    loss : {"ce", "mse"}
    block : {"vv_diag", "vv_off"} (linear), {"ww_diag", "ww_off"} (hidden)
    aspect_ratio : float
        gamma = d/N, above 0.
    n_classes : int or math.inf
        C of the linear ce model.
    V : array_like, shape (C, m)
        Output weights of the hidden ce model, on which its law is conditioned.
    rows : (int, int), optional
        Units (i, j): columns of V.

    Returns
    -------
    MarchenkoPastur or GeneralizedMarchenkoPastur
        The former where the weight takes a single value besides zero. Off-diagonal linear mse blocks vanish:
        their law is the point mass at 0.

    Raises
    ------
    ValueError
        Naming the argument; for V-layer blocks of the hidden model, which have no limit law.

    Examples
    --------
    >>> limit_law("linear", "mse", "vv_diag", 0.25).support()
    [(0.25, 2.25)]
    """
    if loss == "mse":
        joint = joint_weights(architecture, loss, block, V=V, rows=rows)
        # A share p of unit weights is a sample of size p N: p times the law at ratio gamma / p.
        share = float(joint.probabilities @ joint.weights)
        if share > 0:
            return MarchenkoPastur(aspect_ratio / share, scale=share)
        return GeneralizedMarchenkoPastur(joint.weights, joint.probabilities, aspect_ratio)
    law = weight_law(architecture, loss, block, n_classes=n_classes, V=V, rows=rows)
    return GeneralizedMarchenkoPastur.of(law, aspect_ratio)
