"""Results files in HDF5; the only module that imports h5py.

Every dataset is contiguous and allocated when the file is created, so writing trials touches array
bytes alone and never the structure of the file: whatever the instant at which the writer is killed,
the file opens. The array bytes of a trial reach the operating system before its ``done`` mark.
HDF5's mode for concurrent reading (SWMR) is not used: a killed writer would leave its flag behind.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from ._format import FORMAT, FORMAT_VERSION, StoreError, data_bytes, datasets, group_name, read_experiment
from .cells import LONG_NAMES, Cell, coordinates
from .experiment import Experiment
from .partial import Partial
from .provenance import provenance
from .results import MemoryStore, Results, Store

__all__ = [
    "HDF5Results",
    "HDF5Store",
    "MemoryStore",
    "Results",
    "Store",
    "StoreError",
    "check_new_file",
    "open_results",
    "write_table",
]

# Bounds of the HDF5 format: any library since 1.8 reads it, and it has no consistency flags.
_LIBVER = ("earliest", "v108")


def open_results(path: str | PathLike[str]) -> "HDF5Results":
    """Open a results file for reading, also while a run is writing it.

    Raises
    ------
    StoreError
        The file is missing, no HDF5, truncated, of another format or a newer version, or incomplete.

    Examples
    --------
    >>> with rmtsim.open_results("quickstart.h5") as results:  # doctest: +SKIP
    ...     moments = results.array(0, "moments")  # (finished trials, block, moment)
    """
    return HDF5Results(path)


class HDF5Results(Results):
    """Results read from a file; arrays are read when asked for. See ``open_results``."""

    _mode = "r"

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self._file = _open(self.path, self._mode)
        try:
            with _undamaged(self.path):
                self.experiment = read_experiment(self.path, self._file)
                self.attributes = dict(self._file.attrs)
        except BaseException:
            self._file.close()
            raise

    def done(self, cell: int) -> NDArray[np.bool_]:
        """Which trials are finished, shape (trials,); read anew at every call."""
        return np.asarray(self._read(cell, "done", 0, None) == 1)

    def edges(self, cell: int) -> NDArray[np.float64] | None:
        """Histogram edges of H / scale, shape (block, bins + 1); None until they are set."""
        if "histogram" not in self.names(cell):
            return None
        edges = self._read(cell, "edges", 0, None)
        return None if np.isnan(edges).any() else edges

    def method(self, cell: int) -> str:
        """How the trials of a cell were computed: "dense" or "structured"."""
        with _undamaged(self.path):
            # Files from before there were structured models do not say.
            return str(self._group(cell).attrs.get("method", "dense"))

    def _read(self, cell: int, name: str, start: int, stop: int | None) -> NDArray[Any]:
        # The dataset is opened for each reading: an open one may answer from HDF5's own buffer.
        with _undamaged(self.path):
            return np.asarray(self._group(cell)[name][start:stop])

    def _group(self, cell: int) -> Any:
        return self._file[group_name(range(len(self.cells))[cell])]

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._file.close()


class HDF5Store(HDF5Results, Store):
    """Results written to a file, by one process at a time. Use ``create`` or ``open_for_resume``."""

    _mode = "r+"

    @classmethod
    def create(cls, path: str | PathLike[str], experiment: Experiment, device: str = "cpu") -> Self:
        """Create a results file with room for every trial of every cell.

        The file appears under its name once it is complete, and never in place of another.

        Raises
        ------
        StoreError
            The path exists, its directory is missing or cannot be written, or the disk is too small.
        """
        path = Path(path)
        check_new_file(path, experiment)
        with _new_file(path) as file:
            _lay_out(file, experiment, provenance(device))
        return cls(path)

    @classmethod
    def open_for_resume(cls, path: str | PathLike[str], experiment: Experiment, device: str = "cpu") -> Self:
        """Open a results file to add the trials it misses.

        Raises
        ------
        StoreError
            The file cannot be opened, is in use by another process, or holds another experiment or
            the results of another device, whose last bits would differ.
        """
        store = cls(path)
        try:
            store.check_same(experiment, device)
        except BaseException:
            store.close()
            raise
        return store

    def check_same(self, experiment: Experiment, device: str) -> None:
        """Refuse results of another experiment, device or method; see `Store.check_same`."""
        super().check_same(experiment, device)
        for cell in experiment.cells:
            method, found = experiment.method(cell), self.method(cell.index)
            if found != method:
                expected = (
                    f'trials of cell {cell.index} by method "{method}", as this version resolves "auto"'
                )
                raise self._refusal(expected, f'trials by method "{found}"')

    def _refusal(self, expected: str, got: str) -> ValueError:
        return StoreError(str(self.path), expected, got)

    def _write_edges(self, cell: int, edges: NDArray[np.float64]) -> None:
        with _explained(self.path, "room to write"):
            self._group(cell)["edges"][:] = edges
            self._file.flush()

    def _write(self, cell: int, first: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        group = self._group(cell)
        stop = first + len(next(iter(arrays.values())))
        with _explained(self.path, "room to write"):
            for name, array in arrays.items():
                _write_rows(group[name], first, array)
            self._file.flush()
            _write_rows(group["done"], first, np.ones(stop - first, np.int8))
            self._file.flush()


def _write_rows(dataset: Any, first: int, rows: NDArray[Any]) -> None:
    """Write rows through to the operating system.

    HDF5 buffers small writes in the open dataset, and an error that it meets while closing one is lost:
    flushed here, a full disk is an error before any trial is marked done.
    """
    dataset[first : first + len(rows)] = rows
    dataset.flush()


def _claim_blocks(path: Path) -> None:
    """Claim disk blocks for the whole file: rows not yet written are holes, and the disk may fill up."""
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        os.fsync(file.fileno())


def _publish(partial: Path, path: Path) -> None:
    """Give a complete file its name; a file that has the name already is kept and refused."""
    try:
        os.link(partial, path)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS):
            raise
        # A file system without hard links. A rename alone would overwrite, so the name is taken first.
        path.open("x").close()
        partial.replace(path)


@contextmanager
def _new_file(path: Path) -> Iterator[Any]:
    """Open a new HDF5 file that appears under its name once it is complete, or never."""
    with _explained(path, "a place for a new file"), Partial(path) as partial:
        with h5py.File(partial, "x", libver=_LIBVER) as file:
            yield file
        _claim_blocks(partial)
        _publish(partial, path)


def write_table(
    path: str | PathLike[str], columns: Mapping[str, NDArray[Any]], attributes: Mapping[str, Any]
) -> None:
    """Write columns of one length to a new HDF5 file, a dataset each; `attributes` go to its root.

    Raises
    ------
    StoreError
        The file exists or cannot be written.
    """
    with _new_file(Path(path)) as file:
        file.attrs.update(attributes)
        for name, values in columns.items():
            file[name] = values


@contextmanager
def _explained(path: Path, expected: str) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError) as error:  # RuntimeError: as HDF5 tells of a failed flush
        raise StoreError(str(path), expected, _reason(error)) from error


@contextmanager
def _undamaged(path: Path) -> Iterator[None]:
    try:
        yield
    except StoreError:
        raise
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:  # as h5py meets damaged bytes
        raise StoreError(str(path), "an undamaged HDF5 file", str(error)) from error


def _reason(error: OSError | RuntimeError) -> str:
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else str(error)


def _open(path: Path, mode: str) -> Any:
    expected = "a results file"
    if not path.exists():
        raise StoreError(str(path), expected, "no such file")
    if not path.is_file() and not path.is_dir():
        raise StoreError(str(path), expected, "a pipe, socket or device")
    with _explained(path, expected), open(path, "rb"):
        pass  # a directory, or a file without permission, fails here with its reason
    if not h5py.is_hdf5(path):
        raise StoreError(str(path), expected, "a file that is not HDF5")
    try:
        file = h5py.File(path, mode, libver=_LIBVER)
        _relax_lock(file)
        return file
    except BlockingIOError:
        expected = "a file that no other process holds open"
        raise StoreError(str(path), expected, "a file in use by another process") from None
    except OSError as error:
        got = "a truncated file" if "truncated" in str(error) else _reason(error)
        raise StoreError(str(path), "a complete HDF5 file", got) from error


def _relax_lock(file: Any) -> None:
    """Let readers come and go during a run, while a second writer stays excluded.

    HDF5 opens a file for writing under a lock held alone, for reading under a shared one. Once open,
    a writer shares its lock, so that any tool may read along, and a reader gives its lock up, so that
    a run can be resumed under its eyes. Where this process has a writer of the file, HDF5 hands the
    reader the writer's descriptor, intent and lock.
    """
    reads_alone = file.id.get_intent() == h5py.h5f.ACC_RDONLY
    try:
        fcntl.flock(file.id.get_vfd_handle(), fcntl.LOCK_UN if reads_alone else fcntl.LOCK_SH)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.ENOTSUP):  # a file system without locks
            raise


def check_new_file(path: Path, experiment: Experiment) -> None:
    """Refuse a path where a file exists, whose directory is missing, or whose disk is too small."""
    if path.exists():
        raise StoreError(
            str(path), "a path where no file exists", "an existing file (rmtsim resume goes on with one)"
        )
    if not path.parent.is_dir():
        raise StoreError(str(path), "an existing directory", f'no directory "{path.parent}"')
    needed = data_bytes(experiment)
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise StoreError(str(path), f"{needed} bytes of free space", f"{free} bytes")


def _lay_out(file: Any, experiment: Experiment, attributes: Mapping[str, str]) -> None:
    file.attrs["format"] = FORMAT
    file.attrs["format_version"] = FORMAT_VERSION
    file.attrs["experiment"] = experiment.to_toml()
    file.attrs["digest"] = experiment.digest
    file.attrs.update(attributes)
    for cell in experiment.cells:
        _lay_out_cell(file.create_group(group_name(cell.index)), experiment, cell)


def _lay_out_cell(group: Any, experiment: Experiment, cell: Cell) -> None:
    for key in ("architecture", "loss", "n_features", "n_samples", "n_classes", "n_hidden", "aspect_ratio"):
        if getattr(cell, key) is not None:
            group.attrs[key] = getattr(cell, key)
    group.attrs["method"] = experiment.method(cell)
    fields = datasets(experiment, cell)
    labels = {"trial": range(experiment.trials), **coordinates(cell, experiment.measure.bins)}
    used = dict.fromkeys(dimension for field in fields.values() for dimension in field.dimensions)
    scales = {dimension: _scale(group, dimension, labels[dimension]) for dimension in used}
    for name, (shape, dtype, dimensions) in fields.items():
        dataset = _preallocate(group, name, shape, dtype)
        dataset.attrs["long_name"] = LONG_NAMES["eigenvalues" if name.startswith("eigenvalues_") else name]
        for axis, dimension in enumerate(dimensions):
            dataset.dims[axis].label = dimension
            dataset.dims[axis].attach_scale(scales[dimension])
    group["done"][:] = 0
    group["done"].attrs["dtype"] = "bool"  # xarray's mark of a boolean variable
    if "edges" in group:
        group["edges"][:] = np.nan


def _preallocate(group: Any, name: str, shape: tuple[int, ...], dtype: str) -> Any:
    """Create a dataset whose place in the file is final and whose bytes are left as they are."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_layout(h5py.h5d.CONTIGUOUS)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    return group.create_dataset(name, shape, dtype, dcpl=properties)


def _label_dtype(labels: Sequence[str] | Sequence[int]) -> Any:
    return h5py.string_dtype() if isinstance(labels[0], str) else "int64"


def _scale(group: Any, dimension: str, labels: Sequence[str] | range) -> Any:
    """Create the dimension scale that names an axis and labels its positions."""
    if isinstance(labels, range):
        scale = group.create_dataset(dimension, data=np.arange(labels.start, labels.stop, dtype=np.int64))
    else:
        scale = group.create_dataset(dimension, data=list(labels), dtype=_label_dtype(labels))
    scale.make_scale(dimension)
    return scale
