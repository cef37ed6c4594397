"""Results written to a file, by one process at a time."""

import fcntl
import json
import os
import shutil
import warnings
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...experiment import Experiment
from ..contract import Store
from ..provenance import TIMES, differences_in_numbers, now, provenance
from .creation import claim_blocks, lay_out, new_file, write_at
from .errors import StoreError, os_errors_refused, reason
from .layout import FORMAT, FORMAT_VERSION, SESSION_BYTES, SESSIONS, data_bytes, layout
from .marks import Marks
from .reader import HDF5Results, in_use, lock

KEPT_FREE = 8
"""Rows of sessions kept for those unlike all before; others then move the end of the last one like them."""


class EnvironmentWarning(UserWarning):
    """A file gets trials of another library, BLAS or GPU, whose last bits may differ from those it has."""


class HDF5Store(HDF5Results, Store):
    """Results written to a file, by one process at a time. Use ``create`` or ``open_for_resume``.

    HDF5 has the file open for reading alone. Rows are written by calls of the operating system at the offsets
    that HDF5 names, see `rmtsim.results.hdf5`. As nobody else writes, the marks and edges of a cell are read
    once. Readers see finished trials when their marks are written, after two seconds at most.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        super().__init__(path)
        self._known_marks: dict[int, NDArray[np.bool_]] = {}
        self._known_edges: dict[int, NDArray[np.float64]] = {}
        self._places: dict[tuple[int, str], tuple[int, np.dtype[Any]]] = {}
        self._end_time: int | None = None  # its place, once a session is recorded
        try:
            self._descriptor = _open_alone(self.path)
            self._waiting = Marks(self._descriptor)
        except BaseException:
            super().close()
            raise

    @classmethod
    def create(
        cls,
        path: str | PathLike[str],
        experiment: Experiment,
        device: str = "cpu",
        workers: int | None = None,
    ) -> Self:
        """Create a results file with room for every trial of every cell.

        The file appears under its name once it is complete, and never in place of another.

        Raises
        ------
        StoreError
            The path exists, its directory is missing or cannot be written, or the disk is too small.
        """
        path = Path(path)
        check_new_file(path, experiment)
        session = provenance(device, workers)
        attributes = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "experiment": experiment.to_toml(),
            "digest": experiment.digest,
            **{name: value for name, value in session.items() if name != "workers"},
        }
        with new_file(path) as (file, fills):
            lay_out(file, layout(experiment, attributes), fills)
        store = cls(path)
        try:
            store._join(session)
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def open_for_resume(
        cls,
        path: str | PathLike[str],
        experiment: Experiment,
        device: str = "cpu",
        workers: int | None = None,
    ) -> Self:
        """Open a results file to add the trials that it does not have yet.

        Warns
        -----
        EnvironmentWarning
            The trials that it has were drawn with other libraries or another BLAS, so that those of this
            session may differ from them in the last bits. The file records both.

        Raises
        ------
        StoreError
            The file cannot be opened, is in use by another process, has no room on its disk, or holds
            another experiment or the results of another device, whose last bits would differ.
        """
        store = cls(path)
        try:
            store.check_same(experiment, device)
            with os_errors_refused(store.path, "room to write"):
                claim_blocks(store._descriptor)
            if not all(store.done(cell.index).all() for cell in store.cells):
                store._join(provenance(device, workers))
        except BaseException:
            store.close()
            raise
        return store

    def check_same(self, experiment: Experiment, device: str) -> None:
        """Refuse results of another experiment, device or method; see `Store.check_same`."""
        super().check_same(experiment, device)
        for cell in experiment.cells:
            method, in_file = experiment.method(cell), self.method(cell.index)
            if in_file != method:
                expected = (
                    f'trials of cell {cell.index} by method "{method}", as this version resolves "auto"'
                )
                raise self._refusal(expected, f'trials by method "{in_file}"')

    def _refusal(self, expected: str, got: str) -> ValueError:
        return StoreError(self.path, expected, got)

    def _join(self, session: Mapping[str, str]) -> None:
        """Record a session, and warn if its numbers may differ from those of earlier ones."""
        known, rows = self.sessions, self._session_rows()
        alike = [number for number, row in enumerate(rows) if _is_alike(row, session)]
        room = SESSIONS - (KEPT_FREE if alike else 0)
        if len(rows) < room and self._record(session, len(rows)):
            alike.append(len(rows))
        if alike:
            self._end_time = self._place_of_end(alike[-1])
        differences = differences_in_numbers([*known, session])
        if differences:
            end = "the file records both" if alike else "the file has no room to record it"
            message = f"{self.path} mixes trials of {differences}, whose last bits may differ; {end}"
            warnings.warn(message, EnvironmentWarning, stacklevel=3)

    def _record(self, session: Mapping[str, str], row: int) -> bool:
        """Write a session as a row of its dataset; return whether there was room for it."""
        text = json.dumps({**session, "end_time": session["start_time"]}).encode()
        if self._version == 1 or len(text) > SESSION_BYTES:
            return False
        with os_errors_refused(self.path, "room to write"):
            place = self._place_of_session(row)
            write_at(self._descriptor, text[1:].ljust(SESSION_BYTES - 1, b"\0"), place + 1)
            os.fdatasync(self._descriptor)
            write_at(self._descriptor, text[:1], place)  # from here on the row counts
        return True

    def _place_of_session(self, row: int) -> int:
        return int(self._file["sessions"].id.get_offset()) + row * SESSION_BYTES

    def _place_of_end(self, row: int) -> int | None:
        """Return where the end of a recorded session stands; earlier files have none."""
        place, before = self._place_of_session(row), b'"end_time": "'
        start = os.pread(self._descriptor, SESSION_BYTES, place).rfind(before)
        return place + start + len(before) if start > 0 else None

    def done(self, cell: int) -> NDArray[np.bool_]:
        """Which trials are finished, shape (trials,)."""
        return Store.done(self, cell)

    def _marks(self, cell: int) -> NDArray[np.bool_]:
        if cell not in self._known_marks:
            self._known_marks[cell] = super().done(cell)
        return self._known_marks[cell]

    def edges(self, cell: int) -> NDArray[np.float64] | None:
        """Histogram edges of H / scale, shape (block, bins + 1); None until they are set."""
        if cell not in self._known_edges:
            edges = super().edges(cell)
            if edges is None:
                return None
            self._known_edges[cell] = edges
        return self._known_edges[cell].copy()

    def _write_edges(self, cell: int, edges: NDArray[np.float64]) -> None:
        self._known_edges.pop(cell, None)
        with os_errors_refused(self.path, "room to write"):
            self._put(cell, "edges", 0, edges)

    def _write(self, cell: int, first: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        count = len(next(iter(arrays.values())))
        with os_errors_refused(self.path, "room to write"):
            for name, array in arrays.items():
                self._put(cell, name, first, array)
            self._waiting.add(self._place(cell, "done")[0] + first, b"\1" * count)
            if self._end_time is not None:
                self._waiting.add(self._end_time, now().encode())
        self._marks(cell)[first : first + count] = True

    def _put(self, cell: int, name: str, first: int, rows: NDArray[Any]) -> None:
        """Hand rows to the operating system, at their place in the file."""
        offset, dtype = self._place(cell, name)
        data = np.ascontiguousarray(rows, dtype)
        write_at(self._descriptor, data, offset + first * (data.nbytes // len(data)))

    def _place(self, cell: int, name: str) -> tuple[int, np.dtype[Any]]:
        """Return where the rows of a dataset begin in the file, and their dtype."""
        if (cell, name) not in self._places:
            dataset = self._dataset(cell, name)
            self._places[cell, name] = dataset.id.get_offset(), dataset.dtype
        return self._places[cell, name]

    def flush(self) -> None:
        """Have the disk take all that was written; readers see every finished trial then.

        Raises
        ------
        StoreError
            The disk failed.
        """
        with os_errors_refused(self.path, "room to write"):
            self._waiting.write_all()

    def close(self) -> None:
        """Flush and close the file, and let another process write; a second call does nothing.

        Raises
        ------
        StoreError
            The disk failed.
        """
        if self._descriptor < 0:
            return
        try:
            with os_errors_refused(self.path, "room to write"):
                self._waiting.close()
        finally:
            os.close(self._descriptor)
            self._descriptor = -1
            super().close()


def _is_alike(session: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two sessions differ in nothing but their times."""
    return {k: v for k, v in session.items() if k not in TIMES} == {
        k: v for k, v in other.items() if k not in TIMES
    }


def _open_alone(path: Path) -> int:
    """Open a file for writing that no other process has open for writing, and return its descriptor.

    An exclusive lock, which only one process can hold, shows that nobody writes. It is turned into a shared
    lock, which readers of any tool can hold too, and which keeps a second writer from the exclusive one.
    """
    with os_errors_refused(path, "a file that can be written"):
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lock(descriptor, fcntl.LOCK_SH)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            raise in_use(path) from None
        raise StoreError(path, "a file that can be locked", reason(error)) from error
    return descriptor


def check_new_file(path: Path, experiment: Experiment) -> None:
    """Refuse a path where a file exists, whose directory is missing, or whose disk is too small."""
    if path.exists():
        raise StoreError(
            path, "a path where no file exists", "an existing file (rmtsim resume goes on with one)"
        )
    if not path.parent.is_dir():
        raise StoreError(path, "an existing directory", f'no directory "{path.parent}"')
    needed = data_bytes(experiment)
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise StoreError(path, f"{needed} bytes of free space", f"{free} bytes")
