"""Draws of trials and what is measured of them.

`draws` has the Gaussian arrays of a trial. A `Draw` gives the forms (matrices with few diagonals) of the
blocks of a batch of trials, their scales and masses: from samples (`dense`), from exact models without
samples (`structured`), or from a model and data that the caller has (`given`). `measure` makes records of it.
"""

from .draw import Draw, measure
from .edges import pilot_edges
from .given import ModelDraw
from .trials import draw_trials, run_trial, run_trials

__all__ = ["Draw", "ModelDraw", "draw_trials", "measure", "pilot_edges", "run_trial", "run_trials"]
