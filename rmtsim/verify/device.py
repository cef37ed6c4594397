"""Proof that a device computes what it should: known answers, every operation, a small experiment.

Sizes are odd on purpose: 1, and one less and one more than a warp or a vector.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import kernels, sampling
from ..batch import Batch, run_batches
from ..experiment import Cell, Experiment
from ..results.provenance import provenance
from ..statistics import Record
from .cases import STREAM, difference, parity
from .table import Check, Verification, check

SIZES = (1, 7, 31, 33, 65)
PRECISIONS = ("float64", "float32")

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

    Of a GPU, also eigenvalues of large matrices with LAPACK's, and matrices and trials of a batch with the
    same ones alone. Where the device gives up, with LinAlgError, DeviceError or MemoryError, its row has
    failed.

    Raises
    ------
    DeviceError
        If the device cannot be loaded.
    """
    ops = kernels.load(device)
    names = [name for name in kernels.OPERATIONS if name not in ops.lacks]
    checks = [_philox(ops)]
    for precision in PRECISIONS:
        long = {
            "normals": (STREAM, 1, 100_003, precision),
            "chi": (STREAM, 1, np.linspace(0, 40, 10_007).astype(precision)),
        }
        checks += [_bits(ops, name, precision, *long[name]) for name in long if name in names]
        checks += [_reference(ops, name, precision) for name in names]
        for method in METHODS:
            checks += _trials(device, method, precision)
    description = dict(provenance(device))
    if ops.lacks:
        description["without operations"] = ", ".join(ops.lacks)
    if device == "gpu":
        from . import gpu

        for precision in PRECISIONS:
            checks += [*gpu.matrices(precision), *gpu.batches(precision)]
    return Verification(device, description, tuple(checks))


def _equal(ours: NDArray, expected: NDArray) -> float:
    """0 for the same bits, infinity otherwise."""
    same = ours.dtype == expected.dtype and ours.tobytes() == expected.tobytes()
    return 0.0 if same else np.inf


def _philox(ops: kernels.Operations) -> Check:
    text = (files("rmtsim.data") / "known_answers" / "philox4x32.txt").read_text(encoding="utf-8")
    rows = [line.split()[2:] for line in text.splitlines() if line.split()[:2] == ["philox4x32", "10"]]
    words = np.array([[int(word, 16) for word in row] for row in rows], np.uint32)

    def error() -> float:
        return max(_equal(ops.philox4x32(row[None, :4], row[4:6])[0], row[6:]) for row in words)

    return check("known answers", "philox4x32", "-", error)


def _bits(ops: kernels.Operations, name: str, precision: str, *arguments: Any) -> Check:
    """The same bits as the CPU; the reference is allowed rounding."""
    if ops is kernels.load("reference"):
        return _reference(ops, name, precision)
    expected = getattr(kernels.load("cpu"), name)(*arguments)
    return check("bits", name, precision, lambda: _equal(getattr(ops, name)(*arguments), expected))


def _reference(ops: kernels.Operations, name: str, precision: str) -> Check:
    """The case of an operation at every size."""
    return check("reference", name, precision, lambda: max(parity(ops, name, n, precision) for n in SIZES))


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
    expected = [sampling.run_trial(experiment, cell, trial, edges) for trial in range(experiment.trials)]
    records = _records(device, experiment, Batch(cell, 0, experiment.trials), edges)
    return max(_record_error(a, b, allowed) for a, b in zip(records, expected, strict=True))


def _records(device: str, experiment: Experiment, batch: Batch, edges: NDArray[np.float64]) -> list[Record]:
    every = {batch.cell.index: edges}
    ((_, records),) = run_batches(experiment, [batch], every, device=device)
    return [{name: values[t] for name, values in records.items()} for t in range(batch.size)]


def _record_error(record: Mapping[str, Any], expected: Mapping[str, Any], allowed: float) -> float:
    errors = [
        difference(record[name], value, allowed * float(np.abs(value).max(initial=0.0)))
        for name, value in expected.items()
    ]
    return max(errors)
