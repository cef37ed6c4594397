"""Speed as ratios: rmtsim, plain NumPy, BLAS alone and other packages timed in alternation in one process."""

from .contests import CONTESTS, LARGE
from .report import run

__all__ = ["CONTESTS", "LARGE", "run"]
