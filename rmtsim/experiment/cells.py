"""Cells of the grid: their blocks, their mass parts and the schema of their records."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

BLOCKS = {
    "linear": ("vv_diag", "vv_off"),
    "hidden": ("ww_diag", "ww_off", "vv_diag", "vv_off"),
}
"""The representative blocks of each architecture: (w0, w0), (w0, w1), (v0, v0) and (v0, v1)."""

PARTS = {
    "linear": BLOCKS["linear"],
    "hidden": (*BLOCKS["hidden"], "wv"),
}
"""The parts of the Hessian whose total masses are recorded, theory.md (2.5)-(2.7)."""

ALL_BLOCKS = BLOCKS["hidden"]
ARCHITECTURES = tuple(BLOCKS)
LOSSES = ("mse", "ce")
STATISTICS = ("histogram", "moments", "extremes", "masses", "eigenvalues")

LONG_NAMES = {
    "done": "whether the trial is finished; until then its rows of the other arrays mean nothing",
    "edges": "edges of the histogram bins, in units of scale; NaN until they are set",
    "scale": "natural unit of the block: (V^T V)_ij for W-blocks of the hidden mse model, else 1",
    "moments": "(1/n) tr H^k of the n x n block H",
    "extremes": "smallest and largest eigenvalue of H",
    "histogram": "number of eigenvalues of H / scale in the bins edge[b] <= x < edge[b+1]",
    "outside": "number of eigenvalues of H / scale below the first edge, and at or above the last",
    "eigenvalues": "eigenvalues of H, ascending",
    "masses": "sum of the squared Frobenius norms of all blocks of the part",
}
"""What the arrays of a cell hold; ``eigenvalues`` stands for ``eigenvalues_<block>``."""


class Field(NamedTuple):
    """One array of a record: its shape, dtype and the name of each of its axes."""

    shape: tuple[int, ...]
    dtype: str
    dimensions: tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """One point of the grid of an experiment.

    Attributes
    ----------
    index : int
        Position in ``Experiment.cells``; it names the random streams of the cell.
    architecture : {"linear", "hidden"}
    loss : {"mse", "ce"}
    n_features, n_samples, n_classes : int
        d, N and C.
    n_hidden : int or None
        m; None for the linear model.
    blocks : tuple of str
        The blocks whose spectra are measured, in the order of ``BLOCKS[architecture]``.
    """

    index: int
    architecture: str
    loss: str
    n_features: int
    n_samples: int
    n_classes: int
    n_hidden: int | None
    blocks: tuple[str, ...]

    @property
    def aspect_ratio(self) -> float:
        """The ratio gamma = d/N of the integers used, not the one asked for."""
        return self.n_features / self.n_samples

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts along the axis of ``masses``."""
        return PARTS[self.architecture]

    def block_size(self, block: str) -> int:
        """Order of a block: m for the V-layer of the hidden model, d for every other block."""
        if self.n_hidden is not None and block.startswith("vv"):
            return self.n_hidden
        return self.n_features


def record_schema(cell: Cell, statistics: Collection[str], bins: int) -> dict[str, Field]:
    """Arrays of the record of one trial, by name and in a fixed order.

    Parameters
    ----------
    cell : Cell
    statistics : collection of str
        Subset of ``STATISTICS``.
    bins : int
        Bins of each histogram.
    """
    n_blocks = len(cell.blocks)
    fields = {"scale": Field((n_blocks,), "float64", ("block",))}
    if "moments" in statistics:
        fields["moments"] = Field((n_blocks, 4), "float64", ("block", "moment"))
    if "extremes" in statistics:
        fields["extremes"] = Field((n_blocks, 2), "float64", ("block", "extreme"))
    if "histogram" in statistics:
        fields["histogram"] = Field((n_blocks, bins), "int64", ("block", "bin"))
        fields["outside"] = Field((n_blocks, 2), "int64", ("block", "side"))
    if "eigenvalues" in statistics:
        for block in cell.blocks:
            fields[f"eigenvalues_{block}"] = Field((cell.block_size(block),), "float64", (f"index_{block}",))
    if "masses" in statistics:
        fields["masses"] = Field((len(cell.parts),), "float64", ("part",))
    return fields


def coordinates(cell: Cell, bins: int) -> dict[str, Sequence[str] | range]:
    """Labels along every axis that a record or the edges of a cell can have, the trials' excepted."""
    return {
        "block": cell.blocks,
        "moment": range(1, 5),
        "extreme": ("smallest", "largest"),
        "side": ("below", "above"),
        "bin": range(bins),
        "edge": range(bins + 1),
        "part": cell.parts,
        **{f"index_{block}": range(cell.block_size(block)) for block in cell.blocks},
    }
