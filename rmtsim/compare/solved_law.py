"""Limit laws as a comparison and its figures need them: records of numbers, that can be kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .. import laws
from ..lazy import lazy_property
from ..statistics import LinearStatistic
from .spectra import CdfTable, Floats

Numbers = Mapping[str, Floats]
"""A record: arrays by name."""
LimitLaw = laws.MarchenkoPastur | laws.GeneralizedMarchenkoPastur | laws.TabulatedLaw
TAIL = 1e-6
"""Mass beyond the ends of a law whose table is made here."""


@dataclass(frozen=True)
class SolvedLaw:
    """One limit law, in units of the scale of the block, and what follows from it at a block of order n.

    Attributes
    ----------
    x, continuous, density : array, shape (k,)
        Nodes, the distribution function there without the atom, linear in between, and its density.
    atom, table_error : float
        Mass at zero, and bound of the error of the distribution function between the nodes.
    weight_error, w1_error : float
        Error of the distribution function, and of Wasserstein distances, by that of the weight law.
    moments, moment_errors : array, shape (4,)
        Orders 1 to 4.
    bulk : array, shape (2,)
        Thresholds beyond which an eigenvalue counts as outside.
    outliers : array, shape (j,)
        Predicted ones, theory.md (3.5), ascending, each as often as its multiplicity.
    expectations : mapping of str to array, shape (2,)
        Value and error of linear statistics by name.
    """

    x: Floats
    continuous: Floats
    density: Floats
    atom: float
    table_error: float
    weight_error: float
    w1_error: float
    moments: Floats
    moment_errors: Floats
    bulk: Floats
    outliers: Floats
    expectations: Mapping[str, Floats]

    @classmethod
    def of(
        cls, law: LimitLaw, joint: laws.JointWeights, size: int, statistics: list[LinearStatistic]
    ) -> Self:
        """Collect what is needed of a law at a block of order ``size``."""
        if isinstance(law, laws.TabulatedLaw):
            x, first = np.unique(law.x, return_index=True)
            table = CdfTable.of_nodes(x, law.continuous[first], law.atom, law.table_error)
            density, errors = law.heights[first], (law.error - law.table_error, law.w1_error)
            moment_errors = law.moment_errors()
        else:
            table = CdfTable(law, support=laws.visible_support(law, TAIL))
            density, errors, moment_errors = law.pdf(table.x), (0.0, 0.0), np.zeros(4)
        predicted = laws.outliers(law, joint, size)
        return cls(
            table.x, table.continuous, density, table.atom, table.error, *errors,
            np.array([law.moment(k) for k in range(1, 5)]), moment_errors,
            np.array(laws.outside(law, size)),
            np.array([each.location for each in predicted for _ in range(each.multiplicity)]),
            {each: np.array(law.expect(each.function)) for each in statistics},
        )  # fmt: skip

    def numbers(self) -> dict[str, Floats]:
        """Return all of it as a record."""
        parts = {name: np.atleast_1d(getattr(self, name)) for name in _ARRAYS + _SCALARS}
        return parts | {_EXPECTED + name: value for name, value in self.expectations.items()}

    @classmethod
    def of_numbers(cls, numbers: Numbers) -> Self:
        """Make a law of its record."""
        parts: dict[str, Any] = {name: numbers[name] for name in _ARRAYS}
        parts |= {name: float(numbers[name][0]) for name in _SCALARS}
        names = [name.removeprefix(_EXPECTED) for name in numbers if name.startswith(_EXPECTED)]
        return cls(**parts, expectations={name: numbers[_EXPECTED + name] for name in names})

    @lazy_property
    def table(self) -> CdfTable:
        """The distribution function at nodes."""
        return CdfTable.of_nodes(self.x, self.continuous, self.atom, self.table_error)


_ARRAYS = ("x", "continuous", "density", "moments", "moment_errors", "bulk", "outliers")
_SCALARS = ("atom", "table_error", "weight_error", "w1_error")
_EXPECTED = "expectation of "


@dataclass(frozen=True)
class BlockLaw:
    """The limit law of a block: one for all ``rows`` of the trials' arrays, or one for each of them.

    ``given_v``: it depends on V.
    """

    name: str
    shared: bool
    rows: NDArray[np.int64]
    laws: tuple[SolvedLaw, ...]
    given_v: bool = False

    @property
    def own_v(self) -> bool:
        """Whether it is the law of the one V that the trials share."""
        return self.given_v and self.shared

    @property
    def atom(self) -> float:
        """Mass at zero, averaged over the laws."""
        return float(np.mean([each.atom for each in self.laws]))

    @property
    def weight_error(self) -> float:
        """Largest of the laws' errors."""
        return max(each.weight_error for each in self.laws)

    @property
    def moment_errors(self) -> Floats:
        """Errors of the mean moments 1 to 4, shape (4,)."""
        return np.asarray(np.mean([each.moment_errors for each in self.laws], axis=0))

    def by_row(self) -> tuple[SolvedLaw, ...]:
        """The law of each row."""
        return self.laws * len(self.rows) if self.shared else self.laws
