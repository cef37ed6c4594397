"""Trials of a cell of an experiment, named by their numbers."""

from collections.abc import Sequence

import numpy as np

from .. import kernels
from ..experiment import Cell, Experiment
from ..models import HiddenModel, LinearModel
from ..models.architectures import Block
from ..statistics import MASSES
from . import draws
from .draw import Draw
from .forms import Floats


class CellDraw(Draw):
    """Some trials of a cell of an experiment.

    Parameters
    ----------
    experiment, cell, trials
        They name the random streams.
    device : str
        Of the kernels.
    with_masses : bool, optional
        Whether masses will be asked for; by default if the experiment measures them.
    """

    def __init__(
        self,
        experiment: Experiment,
        cell: Cell,
        trials: Sequence[int],
        device: str = "cpu",
        with_masses: bool | None = None,
    ) -> None:
        self.experiment, self.cell, self.trials, self.device = experiment, cell, trials, device
        self.with_masses = MASSES in experiment.measure.statistics if with_masses is None else with_masses
        self.ops, self.count = kernels.load(device), len(trials)

    def scales(self, block: Block) -> Floats:
        """Return S_ij = (V^T V)_ij for W-blocks of mse, else 1, shape (T,)."""
        if block.layer == "v" or self.cell.loss.couples_classes:
            return np.ones(self.count)
        words = draws.trial_streams(self.experiment, self.cell, self.trials)[:, 2]
        C, m, precision = self.cell.n_classes, self.cell.output_width, self.experiment.measure.precision
        return self.cell.v_std**2 * self.ops.output_grams(words, C, m, [block.pair], precision)[:, 0]


def draw_model(
    experiment: Experiment, cell: Cell, trial: int, device: str = "cpu", precision: str | None = None
) -> LinearModel | HiddenModel:
    """Return the model of a trial, its parameters drawn in a precision, by default that of the experiment."""
    dtype = precision or experiment.measure.precision
    W, V = draws.parameters(kernels.load(device), experiment, cell, trial, dtype)
    if W is None:
        return LinearModel(V, cell.loss, device=device)
    return HiddenModel(W, V, cell.loss, cell.activation, device=device)
