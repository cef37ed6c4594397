"""Results read from a file, also while another process writes it."""

import errno
import fcntl
import json
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ..contract import Results
from . import requirements
from .checks import read_experiment
from .creation import LIBVER
from .errors import StoreError, damage_refused, one_line, os_errors_refused, reason
from .layout import group_name


def open_results(path: str | PathLike[str]) -> "HDF5Results":
    """Open a results file for reading, also while a run is writing it.

    The structure of the file is checked at once against the experiment that it names, and values as they are
    read.

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

    path: Path

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self._file = _open(self.path)
        try:
            self.experiment = read_experiment(self.path, self._file)
            with damage_refused(self.path, "set of attributes"):
                self.attributes = dict(self._file.attrs)
            if self._lists_all_sessions:
                self.attributes |= next(iter(self._session_rows()), {})
        except BaseException:
            self._file.close()
            raise

    @property
    def sessions(self) -> tuple[Mapping[str, Any], ...]:
        """Provenance of the sessions that wrote trials, each with its times.

        Files that do not name their source list the first one, and of later ones those that differ from all
        before.
        """
        rows = self._session_rows()
        return tuple(rows) if rows and self._lists_all_sessions else (*super().sessions, *rows)

    @property
    def _lists_all_sessions(self) -> bool:
        return "source" in self.attributes

    def _session_rows(self) -> list[dict[str, Any]]:
        with damage_refused(self.path, 'dataset "sessions"'):
            rows = self._file["sessions"][:] if self._version > 1 else ()
            # The first character of a row is written last, so that half a row does not begin with it.
            return [dict(json.loads(row)) for row in rows if row.startswith(b"{")]

    @property
    def _version(self) -> int:
        return int(self.attributes["format_version"])

    def done(self, cell: int) -> NDArray[np.bool_]:
        """Which trials are finished, shape (trials,); read anew at every call."""
        marks = self._read(cell, "done", 0, None)
        self._require(cell, "done", requirements.of_marks(marks))
        return marks == 1

    def edges(self, cell: int) -> NDArray[np.float64] | None:
        """Histogram edges of H / scale, shape (block, bins + 1); None until they are set."""
        if "histogram" not in self.names(cell):
            return None
        in_use = self.done(cell).any()  # read first, as a run may set edges and finish trials meanwhile
        edges = self._read(cell, "edges", 0, None)
        if np.isnan(edges).any() and not in_use:
            return None  # a killed writer may have set some of them
        self._require(cell, "edges", requirements.of_edges(edges), row="block")
        return edges

    def method(self, cell: int) -> str:
        """How the trials of a cell were computed: "dense" or "structured"."""
        with damage_refused(self.path, f'attribute "method" of group "{self._group_name(cell)}"'):
            # Files from before there were structured models do not say.
            return str(self._file[self._group_name(cell)].attrs.get("method", "dense"))

    def _rows(self, cell: int, name: str, trials: NDArray[np.int64]) -> NDArray[Any]:
        rows = super()._rows(cell, name, trials)
        self._require(cell, name, requirements.of_array(self.cells[cell], name, rows), trials)
        if name == "histogram" and self._version > 1:
            outside = super()._rows(cell, "outside", trials)
            self._require(cell, name, requirements.of_counts(self.cells[cell], rows, outside), trials)
        return rows

    def _require(
        self,
        cell: int,
        name: str,
        required: Iterable[requirements.Requirement],
        numbers: NDArray[np.int64] | None = None,
        row: str = "trial",
    ) -> None:
        """Refuse the first value of an array that violates a requirement, and name its row by its number."""
        for expected, violated, values in required:
            if violated.any():
                place = np.unravel_index(int(np.argmax(violated)), violated.shape)
                number = place[0] if numbers is None else numbers[place[0]]
                member = f'{expected} in dataset "{self._group_name(cell)}/{name}"'
                raise StoreError(self.path, member, f"{values[place]} in {row} {number}")

    def _read(self, cell: int, name: str, start: int, stop: int | None) -> NDArray[Any]:
        with damage_refused(self.path, f'dataset "{self._group_name(cell)}/{name}"'):
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
        raise StoreError(path, expected, "no such file")
    if not path.is_file() and not path.is_dir():
        raise StoreError(path, expected, "a pipe, socket or device")
    with os_errors_refused(path, expected), open(path, "rb"):
        pass  # a directory, or a file without permission, fails here with its reason
    if not h5py.is_hdf5(path):
        raise StoreError(path, expected, "a file that is not HDF5")
    try:
        file = h5py.File(path, "r", libver=LIBVER)
        # HDF5 locks what it reads. Without its lock, a run can be resumed under the reader's eyes.
        lock(file.id.get_vfd_handle(), fcntl.LOCK_UN)
        return file
    except BlockingIOError:
        raise in_use(path) from None
    except (OSError, RuntimeError, LookupError, TypeError, ValueError) as error:
        got = "a truncated file" if "truncated" in str(error) else reason(error)
        raise StoreError(path, "a complete HDF5 file", one_line(got, 200)) from error


def in_use(path: Path) -> StoreError:
    """Return the refusal of a file that another process has locked."""
    expected = "a file that no other process holds open"
    return StoreError(path, expected, "a file in use by another process")


def lock(descriptor: int, operation: int) -> None:
    """Change the lock of a file, where the file system has locks."""
    try:
        fcntl.flock(descriptor, operation)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.ENOTSUP):
            raise
