"""Experiments: what is drawn and measured, read from TOML and checked whole before anything runs."""

from .cells import Cell
from .experiment import Experiment
from .settings import Grid, Measure, Networks
from .validation import ExperimentError

__all__ = ["Cell", "Experiment", "ExperimentError", "Grid", "Measure", "Networks"]
