"""Proof that a device computes what it should: known answers, every operation, a small experiment.

Sizes are odd on purpose: 1, and one less and one more than a warp or a vector.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.resources import files
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import kernels, sampling
from ..batch import montecarlo
from ..batch.montecarlo import Batch, Record
from ..experiment import Cell, Experiment
from ..results.provenance import provenance
from .table import Check, Verification, check

SIZES = (1, 7, 31, 33, 65)
PRECISIONS = ("float64", "float32")
STREAM = np.array([0xA4093822, 0x299F31D0, 0x13198A2E, 0x03707344], np.uint32)

EXPERIMENT = """
name = "verify"
seed = 20250505
trials = 3
[model]
architecture = ["linear", "hidden"]
loss = {losses}
[grid]
n_features = 33
n_samples = 70
n_classes = 11
n_hidden = 4
[measure]
method = "{method}"
statistics = ["histogram", "moments", "extremes", "eigenvalues"{masses}]
bins = 50
precision = "{precision}"
"""
METHODS = {
    "dense": {"losses": '["ce", "mse"]', "masses": ', "masses"'},
    "structured": {"losses": '["mse"]', "masses": ""},
}
"""What of the experiment each method can compute."""


def verify(device: str = "gpu") -> Verification:
    """Compare a device with known answers, with the reference and, trial by trial, with the CPU.

    Of a GPU, also each installed routine for eigenvalues with LAPACK, and trials of a batch with the same
    trials alone. Where the device gives up, with LinAlgError, DeviceError or MemoryError, its row has failed.

    Raises
    ------
    DeviceError
        If the device cannot be loaded.
    """
    ops = kernels.load(device)
    checks = [_philox(ops)]
    for precision in PRECISIONS:
        checks.append(_bits(ops, "normals", precision, STREAM, 1, 100_003, precision))
        degrees = np.linspace(0, 40, 10_007).astype(precision)
        checks.append(_bits(ops, "chi", precision, STREAM, 1, degrees))
        checks += [_reference(ops, name, precision) for name in kernels.OPERATIONS]
        for method in METHODS:
            checks += _trials(device, method, precision)
    description = dict(provenance(device))
    if device == "gpu":
        from . import gpu

        for precision in PRECISIONS:
            checks += [*gpu.routines(precision), *gpu.batches(precision)]
        description |= gpu.missing()
    return Verification(device, description, tuple(checks))


def _equal(found: NDArray, wanted: NDArray) -> float:
    """0 for the same bits, infinity otherwise."""
    same = found.dtype == wanted.dtype and found.tobytes() == wanted.tobytes()
    return 0.0 if same else np.inf


def _philox(ops: ModuleType) -> Check:
    text = (files("rmtsim.data") / "known_answers" / "philox4x32.txt").read_text(encoding="utf-8")
    rows = [line.split()[2:] for line in text.splitlines() if line.split()[:2] == ["philox4x32", "10"]]
    words = np.array([[int(word, 16) for word in row] for row in rows], np.uint32)

    def error() -> float:
        return max(_equal(ops.philox4x32(row[None, :4], row[4:6])[0], row[6:]) for row in words)

    return check("known answers", "philox4x32", "-", error)


def _bits(ops: ModuleType, name: str, precision: str, *arguments: Any) -> Check:
    """The same bits as the CPU; the reference is allowed rounding."""
    if ops is kernels.load("reference"):
        return _reference(ops, name, precision)
    wanted = getattr(kernels.load("cpu"), name)(*arguments)
    return check("bits", name, precision, lambda: _equal(getattr(ops, name)(*arguments), wanted))


# Every operation against the reference ---------------------------------------------------------------------


def _matrix(rng: np.random.Generator, rows: int, columns: int) -> NDArray:
    return rng.normal(size=(rows, columns))


def _square(rng: np.random.Generator, n: int) -> tuple[NDArray]:
    A = _matrix(rng, n, n)
    return (A + A.T,)


def _form(rng: np.random.Generator, n: int) -> tuple[NDArray, NDArray]:
    return rng.normal(size=n), rng.normal(size=n - 1)


def _softmax(rng: np.random.Generator, n: int) -> tuple[NDArray, NDArray]:
    return _matrix(rng, n, 5), _matrix(rng, 2 * n + 1, 5)


CASES: dict[str, Callable[[np.random.Generator, int], tuple]] = {
    "log_normalizers": _softmax,
    "softmax_tops": lambda rng, n: tuple(3 * a for a in _softmax(rng, n)),
    "class_probabilities": lambda rng, n: (*_softmax(rng, n), np.array([0, 2 * n])),
    "class_means": _softmax,
    "class_mass_totals": _softmax,
    "class_covariances": lambda rng, n: (*_softmax(rng, n), np.array([[0, 0], [4, 1]])),
    "class_weights": lambda rng, n: (rng.random(n), rng.random(n), n % 2 == 0),
    "gated_weights": lambda rng, n: tuple(rng.normal(size=(3, n))),
    "weighted_gram": lambda rng, n: (_matrix(rng, n, n + 2), rng.normal(size=n)),
    "eigenvalues": _square,
    "tridiagonal": _square,
    "sturm_counts": lambda rng, n: (*_form(rng, n), rng.normal(size=n)),
    "histogram": lambda rng, n: (*_form(rng, n), np.linspace(-3.1, 3.3, n + 2)),
    "extremes": _form,
    "moments": _form,
    "masses": lambda rng, n: (*_square(rng, n), _matrix(rng, n, 3)),
    "gram_sum": lambda rng, n: (_matrix(rng, 3, n),),
    "spectral_statistics": lambda rng, n: (
        _matrix(rng, 3, n),
        _matrix(rng, 3, n - 1),
        np.array([1.0, -0.5, 2.0]),
        np.linspace(-3.1, 3.3, n + 2),
    ),
    "wishart_forms": lambda rng, n: (_streams(rng, 1)[:, 0], [n, 3], 7, np.array([1.0, -0.5])),
    "wedge_forms": lambda rng, n: (_streams(rng, 2), [n, 3], _grams(rng), 7, np.array([1.0, -0.5])),
    "banded_counts": lambda rng, n: (_matrix(rng, 3, n), np.linspace(-3.1, 3.3, n)),
    "banded_statistics": lambda rng, n: (
        rng.normal(size=(2, 3, n)),
        np.array([1.0, -0.5]),
        np.linspace(-3.1, 3.3, n + 2),
    ),
}
"""Arguments of the operations that take arrays of reals, by size."""


def _arguments(name: str, n: int, precision: str) -> tuple:
    rng, dtype = np.random.default_rng(n), np.dtype(precision)
    if name in CASES:
        given = CASES[name](rng, n)
        return tuple(x.astype(dtype) if getattr(x, "dtype", None) == np.float64 else x for x in given)
    blocks = np.array([[0, 0], [2, 1]])
    drawn = {
        "philox4x32": (rng.integers(0, 2**32, (n, 4), np.uint32), STREAM[:2]),
        "uniforms": (STREAM, n, n, dtype),
        "normals": (STREAM, n, n, dtype, 1.5),
        "labels": (STREAM, n, n, 10),
        "linear_forms": (_streams(rng, 2), (2 * n, n, 3), "ce", blocks, dtype),
        "hidden_forms": (_streams(rng, 3), (2 * n, n, 3, 4), "ce", blocks, blocks, dtype),
        "chi": (STREAM, n, rng.uniform(1, 60, n).astype(dtype)),
        "half_space_counts": (_streams(rng, 1)[:, 0], 3 * n + 1),
        "wedge_samples": (_streams(rng, 2), n + 1, 3 * n + 1, (0, 2), dtype),
        "output_grams": (_streams(rng, 1)[:, 0], n, 4, blocks, dtype),
    }
    return drawn[name]


def _streams(rng: np.random.Generator, roles: int) -> NDArray[np.uint32]:
    """Streams of two trials."""
    return rng.integers(0, 2**32, (2, roles, 4), np.uint32)


def _grams(rng: np.random.Generator) -> NDArray[np.float64]:
    """Gram matrices of two trials."""
    P = rng.normal(size=(2, 4, 2))
    return P.transpose(0, 2, 1) @ P


def _result(ops: ModuleType, name: str, arguments: tuple) -> NDArray:
    """Arrays that an operation returns, in a row; of tridiagonal forms, not unique, the eigenvalues."""
    result = getattr(ops, name)(*arguments)
    if name in ("tridiagonal", "linear_forms"):
        return _spectra(*result)
    if name == "hidden_forms":
        return np.concatenate([_spectra(*result.hidden), _spectra(*result.classes), result.scales], axis=-1)
    return np.concatenate([part.ravel() for part in result]) if isinstance(result, tuple) else result


def _spectra(diagonals: NDArray, off_diagonals: NDArray) -> NDArray[np.float64]:
    """Eigenvalues of tridiagonal matrices (..., n), one after another in the last axis but the first."""
    i = np.arange(diagonals.shape[-1])
    matrices = np.zeros((*diagonals.shape, len(i)))
    matrices[..., i, i] = diagonals
    matrices[..., i[1:], i[:-1]] = off_diagonals
    return np.linalg.eigvalsh(matrices).reshape(*diagonals.shape[:1], -1)


def _reference(ops: ModuleType, name: str, precision: str) -> Check:
    return check("reference", name, precision, lambda: _parity(ops, name, precision))


def _parity(ops: ModuleType, name: str, precision: str) -> float:
    """Integers and uniforms must be equal; sums of n terms are allowed 4 (n + 8) eps of the largest."""
    errors = []
    for n in SIZES:
        arguments = _arguments(name, n, precision)
        found, wanted = (_result(module, name, arguments) for module in (ops, kernels.load("reference")))
        if wanted.dtype.kind in "iu" or name == "uniforms":
            errors.append(_equal(found, wanted))
        else:
            scale = max(1.0, float(np.abs(wanted).max(initial=0.0)))
            errors.append(_distance(found, wanted, 4 * (n + 8) * float(np.finfo(precision).eps) * scale))
    return max(errors)


def _distance(found: NDArray, wanted: NDArray, allowed: float) -> float:
    """Largest difference in units of `allowed`; infinite if NaN."""
    if found.shape != wanted.shape:
        return np.inf
    return float(np.nan_to_num(np.abs(found - wanted).max(initial=0.0) / (allowed or 1.0), nan=np.inf))


# Trials ----------------------------------------------------------------------------------------------------


def _trials(device: str, method: str, precision: str) -> Iterator[Check]:
    """Records of a small experiment: 256 eps of the largest are allowed, counts must be equal."""
    text = EXPERIMENT.format(method=method, precision=precision, **METHODS[method])
    experiment = Experiment.from_text(text)
    for cell in experiment.cells:
        name = f"{cell.architecture} {cell.loss if method == 'dense' else method}"
        yield check("trials", name, precision, partial(_trials_error, device, experiment, cell, precision))


def _trials_error(device: str, experiment: Experiment, cell: Cell, precision: str) -> float:
    allowed = 256 * float(np.finfo(precision).eps)
    edges = sampling.pilot_edges(experiment, cell)
    wanted = [sampling.run_trial(experiment, cell, trial, edges) for trial in range(experiment.trials)]
    found = _records(device, experiment, Batch(cell, 0, experiment.trials), edges)
    return max(_record_error(a, b, allowed) for a, b in zip(found, wanted, strict=True))


def _records(device: str, experiment: Experiment, batch: Batch, edges: NDArray[np.float64]) -> list[Record]:
    every = {batch.cell.index: edges}
    ((_, records),) = montecarlo.run_batches(experiment, [batch], every, device=device)
    return records


def _record_error(found: Mapping[str, Any], wanted: Mapping[str, Any], allowed: float) -> float:
    errors = [
        _equal(found[name], value)
        if value.dtype.kind == "i"
        else _distance(found[name], value, allowed * float(np.abs(value).max(initial=0.0)))
        for name, value in wanted.items()
    ]
    return max(errors)
