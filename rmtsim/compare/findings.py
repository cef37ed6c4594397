"""What a comparison finds: frozen results, independent of how they are computed and shown."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..cells import Cell
from ..estimates import Estimate

UNITS = {
    "moments": "(1/n) tr (H/scale)^k; scale = S_ij = (V^T V)_ij for the W blocks of hidden mse, 1 otherwise",
    "ks": "1",
    "w1": "that of the eigenvalues of H/scale",
    "ratio": "E |H_off|_F^2 / E |H_diag|_F^2 per block",
    "z": "normal score of Student's t of (mean - exact) / standard error",
}

FAILURE = 5.0
"""An exact identity fails beyond this |z|."""


@dataclass(frozen=True)
class Identity:
    """The mean over trials of a quantity whose expectation is known exactly at this d and N.

    ``expected`` is the mean of the conditional expectations where they differ from trial to trial;
    ``mean`` then carries the standard error of the residuals. ``z`` is None for fewer than 8 trials.
    """

    name: str
    source: str
    mean: Estimate
    expected: float
    z: float | None

    @property
    def failed(self) -> bool:
        """Whether the deviation passes 5 standard errors, far beyond Monte Carlo error."""
        return self.z is not None and not abs(self.z) <= FAILURE


@dataclass(frozen=True)
class MomentFinding:
    """One moment of H/scale: mean over trials, its limit (3.4), its exact value where section 5 has one.

    ``difference`` is mean - limit with its Monte Carlo error; ``bias``, the expectation at this d and N minus
    the limit, is the part of it that more trials do not remove: O(1/d), known only where ``exact`` is.
    """

    order: int
    mean: Estimate
    limit: float
    difference: Estimate
    bias: float | None
    exact: Identity | None


@dataclass(frozen=True)
class LawUse:
    """Which law a block was held against.

    ``shared``: one law for all trials, else one for the V of each of ``trials`` trials, whose mean
    ``atom`` is given. ``error``: relative error of the moments of the weight law.
    """

    name: str
    shared: bool
    trials: int
    atom: float
    error: float


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
class BlockFinding:
    """One block against its limit law, over the trials that the law covers."""

    block: str
    size: int
    law: LawUse
    distances: DistanceFinding | None
    moments: tuple[MomentFinding, ...]


@dataclass(frozen=True)
class RatioFinding:
    """Mass of an off-diagonal over that of a diagonal block of one layer, and its limit at this C.

    ``measured_on``: "all blocks" of the layer or its representative "blocks 0, 1". ``limit_kind``: "mean"
    over V, W and X at this C; "given V" where all trials share one V; "leading term" of the mean as C grows.
    ``limit`` is None where it is not known.
    """

    layer: str
    measured: Estimate
    measured_on: str
    limit: float | None
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
    """Slope of log r against log C over cells that differ in C alone.

    ``asymptotic``: -1 (W-layer) or -2 (V-layer and linear); ``limit``: slope of the limits of section 4 at
    the same C and with the same weights, None where one is not known.
    """

    layer: str
    cells: tuple[int, ...]
    slope: float
    standard_error: float
    asymptotic: float
    limit: float | None


@dataclass(frozen=True)
class Comparison:
    """A whole results file against theory."""

    experiment: str
    digest: str
    trials: int
    precision: str
    cells: tuple[CellFinding, ...]
    slopes: tuple[Slope, ...]

    @property
    def failed_identities(self) -> tuple[tuple[int, Identity], ...]:
        """Cell index and identity for each exact identity with |z| > 5."""
        return tuple((c.cell.index, i) for c in self.cells for i in c.all_identities() if i.failed)

    def to_json(self) -> dict[str, Any]:
        """Nested dictionaries of plain numbers and strings; what is not finite becomes None."""
        failed = [{"cell": cell, "name": identity.name} for cell, identity in self.failed_identities]
        return {**_plain(asdict(self)), "failed_identities": failed, "units": UNITS}


def _plain(item: Any) -> Any:
    if isinstance(item, dict):
        return {key: _plain(value) for key, value in item.items()}
    if isinstance(item, list | tuple):
        return [_plain(value) for value in item]
    if isinstance(item, float | np.floating):
        return float(item) if np.isfinite(item) else None
    return item
