"""Trials against theory: distances to limit laws, exact identities, ratios of block masses.

Three kinds of difference are kept apart (theory.md section 6): Monte Carlo error, given as standard
errors over trials; finite-size bias of order 1/d, which no number of trials removes; and the
numerical error of a law. Only exact finite-size identities get a z-score, and only a check judges.
"""

from .comparison import compare
from .findings import (
    BlockFinding,
    CellFinding,
    Comparison,
    DistanceFinding,
    Identity,
    LawUse,
    LinearFinding,
    MomentFinding,
    Rate,
    RatioFinding,
    SideFinding,
    Slope,
)
from .verdict import Check, Inconsistency, Test

__all__ = [
    "BlockFinding", "CellFinding", "Check", "Comparison", "DistanceFinding", "Identity", "Inconsistency",
    "LawUse", "LinearFinding", "MomentFinding", "Rate", "RatioFinding", "SideFinding", "Slope", "Test",
    "compare",
]  # fmt: skip
