"""The three tables of an experiment: ``[model]``, ``[grid]`` and ``[measure]``.

Each checks and normalises its own values, so that an experiment built in Python meets the same
refusals as one read from a file. Where a list is meant, a scalar stands for a list of one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from math import prod, sqrt, ulp
from typing import Any, TypeVar

from ..kernels.host.activations import ACTIVATIONS, SLOPE
from ..models.architectures import ARCHITECTURES, BLOCKS, Architecture, Block
from ..models.losses import LOSSES, Loss
from ..statistics import HISTOGRAM, STATISTICS, Statistic
from .methods import METHODS
from .validation import (
    ExperimentError,
    check_keys,
    choice,
    integer,
    named,
    positive,
    real,
    several,
    shortened,
    show,
)

T = TypeVar("T")

_architecture = partial(named, known=ARCHITECTURES)
_loss = partial(named, known=LOSSES)
# Any size fits in 32 bits: labels are drawn below 2^32, and the N d normals of X then need fewer
# than 2^64 blocks of the random counter.
_size = partial(integer, low=1, high=2**32 - 1)
MOST_CLASSES = 2**24
"""A hundred times the largest vocabularies; what is left of 1/C beyond is below every other error."""
MOST_CELLS = 10_000
"""Cells of one file: creating one takes milliseconds, and every opening looks into all of them."""
_classes = partial(integer, low=1, high=MOST_CLASSES)
_MAX_BINS = 2**20


ADDED = {"added": True}
"""Marks the keys that later versions added: the canonical text leaves them out where they have their
defaults, so that the digests of older experiments hold."""
INITIALISATIONS = {"lecun": 1.0, "he": sqrt(2.0), "torch": sqrt(1 / 3)}
"""Deviations in units of fan_in^-1/2: LeCun et al. 1998, He et al. 2015, and torch.nn.Linear, whose uniform
numbers on (-fan_in^-1/2, fan_in^-1/2) are replaced by Gaussian ones of the same variance."""


def _deviation(key: str, value: object) -> float:
    if isinstance(value, str):
        return INITIALISATIONS[choice(key, value, tuple(INITIALISATIONS))]
    return positive(key, value)


def _set(table: Any, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(table, name, value)


@dataclass(frozen=True)
class Networks:
    """The networks whose Hessian is studied.

    Attributes
    ----------
    architecture : tuple of {"linear", "hidden"}
    loss : tuple of {"mse", "ce"}
    activation : str
        phi of the hidden model, by the names of `kernels.host.activations`.
    slope : float
        Of "leaky_relu" below zero.
    w_std, v_std : float
        Standard deviations of the entries of W and V in units of LeCun's d^-1/2 and m^-1/2 (of V of the
        linear model, d^-1/2). Names stand for the numbers of `INITIALISATIONS`.
    v_draw : {"trial", "cell"}
        Whether the hidden model's V is drawn anew in every trial, or once per cell, so that all
        trials of the cell share one limit law given V.
    """

    architecture: tuple[Architecture, ...]
    loss: tuple[Loss, ...]
    v_draw: str = "trial"
    activation: str = field(default="relu", metadata=ADDED)
    slope: float = field(default=SLOPE, metadata=ADDED)
    w_std: float = field(default=1.0, metadata=ADDED)
    v_std: float = field(default=1.0, metadata=ADDED)

    def __post_init__(self) -> None:
        _set(
            self,
            architecture=several("model.architecture", self.architecture, _architecture),
            loss=several("model.loss", self.loss, _loss),
            v_draw=choice("model.v_draw", self.v_draw, ("trial", "cell")),
            activation=choice("model.activation", self.activation, tuple(ACTIVATIONS)),
            slope=real("model.slope", self.slope),
            w_std=_deviation("model.w_std", self.w_std),
            v_std=_deviation("model.v_std", self.v_std),
        )
        if self.slope != SLOPE and self.activation != "leaky_relu":
            raise ExperimentError("model.slope", 'none, the activation is not "leaky_relu"', str(self.slope))


@dataclass(frozen=True)
class Grid:
    """Sizes of the cells; the grid is the product of the lists.

    Attributes
    ----------
    n_features, n_classes : tuple of int
    n_samples : tuple of int or None
    aspect_ratio : tuple of float or None
        Exactly one of the two is given. N is d / ``aspect_ratio`` rounded to the nearest integer
        (ties to even), at least 1; a cell keeps the ratio of its integers.
    n_hidden : tuple of int or None
        Widths of the hidden model; None without one.
    """

    n_features: tuple[int, ...]
    n_classes: tuple[int, ...]
    n_samples: tuple[int, ...] | None = None
    aspect_ratio: tuple[float, ...] | None = None
    n_hidden: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        stated = [name for name in ("n_samples", "aspect_ratio") if getattr(self, name) is not None]
        if len(stated) != 1:
            got = "both" if stated else "neither"
            raise ExperimentError("grid", "exactly one of n_samples and aspect_ratio", got)
        for name in ("n_features", "n_samples", "n_classes", "n_hidden"):
            if getattr(self, name) is not None:
                check = _classes if name == "n_classes" else _size
                _set(self, **{name: several(f"grid.{name}", getattr(self, name), check)})
        if self.aspect_ratio is not None:
            _set(self, aspect_ratio=several("grid.aspect_ratio", self.aspect_ratio, positive))
        self.check_count(1)
        if self.aspect_ratio is not None:
            self._check_rounding(self.aspect_ratio)

    def check_count(self, networks: int) -> None:
        """Refuse more than `MOST_CELLS` cells, of which there are `networks` for each d, N and C."""
        lists = (self.n_features, self.n_samples or self.aspect_ratio, self.n_classes)
        count = networks * prod(len(values) for values in lists if values is not None)
        if count > MOST_CELLS:
            raise ExperimentError("grid", f"at most {MOST_CELLS} cells", f"{count}")

    def _check_rounding(self, ratios: tuple[float, ...]) -> None:
        for d in self.n_features:
            largest = d / min(ratios)
            if largest > 2**32 - 1:
                raise ExperimentError(
                    "grid.aspect_ratio", "at most 2^32 - 1 samples", f"{min(ratios)!r} for {d} features"
                )
            samples = self.samples(d)
            if len(set(samples)) < len(samples):
                raise ExperimentError(
                    "grid.aspect_ratio",
                    "ratios that differ once n_samples is rounded to an integer",
                    f"n_samples = {shortened(str(list(samples)))} for n_features = {d}",
                )

    def samples(self, n_features: int) -> tuple[int, ...]:
        """Numbers of samples N that go with one number of features d."""
        if self.n_samples is not None:
            return self.n_samples
        assert self.aspect_ratio is not None  # exactly one is given
        return tuple(max(1, round(n_features / gamma)) for gamma in self.aspect_ratio)

    def widths(self, architecture: Architecture) -> tuple[int | None, ...]:
        """Hidden widths m of an architecture; (None,) for the linear model."""
        return self.n_hidden if architecture.is_hidden and self.n_hidden is not None else (None,)


@dataclass(frozen=True)
class Measure:
    """What is measured in every trial, and how.

    Attributes
    ----------
    blocks : tuple of Block or None
        Representative blocks. None stands for all that exist; an
        ``Experiment`` replaces it by their names.
    statistics : tuple of Statistic
        Blocks and statistics are sets; they are kept in a fixed order.
    bins : int
        Bins of the histogram of each block.
    method : {"auto", "dense", "structured"}
        Matrices formed from samples, or exact structured models (theory.md (5.1)-(5.3e)); "auto" takes the
        latter for the cells that have them, see ``methods.resolve``.
    precision : {"float64", "float32"}
        Of the draws and matrices; statistics are always float64. float32 takes little more than half the
        time at d = 1000; its rounding adds 5e-6 of a moment and 2e-6 of the largest eigenvalue at most
        (tests/sampling/test_precision.py). Its normal numbers are others than those of float64 with the same
        seed: runs of different precision compare in distribution.
    range : mapping of str to (float, float)
        Block to the outer edges of its histogram, in units of the recorded ``scale``. The edges of
        the other blocks come from pilot trials, and differ between methods and precisions.
    """

    blocks: tuple[Block, ...] | None = None
    statistics: tuple[Statistic, ...] = tuple(each for each in STATISTICS.values() if each.by_default)
    bins: int = 200
    method: str = "auto"
    precision: str = "float64"
    range: Mapping[str, tuple[float, float]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.blocks is not None:
            _set(self, blocks=_subset("measure.blocks", self.blocks, BLOCKS))
        _set(
            self,
            statistics=_subset("measure.statistics", self.statistics, STATISTICS),
            bins=integer("measure.bins", self.bins, 1, _MAX_BINS),
            method=choice("measure.method", self.method, METHODS),
            precision=choice("measure.precision", self.precision, ("float64", "float32")),
            range=_ranges("measure.range", self.range),
        )
        for block, (low, high) in self.range.items():
            if (high - low) / self.bins <= 2 * ulp(max(abs(low), abs(high))):
                expected = f"low < high with room for {self.bins} bins of different edges"
                raise ExperimentError(f"measure.range.{block}", expected, show([low, high]))
        if self.range and HISTOGRAM not in self.statistics:
            raise ExperimentError(
                "measure.range", 'a range only where "histogram" is among the statistics', show(self.range)
            )


def _subset(key: str, value: object, known: Mapping[str, T]) -> tuple[T, ...]:
    chosen = several(key, value, partial(named, known=known))
    return tuple(each for each in known.values() if each in chosen)


def _ranges(key: str, value: object) -> dict[str, tuple[float, float]]:
    if not isinstance(value, Mapping):
        raise ExperimentError(key, "a table of blocks", show(value))
    check_keys(key, value, tuple(BLOCKS))
    return {block: _interval(f"{key}.{block}", value[block]) for block in BLOCKS if block in value}


def _interval(key: str, value: object) -> tuple[float, float]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ExperimentError(key, "two numbers, [low, high]", show(value))
    low, high = (real(key, end) for end in value)
    if not low < high:
        raise ExperimentError(key, "low < high", show(value))
    return low, high
