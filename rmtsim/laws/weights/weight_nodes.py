"""Sample weights on nodes: what a law by quasi-Monte Carlo knows before a density is fitted to it."""

from dataclasses import dataclass

import numpy as np

from ..solver.measure import Floats, Indices
from .joint_weights import JointWeights
from .weight_law import WeightLaw

_BINS = 160
_UNIT = 0.02  # of the median modulus: below it bins have a common width, above it a common quotient


@dataclass(frozen=True)
class WeightNodes:
    """Law of a sample weight as a quadrature, with the directions in which it may be wrong.

    Attributes
    ----------
    weights, probabilities : ndarray, shape (k,)
        Ascending; zero among them where a weight may vanish.
    deviations : ndarray, shape (k, r)
        Changes of the probabilities to be added in quadrature: three standard errors in all.
    relative : float
        Bound of any other error, relative to the probabilities.
    joint : JointWeights
        The same weights with the projections they depend on.
    """

    weights: Floats
    probabilities: Floats
    deviations: Floats
    relative: float
    joint: JointWeights

    @classmethod
    def of(cls, law: WeightLaw, joint: JointWeights) -> "WeightNodes":
        """Quadrature of a law that is known with its density, errors in the shape of the density left out."""
        order = np.argsort(law.weights)
        none = np.zeros((order.size, 0))
        return cls(law.weights[order], law.probabilities[order], none, law.error, joint)

    @classmethod
    def binned(cls, values: Floats, masses: Floats, relative: float, joint: JointWeights) -> "WeightNodes":
        """Nodes of weighted points by replicates, two to a bin, with its mean and its variance.

        Parameters
        ----------
        values : ndarray, shape (replicates, n)
        masses : ndarray, shape (n,)
            Probabilities of the points of each replicate; what they lack of 1 lies at zero.
        """
        count, place = len(values), _places(values)
        one_sign = bool(values.min() >= 0 or values.max() <= 0)
        cells = (place + (_BINS * np.arange(count))[:, None]).ravel()
        shares = np.bincount(cells, np.tile(masses, count), _BINS * count).reshape(count, _BINS)
        total, first, second = (
            np.bincount(place.ravel(), (masses * values**power).ravel(), _BINS) for power in range(3)
        )
        filled = total > 0
        mean, square = first[filled] / total[filled], second[filled] / total[filled]
        spread: Floats = np.sqrt(np.maximum(square - mean**2, 0.0))
        if one_sign:
            spread = np.minimum(spread, 0.999 * np.abs(mean))  # no node changes sides
        nodes = np.append(np.stack([mean - spread, mean + spread], axis=1).ravel(), 0.0)
        each = np.append(np.repeat(shares[:, filled] / 2, 2, axis=1), np.zeros((count, 1)), axis=1)
        probabilities, factor = each.mean(axis=0), 3 / np.sqrt(count * (count - 1))
        deviations = factor * (each - probabilities).T
        probabilities[-1] = max(0.0, 1 - float(masses.sum()))
        order = np.argsort(nodes)
        return cls(nodes[order], probabilities[order], deviations[order], relative, joint)

    @property
    def reach(self) -> tuple[float, float]:
        """Smallest and largest weight."""
        return float(self.weights[0]), float(self.weights[-1])


def _places(values: Floats) -> Indices:
    """Bins of points: linear close to zero, logarithmic beyond."""
    size = np.abs(values)
    unit = _UNIT * float(np.median(size)) or 1.0
    y = np.copysign(np.log(1 + size / unit), values)
    low, high = float(y.min()), float(y.max())
    width = (high - low) / _BINS or 1.0
    return np.minimum(((y - low) / width).astype(np.intp), _BINS - 1)
