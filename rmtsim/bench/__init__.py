"""Speed as ratios: ours, plain NumPy, BLAS alone and other packages timed in alternation in one process."""

from .alternation import Comparison, Contender, Outcome, measure
from .comparisons import COMPARISONS, LARGE
from .report import Report, run

__all__ = ["COMPARISONS", "LARGE", "Comparison", "Contender", "Outcome", "Report", "measure", "run"]
