"""The law of a sample weight: atoms, a density by panels, and how far both can be trusted."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ._measure import Floats
from .panels import Panels


@dataclass(frozen=True)
class WeightLaw:
    """Law of a sample weight lambda, with or without a density.

    Attributes
    ----------
    atoms, masses : ndarray, shape (k,), float64
        Weights of positive probability, zero among them where a weight may vanish.
    panels : Panels or None
        Density of the rest, if any; its integral is 1 less the masses.
    reach : (float, float)
        Infimum and supremum of the weights: infinite where they are unbounded, whatever the panels cover.
    relative : float
        Bound of the error of the density, relative to itself.
    deviations : Panels or None
        Independent directions of error of the density, whose effects are added in quadrature: three standard
        errors in all for laws by quasi-Monte Carlo.
    source : str
        How the law was computed, and its units where they are not those of the block.
    """

    atoms: Floats
    masses: Floats
    panels: Panels | None = None
    reach: tuple[float, float] = (-np.inf, np.inf)
    relative: float = 0.0
    deviations: Panels | None = None
    source: str = field(default="", compare=False)

    @cached_property
    def weights(self) -> Floats:
        """Nodes of a quadrature of the law, shape (n,): the atoms, then Gauss nodes of the panels."""
        return self.atoms if self.panels is None else np.append(self.atoms, self.panels.nodes)

    @cached_property
    def probabilities(self) -> Floats:
        """Probabilities of the nodes, shape (n,)."""
        return self.masses if self.panels is None else np.append(self.masses, self.panels.masses)

    @property
    def error(self) -> float:
        """Bound of the error of the density in total variation: quadrature, or three standard errors."""
        if self.deviations is None:
            return self.relative
        return self.relative + float(np.linalg.norm(self.deviations.masses, axis=-1).sum())

    def scaled(self, factor: float) -> "WeightLaw":
        """Law of ``factor`` times the weight; a factor below zero turns the law around."""
        ends = sorted(factor * end for end in self.reach)
        return WeightLaw(
            self.atoms * factor,
            self.masses,
            self.panels and self.panels.scaled(factor),
            (ends[0], ends[1]),
            self.relative,
            self.deviations and self.deviations.scaled(factor),
            self.source,
        )
