"""Which BLAS there is, and one thread of it where more would harm: beside our own, and on small matrices."""

import threading
from contextlib import ContextDecorator
from functools import cache
from typing import Any

import scipy.linalg  # noqa: F401 - loads its BLAS, which the controller has to find
from threadpoolctl import ThreadpoolController


class _SingleThread(ContextDecorator):
    """Context and decorator: BLAS on one thread while anyone is inside.

    The number of threads belongs to the process. So entries are counted: the first limits it, the last,
    in whatever thread, gives the threads back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._limiter: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._limiter = _controller().limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._limiter.restore_original_limits()


def description() -> str:
    """Name the BLAS libraries of this process, with their versions and the kernels that they chose.

    NumPy and SciPy may bring one each. The last bits of products depend on the kernels.
    """
    libraries = (info for info in _controller().info() if info["user_api"] == "blas")
    names = ("internal_api", "version", "architecture")
    words = (" ".join(str(info[name]) for name in names if info.get(name)) for info in libraries)
    return ", ".join(sorted(set(words))) or "unknown"


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


single_blas_thread = _SingleThread()
