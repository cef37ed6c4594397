"""New files: HDF5 builds their structure in memory; they get their name on disk once they are complete."""

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import prod
from os import PathLike
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ...unfinished import UnfinishedFile
from .errors import os_errors_refused
from .layout import TEXT, Dataset, Group
from .sparse_file import PAGE, SparseFile

LIBVER = ("earliest", "v108")
"""Bounds of the HDF5 format: any library since 1.8 reads it, and it has no consistency flags."""
_ALIGNED = {"alignment_threshold": 1, "alignment_interval": 8}
"""Datasets begin at multiples of 8 bytes: no number lies across two pages of the disk, of which a killed
writer may leave one unwritten."""
_VALUES_AT_ONCE = 2**17
"""How many values are filled in by one write."""


def write_at(descriptor: int, data: Any, offset: int) -> None:
    """Write all bytes at a place of a file."""
    view = memoryview(data).cast("B")
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def claim_blocks(descriptor: int) -> None:
    """Claim disk blocks for the whole file, as the disk may fill up before all rows are written."""
    status = os.fstat(descriptor)
    if status.st_blocks * 512 < status.st_size:
        os.posix_fallocate(descriptor, 0, status.st_size)


def _save(memory: SparseFile, fills: Mapping[int, Dataset], path: Path) -> None:
    """Write the file in memory to a new one on disk, then the first values of datasets at their offsets."""
    with path.open("xb") as file:
        descriptor = file.fileno()
        os.posix_fallocate(descriptor, 0, memory.size)
        for page, content in memory.pages.items():
            write_at(descriptor, content[: memory.size - page * PAGE], page * PAGE)
        for offset, dataset in fills.items():
            _fill(descriptor, offset, dataset)
        os.fsync(descriptor)


def _fill(descriptor: int, offset: int, dataset: Dataset) -> None:
    """Write the first values of a dataset at its offset."""
    for values in _first_values(dataset):
        write_at(descriptor, values, offset)
        offset += values.nbytes


def _first_values(dataset: Dataset) -> Iterator[NDArray[Any]]:
    """Yield the values that a new dataset holds, a limited number at a time."""
    dtype, size = dataset.file_dtype, prod(dataset.shape)
    for start in range(0, size, _VALUES_AT_ONCE):
        stop = min(start + _VALUES_AT_ONCE, size)
        if isinstance(dataset.labels, range):
            yield np.arange(dataset.labels[start], dataset.labels[stop - 1] + 1, dtype=dtype)
        elif dataset.fill != 0:  # new disk blocks are zero
            yield np.full(stop - start, dataset.fill, dtype)


def _publish(unfinished: Path, path: Path) -> None:
    """Give a complete file its name; if a file has the name already, it is kept, and an OSError raised."""
    try:
        os.link(unfinished, path)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS):
            raise
        # A file system without hard links. A rename alone would overwrite, so the name is taken first.
        path.open("x").close()
        unfinished.replace(path)


def _keep_names(folder: Path) -> None:
    """Have the disk take the names of files in a folder, which a power cut could undo."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def new_file(path: Path) -> Iterator[tuple[Any, dict[int, Dataset]]]:
    """Yield a new HDF5 file in memory, and a mapping to which the caller adds datasets to fill, by offset.

    At the end of the context the file is written to disk and gets its name; if anything fails, nothing
    is left.

    Raises
    ------
    StoreError
        The file exists or cannot be written.
    """
    memory, fills = SparseFile(), dict[int, Dataset]()
    with os_errors_refused(path, "a place for a new file"), UnfinishedFile(path) as unfinished:
        with h5py.File(memory, "w", libver=LIBVER, **_ALIGNED) as file:
            yield file, fills
        _save(memory, fills, unfinished)
        _publish(unfinished, path)
    with os_errors_refused(path, "a place for a new file"):
        _keep_names(path.parent)


def write_table(
    path: str | PathLike[str], columns: Mapping[str, NDArray[Any]], attributes: Mapping[str, Any]
) -> None:
    """Write columns of one length to a new HDF5 file, a dataset each; `attributes` go to its root.

    Raises
    ------
    StoreError
        The file exists or cannot be written.
    """
    with new_file(Path(path)) as (file, _):
        file.attrs.update(attributes)
        for name, values in columns.items():
            file[name] = values


def lay_out(file: Any, groups: Iterable[tuple[str, Group]], fills: dict[int, Dataset]) -> None:
    """Create groups with their attributes and datasets, and add the datasets but for texts to `fills`."""
    for name, described in groups:
        group = file.require_group(name)
        group.attrs.update(described.attributes)
        for key, dataset in described.datasets.items():
            created = _create(group, key, dataset)
            if dataset.dtype != TEXT:
                fills[created.id.get_offset()] = dataset


def _create(group: Any, name: str, described: Dataset) -> Any:
    """Create a dataset: a coordinate becomes a dimension scale, any other gets the scales of its axes."""
    if described.dtype == TEXT:
        dataset = group.create_dataset(name, data=list(described.labels or ()), dtype=h5py.string_dtype())
    else:
        dataset = _preallocate(group, name, described)
    dataset.attrs.update(described.attributes)
    if described.labels is not None:
        dataset.make_scale(name)
        return dataset
    for axis, dimension in enumerate(described.dimensions):
        dataset.dims[axis].label = dimension
        dataset.dims[axis].attach_scale(group[dimension])
    return dataset


def _preallocate(group: Any, name: str, described: Dataset) -> Any:
    """Create a dataset whose place in the file is final, and whose bytes HDF5 never writes."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_layout(h5py.h5d.CONTIGUOUS)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    if described.fill != 0:
        properties.set_fill_value(np.array(described.fill, described.file_dtype))
    return group.create_dataset(name, described.shape, described.file_dtype, dcpl=properties)
