"""The compilation policy of every CPU kernel, decided once.

No fastmath: IEEE operations in the written order give the same bits whatever the vector width of the
machine (LLVM fuses no multiply-add unless allowed to). error_model="numpy" drops the branch that Python's
semantics put before each division; it would keep LLVM from vectorising a loop. No wrapper for callers in C,
which takes a twentieth of the time to compile.

Every function that calls another is compiled with that one's code in it. What keeps the first run short:
few functions, no assignment of one slice to another (its error message alone takes seconds), few array types,
and wrappers for callers in Python only where Python calls. What keeps later ones short: code comes from the
cache without what Numba imports to compile.
"""

from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from numba import njit, types
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile
from numba.core.runtime import rtsys

from .stamps import stamp

POLICY: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": False, "no_cfunc_wrapper": True}

_stamp = cache(stamp)


class SourceCache(FunctionCache):
    """Numba's cache on disk, which by itself notices changes in the file that holds a function alone.

    Files are looked for when a function is first called, and most never are.

    Parameters
    ----------
    function : callable
    is_inner : bool
        Whether the code has no wrapper for callers in Python.
    """

    def __init__(self, function: Callable, is_inner: bool) -> None:
        self._name, self._py_func, self._is_inner = repr(function), function, is_inner
        self.enable()

    @cached_property
    def _impl(self) -> CompileResultCacheImpl:
        return CompileResultCacheImpl(self._py_func)

    @cached_property
    def _cache_path(self) -> str:
        return self._impl.locator.get_cache_path()

    @cached_property
    def _cache_file(self) -> IndexDataCacheFile:
        sources = _stamp(Path(self._py_func.__code__.co_filename))
        return IndexDataCacheFile(self._cache_path, self._impl.filename_base, sources)

    def _index_key(self, sig: Any, codegen: Any) -> tuple:
        return *super()._index_key(sig, codegen), self._is_inner, tuple(map(_fields, sig))

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Load compiled code, None where there is none.

        Numba makes the context ready to compile before it loads, which takes longer than to load. The
        compiler does so itself, and what is loaded needs no more than the runtime.
        """
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)


def _fields(kind: Any) -> tuple:
    """Names of the fields of a named tuple, which its callers define, and of those within it.

    The type of a named tuple tells the types of its fields alone, and the file of a function that gets one
    need not import it.
    """
    members: Any = getattr(kind, "types", ()) if isinstance(kind, types.BaseTuple) else ()
    return getattr(kind, "fields", ()), tuple(map(_fields, members))


def jit(function: Callable) -> Callable:
    """Compile `function` to machine code that runs without the GIL and is cached beside its source.

    Where that folder cannot be written the cache is in the user's own, or in NUMBA_CACHE_DIR.
    """
    return _dispatcher(function, POLICY)


def inlined(function: Callable) -> Callable:
    """As `jit`, for a scalar function that a loop calls.

    LLVM vectorises no loop that holds a call, and leaves long functions as calls unless forced.
    """
    return _dispatcher(function, {**POLICY, "forceinline": True})


def _dispatcher(function: Callable, policy: dict[str, Any]) -> Callable:
    """What Python calls, which hands callers in compiled code on to code without a wrapper for Python."""

    @cache
    def inner() -> Any:
        dispatcher: Any = njit(**{**policy, "no_cpython_wrapper": True})(function)
        dispatcher._cache = SourceCache(function, is_inner=True)
        return dispatcher

    dispatcher: Any = njit(**policy)(function)
    dispatcher._cache = SourceCache(function, is_inner=False)
    dispatcher.get_call_template = lambda args, kws: inner().get_call_template(args, kws)
    dispatcher.get_overload = lambda sig: inner().get_overload(sig)
    return dispatcher
