"""The contract of stores: ``Results`` are read, and a ``Store`` can be written to as well.

Both check what they are asked here; `memory` and `hdf5` only keep arrays and give them back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..experiment import Cell, Experiment

Record = Mapping[str, NDArray[Any]]

_FILE_ATTRIBUTES = ("format", "format_version", "experiment", "digest")
"""Attributes that describe a file and not the session that created it."""


class Results(ABC):
    """Finished trials of an experiment; a cell is named by its index in ``cells``.

    Attributes
    ----------
    experiment : Experiment
    attributes : mapping
        Program, libraries, device, machine and start time.
    path : Path or None
        The file, if there is one.
    """

    path: Path | None = None
    experiment: Experiment
    attributes: Mapping[str, Any]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Cells of the experiment."""
        return self.experiment.cells

    @property
    def sessions(self) -> tuple[Mapping[str, Any], ...]:
        """Provenance of the sessions that wrote trials; earlier files list each kind of them once."""
        return ({name: value for name, value in self.attributes.items() if name not in _FILE_ATTRIBUTES},)

    @abstractmethod
    def done(self, cell: int) -> NDArray[np.bool_]:
        """Which trials are finished, shape (trials,)."""

    @abstractmethod
    def edges(self, cell: int) -> NDArray[np.float64] | None:
        """Histogram edges of H / scale, shape (block, bins + 1); None until they are set."""

    @abstractmethod
    def _read(self, cell: int, name: str, start: int, stop: int | None) -> NDArray[Any]:
        """Rows of one array, finished or not."""

    def trials(self, cell: int) -> NDArray[np.int64]:
        """Indices of the finished trials, ascending."""
        return np.flatnonzero(self.done(cell))

    def names(self, cell: int) -> tuple[str, ...]:
        """Names of the arrays recorded for a cell."""
        return tuple(self.experiment.schema(self.cells[cell]))

    def array(self, cell: int, name: str, trials: ArrayLike | None = None) -> NDArray[Any]:
        """One recorded array of several trials.

        Parameters
        ----------
        cell : int
        name : str
            One of ``names(cell)``; shape, dtype and axes per trial are in ``experiment.schema``.
        trials : array_like of int, optional
            Finished trials, in any order; all of them by default. While a run is followed, pass one
            reading of ``trials(cell)`` to get several arrays of the same trials.

        Returns
        -------
        ndarray of shape (len(trials), ...)

        Raises
        ------
        ValueError
            No such array is recorded for the cell, or a trial is not finished.
        """
        if name not in self.names(cell):
            raise ValueError(f"name: expected one of {', '.join(self.names(cell))}, got {name!r}")
        done = self.done(cell)
        rows = np.flatnonzero(done) if trials is None else _integers(trials)
        exist = (rows >= 0) & (rows < len(done))
        finished = exist & done[np.where(exist, rows, 0)]
        if not finished.all():
            raise ValueError(f"trials: expected finished trials of cell {cell}, got {rows[~finished][0]}")
        return self._rows(cell, name, rows)

    def _rows(self, cell: int, name: str, trials: NDArray[np.int64]) -> NDArray[Any]:
        """Rows of finished trials in the order given."""
        if trials.size == 0:
            return self._read(cell, name, 0, 0)
        first = int(trials.min())
        return self._read(cell, name, first, int(trials.max()) + 1)[trials - first]

    def close(self) -> None:  # noqa: B027 - memory holds nothing open
        """Let go of the file, where there is one."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _integers(trials: ArrayLike) -> NDArray[np.int64]:
    numbers = np.asarray(trials)
    if numbers.size and numbers.dtype.kind not in "iu":
        raise TypeError(f"trials: expected integers, the numbers of trials, got dtype {numbers.dtype}")
    return numbers.astype(np.int64)


class Store(Results):
    """Results to which one writer can add trials."""

    @abstractmethod
    def _marks(self, cell: int) -> NDArray[np.bool_]:
        """Which trials are finished, shape (trials,): what the store itself goes by, not a copy."""

    @abstractmethod
    def _write_edges(self, cell: int, edges: NDArray[np.float64]) -> None:
        """Keep checked edges."""

    @abstractmethod
    def _write(self, cell: int, first: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep the arrays of consecutive trials, stacked, and only then mark the trials done.

        Several threads may do so at once for different trials.
        """

    def done(self, cell: int) -> NDArray[np.bool_]:
        """Which trials are finished, shape (trials,)."""
        return self._marks(cell).copy()

    def check_same(self, experiment: Experiment, device: str) -> None:
        """Refuse to add trials of another experiment, or of another device, whose last bits differ.

        Raises
        ------
        ValueError
        """
        differences = self.experiment.differences(experiment)
        if differences:
            got = "; ".join(f"{key} = {there}, not {here}" for key, (there, here) in differences.items())
            raise self._refusal("results of the same experiment", got)
        if self.attributes["device"] != device:
            raise self._refusal(
                f'results of device "{device}"', f'those of device "{self.attributes["device"]}"'
            )

    def _refusal(self, expected: str, got: str) -> ValueError:
        return ValueError(f"store: expected {expected}, got {got}")

    def set_edges(self, cell: int, edges: ArrayLike) -> None:
        """Fix the histogram edges of a cell, before its first trial.

        Parameters
        ----------
        cell : int
        edges : array_like, shape (block, bins + 1)
            Strictly increasing along the last axis, in units of ``scale``.

        Raises
        ------
        ValueError
            The cell records no histogram, trials are finished, or the edges do not fit.
        """
        if "histogram" not in self.names(cell):
            raise ValueError(f"edges: expected none, as cell {cell} records no histogram")
        if self._marks(cell).any():
            raise ValueError(f"edges: expected before the first trial of cell {cell}, got after it")
        array = np.asarray(edges, dtype=np.float64)
        expected = (len(self.cells[cell].blocks), self.experiment.measure.bins + 1)
        if array.shape != expected:
            raise ValueError(f"edges: expected shape {expected}, got {array.shape}")
        if not (np.isfinite(array).all() and (np.diff(array) > 0).all()):
            raise ValueError("edges: expected finite, strictly increasing numbers")
        self._write_edges(cell, array)

    def write(self, cell: int, first_trial: int, records: Sequence[Record]) -> None:
        """Keep the records of trials ``first_trial``, ``first_trial + 1``, ...

        A trial counts once this has returned (in a file once it is flushed as well, which takes two seconds
        at most); a failure or a killed process in between leaves the
        trials unfinished and everything written before untouched.

        Raises
        ------
        ValueError
            A trial is out of range or finished already, the edges are not set, or a record does not
            have exactly the arrays of the schema.
        """
        self._check_room(cell, first_trial, len(records))
        for record in records:
            self._check_arrays(cell, record)
        if records:
            self._write(cell, first_trial, stacked(records))

    def write_stacked(self, cell: int, first_trial: int, arrays: Record) -> None:
        """Keep the records of consecutive trials, stacked along the first axis, as `write` does.

        Several threads may write different trials at once, after `done` of the cell was asked for once.
        """
        count = len(next(iter(arrays.values())))
        self._check_room(cell, first_trial, count)
        self._check_arrays(cell, arrays, (count,))
        self._write(cell, first_trial, arrays)

    def _check_room(self, cell: int, first_trial: int, count: int) -> None:
        """Refuse to write trials that do not exist or are finished, or a histogram without edges."""
        stop, done = first_trial + count, self._marks(cell)
        if not 0 <= first_trial <= stop <= len(done):
            raise ValueError(f"trials: expected within 0..{len(done) - 1}, got {first_trial}..{stop - 1}")
        if done[first_trial:stop].any():
            finished = first_trial + int(np.argmax(done[first_trial:stop]))
            raise ValueError(f"trials: expected unfinished trials of cell {cell}, got {finished}")
        if "histogram" in self.names(cell) and self.edges(cell) is None:
            raise ValueError(f"edges of cell {cell}: expected to be set before its first trial")

    def _check_arrays(self, cell: int, record: Record, trials: tuple[int, ...] = ()) -> None:
        """Refuse arrays other than those of the schema, with the axis of trials, if any, in front."""
        schema = self.experiment.schema(self.cells[cell])
        if record.keys() != schema.keys():
            raise ValueError(f"record: expected the arrays {list(schema)}, got {list(record)}")
        for name, field in schema.items():
            got, shape = np.asarray(record[name]), (*trials, *field.shape)
            if got.shape != shape or got.dtype != field.dtype:
                came = f"{got.dtype} of shape {got.shape}"
                raise ValueError(f"record[{name!r}]: expected {field.dtype} of shape {shape}, got {came}")


def stacked(records: Sequence[Record]) -> dict[str, NDArray[Any]]:
    """Return the arrays of the records of several trials, with an axis of trials in front."""
    return {name: np.stack([record[name] for record in records]) for name in records[0]}
