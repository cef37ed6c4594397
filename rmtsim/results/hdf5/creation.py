"""New files: HDF5 builds their structure in memory, and they appear under their name once complete."""

import errno
import io
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

from ..partial import Partial
from .errors import explained
from .layout import TEXT, Dataset, Group

LIBVER = ("earliest", "v108")
"""Bounds of the HDF5 format: any library since 1.8 reads it, and it has no consistency flags."""
_ALIGNED = {"alignment_threshold": 1, "alignment_interval": 8}
"""No number lies across two pages, of which a killed writer may leave one written."""
_PAGE = 4096
_FILLED_AT_ONCE = 2**17
"""Values."""


class _SparseMemory(io.RawIOBase):
    """A file in memory, of which only the pages that were written take room.

    HDF5 on a file of the disk keeps what it could not write, tries again when the process ends, and dies
    there. In memory nothing fails, and what is in the file goes to the disk by one's own calls.
    """

    def __init__(self) -> None:
        self.pages: dict[int, bytearray] = {}
        self.size = self._position = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def truncate(self, size: int | None = None) -> int:
        self.size = self._position if size is None else size
        return self.size

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        for page, inside, part in self._parts(len(view)):
            self.pages.setdefault(page, bytearray(_PAGE))[inside] = view[part]
        self._position += len(view)
        self.size = max(self.size, self._position)
        return len(view)

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        count = max(0, min(len(view), self.size - self._position))
        for page, inside, part in self._parts(count):
            view[part] = self.pages[page][inside] if page in self.pages else bytes(part.stop - part.start)
        self._position += count
        return count

    def _parts(self, count: int) -> Iterator[tuple[int, slice, slice]]:
        """Yield page, place in the page and place in the buffer of `count` bytes from the position on."""
        done = 0
        while done < count:
            page, start = divmod(self._position + done, _PAGE)
            length = min(_PAGE - start, count - done)
            yield page, slice(start, start + length), slice(done, done + length)
            done += length


def write_at(descriptor: int, data: Any, offset: int) -> None:
    """Write all bytes at a place of a file."""
    view = memoryview(data).cast("B")
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def claim_blocks(descriptor: int) -> None:
    """Claim disk blocks for the whole file: rows not yet written may be holes, and the disk may fill up."""
    status = os.fstat(descriptor)
    if status.st_blocks * 512 < status.st_size:
        os.posix_fallocate(descriptor, 0, status.st_size)


def _save(memory: _SparseMemory, fills: Mapping[int, Dataset], partial: Path) -> None:
    """Write the file in memory to a new one on disk, with the fill values of datasets by their offset."""
    with partial.open("xb") as file:
        descriptor = file.fileno()
        os.posix_fallocate(descriptor, 0, memory.size)
        for page, content in memory.pages.items():
            write_at(descriptor, content[: memory.size - page * _PAGE], page * _PAGE)
        for offset, dataset in fills.items():
            _fill(descriptor, offset, dataset)
        os.fsync(descriptor)


def _fill(descriptor: int, offset: int, dataset: Dataset) -> None:
    for content in _contents(dataset):
        write_at(descriptor, content, offset)
        offset += content.nbytes


def _contents(dataset: Dataset) -> Iterator[NDArray[Any]]:
    """Yield the values that a new dataset holds, some at a time."""
    dtype, size = stored(dataset), prod(dataset.shape)
    for start in range(0, size, _FILLED_AT_ONCE):
        stop = min(start + _FILLED_AT_ONCE, size)
        if isinstance(dataset.labels, range):
            yield np.arange(dataset.labels[start], dataset.labels[stop - 1] + 1, dtype=dtype)
        elif dataset.fill != 0:  # as new blocks are
            yield np.full(stop - start, dataset.fill, dtype)


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
def new_file(path: Path) -> Iterator[tuple[Any, dict[int, Dataset]]]:
    """Yield a new HDF5 file in memory, and a mapping for the datasets to fill, by their offset.

    It appears under its name on disk once it is complete, or never.

    Raises
    ------
    StoreError
        The file exists or cannot be written.
    """
    memory, fills = _SparseMemory(), dict[int, Dataset]()
    with explained(path, "a place for a new file"), Partial(path) as partial:
        with h5py.File(memory, "w", libver=LIBVER, **_ALIGNED) as file:
            yield file, fills
        _save(memory, fills, partial)
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
    with new_file(Path(path)) as (file, _):
        file.attrs.update(attributes)
        for name, values in columns.items():
            file[name] = values


def lay_out(file: Any, groups: Iterable[tuple[str, Group]], fills: dict[int, Dataset]) -> None:
    """Create groups with their attributes and datasets; what is to be filled is added to `fills`."""
    for name, expected in groups:
        group = file.require_group(name)
        group.attrs.update(expected.attributes)
        for key, dataset in expected.datasets.items():
            created = _create(group, key, dataset)
            if dataset.dtype != TEXT:
                fills[created.id.get_offset()] = dataset


def _create(group: Any, name: str, expected: Dataset) -> Any:
    """Create a coordinate, which is the scale of its own axis, or an array on the scales of its axes."""
    if expected.dtype == TEXT:
        dataset = group.create_dataset(name, data=list(expected.labels or ()), dtype=h5py.string_dtype())
    else:
        dataset = _preallocate(group, name, expected)
    dataset.attrs.update(expected.attributes)
    if expected.labels is not None:
        dataset.make_scale(name)
        return dataset
    for axis, dimension in enumerate(expected.dimensions):
        dataset.dims[axis].label = dimension
        dataset.dims[axis].attach_scale(group[dimension])
    return dataset


def stored(dataset: Dataset) -> np.dtype[Any]:
    """The dtype of a dataset in the file."""
    return np.dtype(dataset.dtype).newbyteorder("<")


def _preallocate(group: Any, name: str, expected: Dataset) -> Any:
    """Create a dataset whose place in the file is final and whose bytes are left as they are."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_layout(h5py.h5d.CONTIGUOUS)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    if expected.fill != 0:
        properties.set_fill_value(np.array(expected.fill, stored(expected)))
    return group.create_dataset(name, expected.shape, stored(expected), dcpl=properties)
