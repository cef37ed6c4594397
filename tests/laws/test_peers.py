"""The generalised law against freealg, an independent solver: the law is a compound free Poisson law.

Its free cumulants gamma^(k-1) E lambda^k, theory.md (3.4), are those of rate 1/gamma and jumps gamma lambda.
"""

import os
import warnings
from importlib.util import find_spec

import numpy as np
import pytest

from rmtsim.laws import GeneralizedMarchenkoPastur

REQUIRED = "RMTSIM_REQUIRE_PEERS" in os.environ


@pytest.mark.slow
@pytest.mark.skipif(find_spec("freealg") is None and not REQUIRED, reason="freealg is not installed")
@pytest.mark.parametrize("aspect_ratio", [0.2, 0.5, 2.0])
@pytest.mark.parametrize(
    ("weights", "probabilities"), [([1.0, 8.0], [0.5, 0.5]), ([0.3, 1.0, 2.5], [0.2, 0.5, 0.3])]
)
def test_transform_next_to_the_real_axis(
    weights: list[float], probabilities: list[float], aspect_ratio: float
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its imports
        from freealg.distributions import CompoundFreePoisson

        peer = CompoundFreePoisson(
            aspect_ratio * np.array(weights), np.array(probabilities), 1 / aspect_ratio
        )
        law = GeneralizedMarchenkoPastur(weights, probabilities, aspect_ratio)
        ends = [end for bulk in law.support() for end in bulk]
        # Near an edge two roots meet and each is less certain, so points keep away.
        x = np.linspace(ends[0], ends[-1], 101)
        x = x[np.abs(np.subtract.outer(x, ends)).min(axis=1) > 0.02 * (ends[-1] - ends[0])]
        z = x + 1e-6j
        # All roots of its polynomial: its own choice among them strays to another branch at some points.
        roots = np.asarray(peer.roots(z))
    physical = roots[np.arange(len(z)), np.argmax(roots.imag, axis=1)]
    assert (physical.imag > 0).all()
    np.testing.assert_allclose(law.stieltjes(z), physical, rtol=1e-9, atol=1e-9)
