"""Sample weights of the hidden model given V, with the projections they depend on, theory.md section 3."""

import math

import numpy as np

from .conditions import Conditions
from .hidden_weights import HiddenBlock, SampleWeights, mse_weights
from .joint_weights import JointWeights, Sector

N_REPLICATES = 8
# Points of one replicate: as many as the budget of softmax entries allows, within these powers of 2.
_LOG2_ENTRIES, _LOG2_LEAST, _LOG2_MOST = 28, 8, 13


def hidden_mse(diagonal: bool, conditions: Conditions) -> JointWeights:
    """Weights under mse, in units of S_ij = (V^T V)_ij: of ReLU 1(u_i > 0) 1(u_j > 0).

    On a diagonal block of ReLU E[lambda u_i^2] = E lambda, so that no outlier is possible. Off it the two
    open gates leave E u u^T with 1 on the diagonal and 2/pi off it: the sectors are u_i + u_j and u_i - u_j.
    """
    if not conditions.phi.is_relu:
        return hidden_joint(mse_weights, diagonal, conditions.in_units_of_scale(diagonal))
    if conditions.V is not None:
        conditions.readout(diagonal)  # the law does not depend on it, but nonsense is refused
    if diagonal:
        return JointWeights(np.array([0.0, 1.0]), np.array([0.5, 0.5]), (), "exact")
    sectors = tuple(Sector(np.array([[1.0], [math.sqrt(1 + sign * 2 / math.pi)]])) for sign in (1, -1))
    return JointWeights(np.array([0.0, 1.0]), np.array([0.75, 0.25]), sectors, "exact")


def hidden_joint(weights_of: SampleWeights, diagonal: bool, conditions: Conditions) -> JointWeights:
    """Weights at a = w_std u, u ~ N(0, I_m), given V, and u.

    Gates of ReLU are integrated exactly, the rest by randomised quasi-Monte Carlo: scrambled Sobol points
    with fixed seeds, so that the same V gives the same law.
    """
    block = HiddenBlock.of(diagonal, conditions)
    log2_points = log2_count(len(block.V))
    parts = [block.points(log2_points, replicate) for replicate in range(N_REPLICATES)]
    radius = np.array([conditions.w_std])
    weights = np.concatenate([weights_of(block, part, radius)[:, 0] for part in parts])
    u = np.vstack([part.u for part in parts])
    probabilities = np.full(weights.size, block.share / weights.size)
    if block.folded:
        weights, probabilities = np.append(0.0, weights), np.append(1 - block.share, probabilities)
        u = np.vstack([np.zeros(u.shape[1]), u])
    source = f"{u.shape[0] - block.folded} scrambled Sobol points in {N_REPLICATES} replicates"
    return JointWeights(weights, probabilities, (Sector(u),), source)


def log2_count(n_classes: int) -> int:
    """Binary logarithm of the number of points of one randomisation."""
    budget = _LOG2_ENTRIES - math.ceil(math.log2(n_classes * N_REPLICATES))
    return min(max(budget, _LOG2_LEAST), _LOG2_MOST)
