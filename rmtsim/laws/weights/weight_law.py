"""The law of a sample weight: atoms, a density by panels, and how far both can be trusted."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from ...lazy import lazy_property
from ..solver.measure import Floats, canonical, finite_vector
from ..solver.panels import Panels

_MASS_TOLERANCE = 1e-6
_ROUNDING = 1e-12  # of a density by panels, relative to itself


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

    @classmethod
    def from_density(
        cls,
        density: Callable[[Floats], Floats],
        ends: ArrayLike,
        atoms: ArrayLike = (),
        masses: ArrayLike = (),
        reach: tuple[float, float] | None = None,
    ) -> "WeightLaw":
        """Law with a density of your own, and atoms beside it.

        Parameters
        ----------
        density : callable
            Of arrays; of total mass 1 less ``masses``, to 1e-6.
        ends : array_like, shape (k + 1,)
            Ascending: both ends of the density, and break points wherever it is not analytic; towards a point
            where it is singular, and over many orders of magnitude, by factors of about two.
        atoms, masses : array_like, shape (j,), optional
            Weights of positive probability.
        reach : (float, float), optional
            Infimum and supremum of the weights if the density goes on beyond ``ends``, with a mass that does
            not matter: infinite for unbounded weights.

        Raises
        ------
        ValueError
            Naming the argument.

        Examples
        --------
        >>> law = WeightLaw.from_density(lambda x: 2 * x, [0.0, 1.0])
        >>> print(f"{law.probabilities @ law.weights:.12f}")
        0.666666666667
        """
        bounds = finite_vector("ends", ends)
        if bounds.size < 2 or np.any(np.diff(bounds) <= 0):
            raise ValueError(f"ends: expected at least two ascending numbers, got {ends!r}")
        panels = Panels.of(density, bounds)
        w, p = np.atleast_1d(np.asarray(atoms, dtype=float)), np.atleast_1d(np.asarray(masses, dtype=float))
        dense = float(panels.masses.sum())
        total = dense + float(p.sum())
        if abs(total - 1) > _MASS_TOLERANCE or p.min(initial=0.0) < 0:
            raise ValueError(
                f"density: expected a mass that makes 1 with those of the atoms, got {total} in all"
            )
        share = 1 - float(p.sum())
        w, p = canonical(w, p) if w.size else (w, p)
        low, high = min(bounds[0], w.min(initial=np.inf)), max(bounds[-1], w.max(initial=-np.inf))
        # What the panels leave out: the mass that is missing, and series that have not converged, whose
        # coefficients then fall as slowly as 1/n^(1/2): all that follow make about 16 times the last ones.
        tails = np.abs(panels.coefficients[:, -2:]).sum(axis=1) @ (panels.right - panels.left)
        error = max(abs(total - 1) + 16 * float(tails), _ROUNDING)
        return cls(w, p, panels.times(share / dense), reach or (float(low), float(high)), error)

    @lazy_property
    def weights(self) -> Floats:
        """Nodes of a quadrature of the law, shape (n,): the atoms, then Gauss nodes of the panels."""
        return self.atoms if self.panels is None else np.append(self.atoms, self.panels.nodes)

    @lazy_property
    def probabilities(self) -> Floats:
        """Probabilities of the nodes, shape (n,)."""
        if self.panels is None:
            return self.masses
        # Where a density vanishes its polynomial may fall below zero by a rounding.
        return np.append(self.masses, np.maximum(self.panels.masses, 0.0))

    @property
    def error(self) -> float:
        """Estimate of the error of the density in total variation: quadrature, or three standard errors."""
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
