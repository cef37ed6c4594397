"""What was solved is kept, beside the results: a second comparison, and its figures, solve nothing.

A sidecar holds records, arrays of numbers by name, each under the digest of all that it follows from. All are
of one edition: the sources of the program that made them, and the libraries and the machine's kernels of
BLAS, on which the last bits depend. A file of another edition, or one that cannot be read, counts as empty
and is written anew. Where it cannot be written, nothing is kept, without a word: it only saves time.
"""

import hashlib
import json
import os
import threading
import zipfile
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import scipy

from .. import __version__, blas, laws
from ..unfinished import UnfinishedFile
from .solved_law import Numbers
from .spectra import Floats

Made = TypeVar("Made")
SUFFIX = ".laws.npz"
"""The sidecar of ``static-force.h5`` is ``static-force.laws.npz``."""


class Solved:
    """Records by key: each is solved once, by whoever asks first, whatever the thread.

    Parameters
    ----------
    path : Path, optional
        Of the sidecar; nothing is kept without one.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._kept = _read(path) if path else {}
        self._asked: dict[str, Future[Numbers]] = {}
        self._made: dict[str, Future[Any]] = {}

    @classmethod
    def beside(cls, results: Path | None) -> "Solved":
        """Those of the sidecar of a results file; of none for results that are no file."""
        return cls(results and results.with_name(results.stem + SUFFIX))

    def get(self, key: Mapping[str, object], solve: Callable[[], Numbers]) -> Numbers:
        """Return the record of a key, which names all that it follows from."""
        name = digest(key)
        return self._once(self._asked, name, lambda: self._kept[name] if name in self._kept else solve())

    def once(self, key: Mapping[str, object], make: Callable[[], Made]) -> Made:
        """Return what is made of a key, and not kept beyond this object."""
        made: Made = self._once(self._made, digest(key), make)
        return made

    def _once(self, futures: dict[str, Future[Any]], name: str, make: Callable[[], Any]) -> Any:
        with self._lock:
            mine = name not in futures
            future = futures.setdefault(name, Future())
        if mine:
            try:
                future.set_result(make())
            except BaseException as error:
                future.set_exception(error)
        return future.result()

    def save(self) -> None:
        """Write what is not in the sidecar yet, beside what others have written meanwhile."""
        with self._lock:
            known = {name: one.result() for name, one in self._asked.items() if _succeeded(one)}
        if self._path is None or known.keys() <= self._kept.keys():
            return
        self._kept = {**_read(self._path), **self._kept, **known}
        with suppress(OSError):
            _write(self._path, self._kept)


def digest(key: Mapping[str, object]) -> str:
    """Return the digest of a key: of arrays by their bytes, of all else by its representation."""
    return hashlib.sha256(repr([(name, _plain(key[name])) for name in sorted(key)]).encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, hashlib.sha256(value.tobytes()).hexdigest()
    return value


def _succeeded(future: "Future[Numbers]") -> bool:
    return future.done() and future.exception() is None


@cache
def edition() -> str:
    """Return the digest of the sources of `laws` and `compare`, the libraries, and the kernels of BLAS."""
    of_all = hashlib.sha256(
        repr((__version__, np.__version__, scipy.__version__, blas.description())).encode()
    )
    for folder in (Path(laws.__file__).parent, Path(__file__).parent):
        for source in sorted(folder.rglob("*.py")):
            of_all.update(source.read_bytes())
    return of_all.hexdigest()


def _read(path: Path) -> dict[str, Numbers]:
    """Records of a sidecar of this edition; none of any other file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            index, flat = json.loads(str(file["index"])), file["numbers"]
        if index["edition"] != edition():
            return {}
        return {name: _parts(flat, shapes) for name, shapes in index["records"].items()}
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile):
        return {}


def _parts(flat: Floats, shapes: Mapping[str, tuple[int, int]]) -> Numbers:
    parts = {name: flat[start : start + size] for name, (start, size) in shapes.items()}
    if any(part.size != shapes[name][1] for name, part in parts.items()) or flat.dtype != np.float64:
        raise ValueError("numbers: expected all that the index names, got fewer")
    return parts


def _write(path: Path, records: Mapping[str, Numbers]) -> None:
    index: dict[str, dict[str, tuple[int, int]]] = {}
    flat: list[Floats] = []
    start = 0
    for name, record in records.items():
        index[name] = {}
        for part, numbers in record.items():
            index[name][part] = (start, numbers.size)
            flat.append(numbers)
            start += numbers.size
    text = json.dumps({"edition": edition(), "records": index})
    with UnfinishedFile(path) as unfinished:
        with unfinished.open("wb") as file:
            np.savez(file, index=np.array(text), numbers=np.concatenate(flat))
        os.replace(unfinished, path)
