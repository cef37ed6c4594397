"""How long the GPU kernels take, beside the least that their memory traffic or arithmetic can take.

The floors are measured on the same device: bandwidth by copying an array, arithmetic by a product of matrices
of the same precision. A kernel that takes twice its floor leaves a factor of two at most.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from .. import kernels
from ..experiment.streams import Role, stream
from ..kernels.gpu import eigen, random, softmax, spectra
from ..kernels.gpu import matrices as gpu_matrices
from ..kernels.gpu.device import cupy, describe, empty, in_a_line, products, to_device
from ..results.provenance import provenance
from ..table import columns, pairs, table

REPEATS = 5
EDGES = np.linspace(0.0, 4.0, 201)

KERNEL_COLUMNS = columns("kernel", "precision", "ms:.3f", "floor, ms:.3f", "ratio:.2f", "floor counts")
RATE_COLUMNS = columns("", ":>", "")


class Sizes(NamedTuple):
    """Sizes of the benchmark: a batch of linear ce trials, and the length of long arrays."""

    trials: int = 256
    n_features: int = 200
    n_samples: int = 400
    n_classes: int = 1000
    numbers: int = 1 << 24
    order: int = 4096
    """Of the matrices whose product measures the arithmetic."""


class Timing(NamedTuple):
    """One kernel: seconds, the floor in seconds, and what the floor counts."""

    name: str
    precision: str
    seconds: float
    floor: float
    bound: str


class Rate(NamedTuple):
    """Work done per second by one way to do it."""

    name: str
    per_second: float
    """0 where it cannot be done."""
    unit: str
    note: str = ""
    """Why it cannot."""


@dataclass(frozen=True)
class Benchmark:
    """What `bench` measured."""

    description: Mapping[str, str]
    timings: tuple[Timing, ...]
    rates: tuple[Rate, ...]

    def format(self) -> str:
        """Tables of kernels and of rates."""
        kernels = (
            (t.name, t.precision, 1e3 * t.seconds, 1e3 * t.floor, t.seconds / t.floor, t.bound)
            for t in self.timings
        )
        rates = ((r.name, f"{r.per_second:.4g} {r.unit}/s", r.note) for r in self.rates)
        tables = table(KERNEL_COLUMNS, kernels), table(RATE_COLUMNS, rates)[1:]
        return "\n\n".join("\n".join(lines) for lines in (pairs(self.description.items()), *tables))


def bench(sizes: Sizes | None = None) -> Benchmark:
    """Time the kernels of the current GPU.

    Raises
    ------
    DeviceError
        If there is none.
    """
    cupy()
    sizes = sizes or Sizes()
    timings = [timing for dtype in (np.float64, np.float32) for timing in _timings(sizes, np.dtype(dtype))]
    return Benchmark({**provenance("gpu"), **describe()}, tuple(timings), tuple(_rates(sizes)))


def seconds(run: Callable[[], Any], repeats: int | None = None) -> float:
    """Least time of some runs, the first of which, with its compilation, does not count."""
    stream_ = cupy().cuda.get_current_stream()
    times = []
    for _ in range((repeats or REPEATS) + 1):
        stream_.synchronize()
        start = perf_counter()
        run()
        stream_.synchronize()
        times.append(perf_counter() - start)
    return min(times[1:])


def _floors(sizes: Sizes, dtype: np.dtype) -> tuple[float, float]:
    """Seconds per byte moved, and per floating-point operation."""
    array = cupy().zeros((sizes.numbers,), dtype)
    square = cupy().zeros((1, sizes.order, sizes.order), dtype)
    per_byte = seconds(array.copy) / (2 * array.nbytes)
    return per_byte, seconds(lambda: products(square, square)) / (2 * sizes.order**3)


def _streams(count: int) -> Any:
    return to_device(np.array([stream(1, 0, trial, Role.X) for trial in range(count)]))


def _samples(sizes: Sizes, dtype: np.dtype) -> Any:
    """Normals (T, N, d)."""
    T, d, N = sizes[:3]
    X = empty((T, N * d), dtype)
    random.draw_normals(_streams(T), 0, dtype.type(1), X)
    return X.reshape(T, N, d)


def _timings(sizes: Sizes, dtype: np.dtype) -> list[Timing]:
    """The kernels that dominate, one by one."""
    T, d, N, C = sizes[:4]
    per_byte, per_flop = _floors(sizes, dtype)
    X, streams, one = _samples(sizes, dtype), _streams(1), dtype.type(1)
    numbers = empty((1, sizes.numbers), dtype)
    running, logits = softmax.RunningSoftmax(X), cupy().zeros((T, N, C), dtype)
    weights = to_device(np.ones((T, N)))
    grams = gpu_matrices.trial_grams(X, weights)
    forms, edges = spectra.FewDiagonals(*eigen.trial_tridiagonals(grams.copy())), to_device(EDGES)
    moved: dict[str, tuple[Callable[[], Any], float]] = {
        "normals": (lambda: random.draw_normals(streams, 0, one, numbers), numbers.nbytes),
        "fold_tile": (lambda: running.fold(logits), 2 * logits.nbytes),
    }
    operations: dict[str, tuple[Callable[[], Any], float]] = {
        "weighted_gram": (lambda: gpu_matrices.trial_grams(X, weights), 2 * T * N * d * d),
        "tridiagonal": (lambda: eigen.trial_tridiagonals(grams.copy()), T * 4 / 3 * d**3),
        "counts": (lambda: forms.counts(edges), 4 * T * d * len(EDGES)),
    }
    return [
        Timing(name, dtype.name, seconds(run), count * unit, bound)
        for table, unit, bound in ((moved, per_byte, "bytes"), (operations, per_flop, "operations"))
        for name, (run, count) in table.items()
    ]


Runs = dict[str, tuple[Callable[[], Any], int, str]]


def _rates(sizes: Sizes) -> list[Rate]:
    """Trials per second from streams to statistics, and the same work in other libraries."""
    X, streams, one = _samples(sizes, np.dtype(np.float64)), _streams(1), np.float64(1)
    ours = empty((1, sizes.numbers))
    grams = gpu_matrices.trial_grams(X, to_device(np.ones(X.shape[:2])))
    count, T = sizes.numbers, sizes.trials

    def bisected() -> Any:
        return spectra.FewDiagonals(*eigen.householder(grams.copy())).eigenvalues()

    runs: Runs = {
        "normals, ours": (lambda: random.draw_normals(streams, 0, one, ours), count, "numbers"),
        "normals, cupy.random": (lambda: cupy().random.standard_normal(count), count, "numbers"),
        "eigenvalues, ours": (bisected, T, "matrices"),
        "eigenvalues, cuSOLVER": (lambda: eigen.by_cusolver(grams.copy()), T, "matrices"),
        **(_torch_runs(grams, count) if find_spec("torch") else {}),
    }
    trials = [Rate(f"trials, {name}", _trials_per_second(name, sizes), "trials") for name in ("gpu", "cpu")]
    return trials + [_rate(name, *run) for name, run in runs.items()]


def _rate(name: str, run: Callable[[], Any], done: int, unit: str) -> Rate:
    """Work per second of what may need a library that is not there, or more memory than there is."""
    try:
        return Rate(name, done / seconds(run), unit)
    except (ImportError, OSError, RuntimeError, MemoryError) as error:
        return Rate(name, 0.0, unit, f"failed: {in_a_line(error)}")


def _torch_runs(grams: Any, count: int) -> Runs:
    """The same work in PyTorch, imported when it is run: a build of it may not load."""

    def normals() -> None:
        torch, matrices = _torch_and(grams)
        torch.randn(count, device=matrices.device, dtype=torch.float64)
        torch.cuda.synchronize()

    def eigenvalues() -> None:
        torch, matrices = _torch_and(grams)
        torch.linalg.eigvalsh(matrices)
        torch.cuda.synchronize()

    return {
        "normals, torch.randn": (normals, count, "numbers"),
        "eigenvalues, torch.linalg.eigvalsh": (eigenvalues, len(grams), "matrices"),
    }


def _torch_and(array: Any) -> tuple[Any, Any]:
    """PyTorch, and the array of the GPU as one of its own, not copied."""
    torch = import_module("torch")
    if not torch.cuda.is_available():
        raise kernels.DeviceError(f"PyTorch {torch.__version__} finds no GPU that it can use")
    return torch, torch.from_dlpack(array)


def _trials_per_second(device: str, sizes: Sizes) -> float:
    """Linear ce trials, two blocks each, by one call; on the CPU by one thread and for a few trials."""
    T, d, N, C = sizes[:4]
    ops, count = kernels.load(device), T if device == "gpu" else min(T, 4)
    streams = np.array([[stream(1, 0, trial, role) for role in (Role.X, Role.V)] for trial in range(count)])

    def run() -> None:
        forms = ops.linear_forms(streams, (N, d, C), "ce", [[0, 0], [0, 1]]).classes
        for block in range(2):
            form = forms.diagonals[:, block], forms.off_diagonals[:, block]
            ops.spectral_statistics(*form, np.ones(count), EDGES)

    return count / seconds(run)
