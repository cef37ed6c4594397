"""The compilation policy of every CPU kernel, decided once.

No fastmath: IEEE operations in the written order give the same bits whatever the vector width of the
machine (LLVM fuses no multiply-add unless allowed to). error_model="numpy" drops the branch that Python's
semantics put before each division; it would keep LLVM from vectorising a loop. No wrapper for callers in C,
which takes a twentieth of the time to compile.

Every function that calls another is compiled with that one's code in it. What keeps the first run short:
few functions, no assignment of one slice to another (its error message alone takes seconds), few array types.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit
from numba.core.caching import CompileResultCacheImpl, FunctionCache

POLICY: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": False, "no_cfunc_wrapper": True}


def hash_sources(folder: Path) -> str:
    """Hash of the names and contents of all source files in a folder and those below it."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder)} {len(content)} ".encode() + content)
    return digest.hexdigest()


SOURCES = hash_sources(Path(__file__).parents[1])
"""Of kernels/cpu, in any file of which there may be code that is compiled into others."""


class _Located:
    """Where a function's cache is, stamped with all sources: code of other files is compiled into it."""

    def __init__(self, locator: Any) -> None:
        self._locator = locator

    def __getattr__(self, name: str) -> Any:
        return getattr(self._locator, name)

    def get_source_stamp(self) -> tuple[Any, str]:
        return self._locator.get_source_stamp(), SOURCES


class _CacheFiles(CompileResultCacheImpl):
    @property
    def locator(self) -> _Located:
        return _Located(super().locator)


class SourceCache(FunctionCache):
    """Numba's cache on disk, which by itself notices changes in the file that holds a function alone."""

    _impl_class = _CacheFiles


def jit(function: Callable) -> Callable:
    """Compile `function` to machine code that runs without the GIL and is cached beside its source.

    Where that folder cannot be written the cache is in the user's own, or in NUMBA_CACHE_DIR.
    """
    return _cached(njit(**POLICY)(function))


def inlined(function: Callable) -> Callable:
    """As `jit`, for a scalar function that a loop calls.

    LLVM vectorises no loop that holds a call, and leaves long functions as calls unless forced.
    """
    return _cached(njit(**POLICY, forceinline=True)(function))


def _cached(dispatcher: Any) -> Callable:
    dispatcher._cache = SourceCache(dispatcher.py_func)
    return dispatcher
