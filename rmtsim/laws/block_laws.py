"""Laws of blocks by name: of their sample weights, and of their spectra, theory.md section 3."""

from typing import Unpack

from ..blas import single_blas_thread
from .generalized import GeneralizedMarchenkoPastur
from .layers import find_block
from .marchenko_pastur import MarchenkoPastur
from .weights.conditions import Conditions, LawOptions
from .weights.joint_weights import JointWeights
from .weights.weight_law import WeightLaw


@single_blas_thread
def weight_law(architecture: str, loss: str, block: str, **options: Unpack[LawOptions]) -> WeightLaw:
    """Law of the sample weight lambda of a block, theory.md section 3.

    Parameters
    ----------
    architecture : {"linear", "hidden"}
    loss : {"ce", "mse"}
    block : {"vv_diag", "vv_off"} (linear), {"ww_diag", "ww_off"} (hidden)
        V-layer blocks of the hidden model have no limit law.
    **options
        ``n_classes`` of the linear ce model, ``V`` (C, m) of the hidden ce model with ``rows`` of its units,
        scales ``w_std`` and ``v_std`` of initialisation, and what else `Conditions` documents.

    Returns
    -------
    WeightLaw
        With a density under ce, atoms under mse.

    Examples
    --------
    >>> law = weight_law("linear", "ce", "vv_diag", n_classes=10)
    >>> print(f"{law.probabilities @ law.weights:.6f}")
    0.080531
    """
    return find_block(architecture, loss, block).weight_law(Conditions(**options))


@single_blas_thread
def joint_weights(architecture: str, loss: str, block: str, **options: Unpack[LawOptions]) -> JointWeights:
    """Quadrature of the joint law of a sample weight and of the projections it depends on.

    Parameters and errors are those of `weight_law`; `outliers` takes the result.
    """
    return find_block(architecture, loss, block).joint(Conditions(**options))


def limit_law(
    architecture: str, loss: str, block: str, aspect_ratio: float, **options: Unpack[LawOptions]
) -> MarchenkoPastur | GeneralizedMarchenkoPastur:
    """Limit of the spectral distribution of a block as d, N -> infinity, theory.md (3.1).

    In the units of the block itself, with two exceptions: hidden mse blocks are in units of
    S_ij = (V^T V)_ij, and at ``n_classes = math.inf`` the laws are those of C H_cc and of -C^2 H_ce.

    Parameters
    ----------
    architecture, loss, block : str
        As for `weight_law`, and its ``options``.
    aspect_ratio : float
        gamma = d/N, above 0.

    Returns
    -------
    MarchenkoPastur or GeneralizedMarchenkoPastur
        The former where the weight takes a single value besides zero. Off-diagonal linear mse blocks vanish:
        their law is the point mass at 0.

    Examples
    --------
    >>> limit_law("linear", "mse", "vv_diag", 0.25).support()
    [(0.25, 2.25)]
    """
    law = weight_law(architecture, loss, block, **options)
    atoms = law.atoms[law.atoms != 0]
    if law.panels is None and atoms.size == 1 and atoms[0] > 0:
        # A share p of samples of weight S is a sample of size p N: p S times the law at ratio gamma / p.
        share = float(law.masses[law.atoms != 0][0])
        return MarchenkoPastur(aspect_ratio / share, scale=share * float(atoms[0]))
    return GeneralizedMarchenkoPastur.of(law, aspect_ratio)
