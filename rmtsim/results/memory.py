"""Results in memory."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..experiment import Cell, Experiment
from .contract import Store
from .provenance import provenance


class MemoryStore(Store):
    """Results kept in memory, for notebooks, tests and small experiments.

    Parameters
    ----------
    experiment : Experiment
    device : {"cpu", "gpu", "reference"}
    """

    def __init__(self, experiment: Experiment, device: str = "cpu") -> None:
        self.experiment = experiment
        self.attributes = provenance(device)
        self._done = [np.zeros(experiment.trials, dtype=np.bool_) for _ in experiment.cells]
        self._edges: list[NDArray[np.float64] | None] = [None for _ in experiment.cells]
        self._arrays = [self._allocate(cell) for cell in experiment.cells]

    def _allocate(self, cell: Cell) -> dict[str, NDArray[Any]]:
        schema = self.experiment.schema(cell)
        return {name: np.empty((self.experiment.trials, *f.shape), f.dtype) for name, f in schema.items()}

    def _marks(self, cell: int) -> NDArray[np.bool_]:
        return self._done[cell]

    def edges(self, cell: int) -> NDArray[np.float64] | None:
        """Histogram edges of H / scale, shape (block, bins + 1); None until they are set."""
        edges = self._edges[cell]
        return None if edges is None else edges.copy()

    def _read(self, cell: int, name: str, start: int, stop: int | None) -> NDArray[Any]:
        return self._arrays[cell][name][start:stop].copy()

    def _write_edges(self, cell: int, edges: NDArray[np.float64]) -> None:
        self._edges[cell] = edges.copy()

    def _write(self, cell: int, first: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        stop = first + len(next(iter(arrays.values())))
        for name, array in arrays.items():
            self._arrays[cell][name][first:stop] = array
        self._done[cell][first:stop] = True
