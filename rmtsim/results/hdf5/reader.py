"""Results read from a file."""

import errno
import fcntl
import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ..contract import Results
from .checks import read_experiment
from .creation import LIBVER
from .errors import StoreError, explained, readable, reason, show
from .layout import group_name
from .values import faults, miscounts


def open_results(path: str | PathLike[str]) -> "HDF5Results":
    """Open a results file for reading, also while a run is writing it.

    Its structure is checked whole against the experiment that it names, its values as they are read.

    Raises
    ------
    StoreError
        The file is missing, no HDF5, truncated, of another format or a newer version, or a group, dataset
        or attribute is not what the experiment asks for.

    Examples
    --------
    >>> with rmtsim.open_results("quickstart.h5") as results:  # doctest: +SKIP
    ...     moments = results.array(0, "moments")  # (finished trials, block, moment)
    """
    return HDF5Results(path)


class HDF5Results(Results):
    """Results read from a file; arrays are read when asked for. See ``open_results``."""

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self._file = _open(self.path)
        try:
            self.experiment = read_experiment(self.path, self._file)
            with readable(self.path, "set of attributes"):
                self.attributes = dict(self._file.attrs)
        except BaseException:
            self._file.close()
            raise

    @property
    def sessions(self) -> tuple[Mapping[str, Any], ...]:
        """What every session was run by that is not as one before it, the first from ``attributes``."""
        with readable(self.path, 'dataset "sessions"'):
            rows = self._file["sessions"][:] if self._version > 1 else ()
            # The first character of a row is written last.
            later = [json.loads(row) for row in rows if row.startswith(b"{")]
        return (*super().sessions, *later)

    @property
    def _version(self) -> int:
        return int(self.attributes["format_version"])

    def done(self, cell: int) -> NDArray[np.bool_]:
        """Which trials are finished, shape (trials,); read anew at every call."""
        marks = self._read(cell, "done", 0, None)
        self._refuse_where(cell, "done", "marks 0 or 1", (marks != 0) & (marks != 1), marks)
        return marks == 1

    def edges(self, cell: int) -> NDArray[np.float64] | None:
        """Histogram edges of H / scale, shape (block, bins + 1); None until they are set."""
        if "histogram" not in self.names(cell):
            return None
        used = self.done(cell).any()  # asked before, as a run may be under way
        edges = self._read(cell, "edges", 0, None)
        if np.isnan(edges).any() and not used:
            return None  # a killed writer may leave some of them
        wrong = ~np.isfinite(edges)
        wrong[:, 1:] |= ~(edges[:, 1:] > edges[:, :-1])
        self._refuse_where(cell, "edges", "finite, strictly increasing numbers", wrong, edges, "block")
        return edges

    def method(self, cell: int) -> str:
        """How the trials of a cell were computed: "dense" or "structured"."""
        with readable(self.path, f'attribute "method" of group "{self._group_name(cell)}"'):
            # Files from before there were structured models do not say.
            return str(self._file[self._group_name(cell)].attrs.get("method", "dense"))

    def _rows(self, cell: int, name: str, trials: NDArray[np.int64]) -> NDArray[Any]:
        rows = super()._rows(cell, name, trials)
        for expected, wrong in faults(self.cells[cell], name, rows):
            self._refuse_where(cell, name, expected, wrong, rows, "trial", trials)
        if name == "histogram" and self._version > 1:
            outside = super()._rows(cell, "outside", trials)
            for expected, wrong, totals in miscounts(self.cells[cell], rows, outside):
                self._refuse_where(cell, name, expected, wrong, totals, "trial", trials)
        return rows

    def _refuse_where(
        self,
        cell: int,
        name: str,
        expected: str,
        wrong: NDArray[np.bool_],
        values: NDArray[Any],
        row: str = "trial",
        numbers: NDArray[np.int64] | None = None,
    ) -> None:
        """Refuse the first wrong value of an array, named by the number of its row."""
        if not wrong.any():
            return
        place = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        number = place[0] if numbers is None else numbers[place[0]]
        member = f'{expected} in dataset "{self._group_name(cell)}/{name}"'
        raise StoreError(str(self.path), member, f"{values[place]} in {row} {number}")

    def _read(self, cell: int, name: str, start: int, stop: int | None) -> NDArray[Any]:
        with readable(self.path, f'dataset "{self._group_name(cell)}/{name}"'):
            return np.asarray(self._dataset(cell, name)[start:stop])

    def _dataset(self, cell: int, name: str) -> Any:
        """Open a dataset anew: an open one may answer from HDF5's own buffer."""
        return self._file[self._group_name(cell)][name]

    def _group_name(self, cell: int) -> str:
        return group_name(range(len(self.cells))[cell])

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._file.close()


def _open(path: Path) -> Any:
    expected = "a results file"
    if not path.exists():
        raise StoreError(str(path), expected, "no such file")
    if not path.is_file() and not path.is_dir():
        raise StoreError(str(path), expected, "a pipe, socket or device")
    with explained(path, expected), open(path, "rb"):
        pass  # a directory, or a file without permission, fails here with its reason
    if not h5py.is_hdf5(path):
        raise StoreError(str(path), expected, "a file that is not HDF5")
    try:
        file = h5py.File(path, "r", libver=LIBVER)
        # HDF5 locks what it reads. Without its lock, a run can be resumed under the reader's eyes.
        lock(file.id.get_vfd_handle(), fcntl.LOCK_UN)
        return file
    except BlockingIOError:
        raise in_use(path) from None
    except (OSError, RuntimeError, LookupError, TypeError, ValueError) as error:
        got = "a truncated file" if "truncated" in str(error) else reason(error)
        raise StoreError(str(path), "a complete HDF5 file", show(got, 200)) from error


def in_use(path: Path) -> StoreError:
    """Refusal of a file that another process writes, or reads by a tool that keeps others from writing."""
    expected = "a file that no other process holds open"
    return StoreError(str(path), expected, "a file in use by another process")


def lock(descriptor: int, operation: int) -> None:
    """Change the lock of a file, where the file system has locks."""
    try:
        fcntl.flock(descriptor, operation)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.ENOTSUP):
            raise
