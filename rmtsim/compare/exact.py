"""Trials against the exact finite-size values of ``known``: z-scores, which describe and do not judge."""

from collections.abc import Iterator

import numpy as np

from ..models.architectures import Block
from .estimates import Estimate, estimate, normal_score
from .findings import Identity
from .known import Known, known_moments, other_values
from .trials import Trials

FEWEST_TRIALS = 8
"""With fewer, the standard error is too uncertain for a z-score."""


def exact_moments(trials: Trials, block: Block) -> tuple[Identity, ...]:
    """Moments of a block with a law against theory.md (5.1)-(5.3); empty where they are not known."""
    return tuple(_identity(known) for known in known_moments(trials, block))


def other_identities(trials: Trials) -> Iterator[Identity]:
    """Exact identities of a cell beyond the moments in units of the scale."""
    return map(_identity, other_values(trials))


def _identity(known: Known) -> Identity:
    residual = estimate(known.residuals)
    z = normal_score(0.0, residual, known.tolerance) if residual.trials >= FEWEST_TRIALS else None
    mean = Estimate(float(known.values.mean()), residual.standard_error, residual.trials)
    return Identity(known.name, known.source, mean, float(np.mean(known.expected)), z)
