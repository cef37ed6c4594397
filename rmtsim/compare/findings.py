"""What a comparison finds: frozen results, independent of how they are computed and shown."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..experiment import Cell
from ..models.architectures import Block
from ..statistics import LinearStatistic
from .estimates import Estimate, Exponent
from .verdict import Check

UNITS = {
    "moments": "(1/n) tr (H/scale)^k; scale = S_ij = (V^T V)_ij for the W blocks of hidden mse, 1 otherwise",
    "ks": "1",
    "w1": "that of the eigenvalues of H/scale",
    "ratio": "E |H_off|_F^2 / E |H_diag|_F^2 per block",
    "z": "normal score of Student's t of (mean - exact) / standard error",
    "p": "bound of the probability that right trials deviate as far",
}


@dataclass(frozen=True)
class Identity:
    """The mean over trials of a quantity whose expectation is known exactly at this d and N.

    ``expected`` is the mean of the conditional expectations where they differ from trial to trial;
    ``mean`` then carries the standard error of the residuals. ``z`` describes the deviation, and is None for
    fewer than 8 trials; a mean of few skewed trials may have a large one, so that `Check` judges.
    """

    name: str
    source: str
    mean: Estimate
    expected: float
    z: float | None


@dataclass(frozen=True)
class MomentFinding:
    """One moment of H/scale: mean over trials, its limit (3.4), its exact value where section 5 has one.

    ``limit_error`` bounds the error of the limit, three standard errors where it is by quasi-Monte Carlo.
    ``difference`` is mean - limit with its Monte Carlo error; ``bias``, the expectation at this d and N minus
    the limit, is the part of it that more trials do not remove: O(1/d), known only where ``exact`` is.
    """

    order: int
    mean: Estimate
    limit: float
    limit_error: float
    difference: Estimate
    bias: float | None
    exact: Identity | None


@dataclass(frozen=True)
class LinearFinding:
    """A linear statistic of H/scale: mean over trials, and the expectation of its function under the law.

    ``difference`` is mean - limit with its Monte Carlo error; its bias is O(1/d). ``limit_error`` bounds the
    error of the expectation.
    """

    statistic: LinearStatistic
    mean: Estimate
    limit: float
    limit_error: float
    difference: Estimate


@dataclass(frozen=True)
class LawUse:
    """Which law a block was held against.

    ``shared``: one law for all trials, else one for the V of each of ``trials`` trials, whose mean
    ``atom`` is given. ``error``: relative error of the weight law, as `laws.WeightLaw` has it. ``own_v``: the
    law of the one V that all trials of the cell share.
    """

    name: str
    shared: bool
    trials: int
    atom: float
    error: float
    own_v: bool = False


@dataclass(frozen=True)
class DistanceFinding:
    """Distances of single spectra to their law, over trials.

    ``at_edges``: measured from histograms at their edges, each within ``*_resolution`` of the distance
    of all eigenvalues. ``law_error`` bounds the error of the tabulated distribution function.
    """

    ks: Estimate
    w1: Estimate
    at_edges: bool
    ks_resolution: float
    w1_resolution: float
    law_error: float


@dataclass(frozen=True)
class SideFinding:
    """The smallest ("below") or largest ("above") eigenvalue of H/scale of each trial, theory.md (3.5).

    Attributes
    ----------
    side : {"below", "above"}
    threshold : float
        Beyond it an eigenvalue counts as outside the bulk: the law expects less than 1/2 there. Mean over
        the laws.
    extreme : Estimate
    share_outside : float
        Share of the trials whose extreme eigenvalue lies outside.
    count_outside : float or None
        Mean number of eigenvalues outside; None unless all were stored.
    predicted : float or None
        Outermost predicted outlier, mean over the laws that have one; None if none has.
    predicted_count : float
        Mean number of predicted outliers.
    difference : Estimate
        Extreme eigenvalue minus the predicted outlier, or minus the threshold where there is none.
    tracy_widom : float or None
        Mean largest eigenvalue at this d and N by theory.md (3.9), for Wishart matrices.
    """

    side: str
    threshold: float
    extreme: Estimate
    share_outside: float
    count_outside: float | None
    predicted: float | None
    predicted_count: float
    difference: Estimate
    tracy_widom: float | None


@dataclass(frozen=True)
class BlockFinding:
    """One block against its limit law, over the trials that the law covers.

    ``sides`` is empty where no extreme eigenvalue was measured.
    """

    block: Block
    size: int
    law: LawUse
    distances: DistanceFinding | None
    sides: tuple[SideFinding, ...]
    moments: tuple[MomentFinding, ...]
    linear: tuple[LinearFinding, ...] = ()


@dataclass(frozen=True)
class RatioFinding:
    """Mass of an off-diagonal over that of a diagonal block of one layer, and its limit at this C.

    ``measured_on``: "all blocks" of the layer or its representative "blocks 0, 1". ``limit_kind``: "mean"
    over V, W and X, or "given V" where all trials share one V. ``limit`` is None where it is not known;
    ``limit_error`` bounds the error of its quadrature.
    """

    layer: str
    measured: Estimate
    measured_on: str
    limit: float | None
    limit_error: float
    limit_kind: str


@dataclass(frozen=True)
class CellFinding:
    """Everything found in one cell."""

    cell: Cell
    trials: int
    blocks: tuple[BlockFinding, ...]
    identities: tuple[Identity, ...]
    ratios: tuple[RatioFinding, ...]

    def all_identities(self) -> Iterator[Identity]:
        """Exact moments of every block, then the other identities."""
        for block in self.blocks:
            yield from (moment.exact for moment in block.moments if moment.exact is not None)
        yield from self.identities


@dataclass(frozen=True)
class Slope:
    """Exponent with which a ratio r falls with C, over cells that differ in C alone.

    ``asymptotic``: -1 (W-layer) or -2 (V-layer and linear), as C grows; ``limit``: the same fit to the limits
    at these C, known within ``limit_error``; None where one is not known. ``given_v``: every cell has one V
    of its own, and the error of the exponent comes from the scatter of the cells, NaN for two of them.
    """

    layer: str
    cells: tuple[int, ...]
    exponent: Exponent
    asymptotic: float
    limit: float | None
    limit_error: float
    given_v: bool = False


@dataclass(frozen=True)
class Rate:
    """Exponents of the distances of a block from its law in d, over cells that differ in d alone.

    ``expected``: -1 up to logarithms where the eigenvalues alone fluctuate, -1/2 where the sample weights are
    random, theory.md section 6. ``ks`` and ``w1`` are None where every size has another V, and so another
    law: what differs between two V is no rate.
    """

    block: Block
    cells: tuple[int, ...]
    ks: Exponent | None
    w1: Exponent | None
    expected: float


@dataclass(frozen=True)
class Comparison:
    """A whole results file against theory; ``check`` is None unless it was asked for."""

    experiment: str
    digest: str
    trials: int
    precision: str
    cells: tuple[CellFinding, ...]
    slopes: tuple[Slope, ...]
    rates: tuple[Rate, ...]
    check: Check | None

    def to_json(self) -> dict[str, Any]:
        """Nested dictionaries of plain numbers and strings; what is not finite becomes None."""
        verdict = None
        if self.check is not None:
            failed = [asdict(test) for test in self.check.failed]
            verdict = {**asdict(self.check), "level": self.check.level, "failed": failed}
        return _plain({**asdict(self), "check": verdict, "units": UNITS})


def _plain(item: Any) -> Any:
    if isinstance(item, dict):
        return {key: _plain(value) for key, value in item.items()}
    if isinstance(item, list | tuple):
        return [_plain(value) for value in item]
    if isinstance(item, float | np.floating):
        return float(item) if np.isfinite(item) else None
    return item
