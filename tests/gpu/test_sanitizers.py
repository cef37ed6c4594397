"""Every kernel at tiny sizes under AddressSanitizer and ThreadSanitizer, and faults that they must report."""

from collections.abc import Iterator

import numpy as np
import pytest

from rmtsim import kernels
from rmtsim.kernels.gpu import device, sources

from ..emulator.module import EmulatorError
from ..emulator.sanitized import Module
from .checks import forget_kernels
from .mutants import BARRIER

pytestmark = [pytest.mark.slow, pytest.mark.emulated]


@pytest.fixture(params=["address", "thread"])
def sanitizer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Module, "sanitizer", request.param)
    monkeypatch.setattr(device.cupy(), "RawModule", Module)
    forget_kernels()
    yield request.param
    forget_kernels()


STREAM = np.array([1, 2, 3, 4], np.uint32)


def run_random(dtype: type) -> None:
    gpu = kernels.load("gpu")
    gpu.philox4x32(np.ones((3, 4), np.uint32), STREAM[:2])
    gpu.uniforms(STREAM, 1, 5, dtype)
    gpu.normals(STREAM, 1, 5, dtype)
    gpu.labels(STREAM, 1, 5, 10)


def run_classes(dtype: type) -> None:
    gpu, rng = kernels.load("gpu"), np.random.default_rng(1)
    features, V = rng.normal(size=(2, 3)).astype(dtype), rng.normal(size=(140, 3)).astype(dtype)
    gpu.class_probabilities(features, V, [0, 139], tile=130)
    gpu.class_means(features, V)
    gpu.class_covariances(features, V, [[0, 0], [2, 1]], tile=139)


def run_tops(dtype: type) -> None:
    gpu, features, V = kernels.load("gpu"), np.eye(3, dtype=dtype), 40 * np.eye(4, 3, dtype=dtype)
    gpu.linear_masses(features, V, "ce", tile=3)
    gpu.class_covariances(features, V, [[0, 0], [2, 1]], tile=3)


def run_weights(dtype: type) -> None:
    gpu, p = kernels.load("gpu"), np.linspace(-1, 1, 5).astype(dtype)
    gpu.class_weights(p, p, True)
    gpu.gated_weights(p, p, 2.0)


def run_gram(dtype: type) -> None:
    gpu, X = kernels.load("gpu"), np.random.default_rng(2).normal(size=(9, 3)).astype(dtype)
    gpu.weighted_gram(X, X[:, 0])
    gpu.gram_sum(X)
    gpu.masses(X @ X.T, X)


def run_householder(dtype: type) -> None:
    X = np.random.default_rng(3).normal(size=(6, 5)).astype(dtype)
    kernels.load("gpu").tridiagonal(X.T @ X)


def run_spectra(dtype: type) -> None:
    gpu = kernels.load("gpu")
    a, b = np.arange(5.0).astype(dtype), np.ones(4, dtype)
    gpu.histogram(a, b, [0.0, 1.0, 2.0])
    gpu.extremes(a, b)
    gpu.moments(a, b)
    gpu.eigenvalues(np.diag(a))


def run_structured(dtype: type) -> None:
    gpu, words = kernels.load("gpu"), np.arange(16, dtype=np.uint32).reshape(2, 2, 4)
    gpu.chi(STREAM, 1, [0.5, 2.0, 0.0])
    gpu.half_space_counts(words[:, 0], 5)
    gpu.wishart_forms(words[:, 0], [2, 7], 5, [1.0, 2.0])
    gpu.wedge_forms(words, [2, 7], np.ones((2, 2, 2)), 5, [1.0, 2.0])
    gpu.wedge_samples(words, 3, 5)


def run_layers(dtype: type) -> None:
    gpu, words = kernels.load("gpu"), np.arange(16, dtype=np.uint32).reshape(2, 2, 4)
    gpu.wedge_samples(words, 3, 5, (0, 1), dtype)
    gpu.output_grams(words[:, 0], 5, 3, [[0, 0], [2, 1]], dtype)


def run_banded(dtype: type) -> None:
    gpu, bands = kernels.load("gpu"), np.random.default_rng(4).normal(size=(2, 3, 5))
    bands[0, 0, 3:], bands[0, 1, 2:], bands[0, 2, 1:] = 0, 0, 0
    gpu.banded_statistics(bands, [1.0, 2.0], [0.0, 1.0, 2.0])


def run_masses(dtype: type) -> None:
    gpu, X, V = kernels.load("gpu"), np.eye(4, 3, dtype=dtype), 40 * np.eye(5, 3, dtype=dtype)
    V[3:] = 0.5  # of the last sample it is not sure
    for loss in ("ce", "mse"):
        gpu.hidden_masses(X, np.eye(3, dtype=dtype), V, loss, np.array([0, 4, 2, 1]), tile=3)


RUNS = {
    "random": run_random,
    "classes": run_classes,
    "tops": run_tops,
    "weights": run_weights,
    "gram": run_gram,
    "householder": run_householder,
    "spectra": run_spectra,
    "structured": run_structured,
    "layers": run_layers,
    "banded": run_banded,
    "masses": run_masses,
}


@pytest.mark.parametrize("unit", sources.UNITS)
def test_no_kernel_is_reported(sanitizer: str, unit: str) -> None:
    for dtype in (np.float32, np.float64) if unit in sources.REAL_UNITS else (np.float64,):
        RUNS[unit](dtype)


@pytest.mark.parametrize(
    ("sanitizer", "unit", "text", "replacement", "report"),
    [
        ("address", "spectra", "if (i < n - 1) square", "square", "AddressSanitizer: heap-buffer-overflow"),
        (
            "address",
            "gram",
            "row < rows; row +=",
            "row <= rows; row +=",
            "AddressSanitizer: heap-buffer-overflow",
        ),
        ("address", "banded", "i < rows - 2 ?", "i < rows + 4 ?", "AddressSanitizer: heap-buffer-overflow"),
        ("address", "layers", "k < d;", "k <= d;", "AddressSanitizer: heap-buffer-overflow"),
        ("address", "masses", "i < rows * k;", "i <= rows * k;", "AddressSanitizer: heap-buffer-overflow"),
        ("thread", "householder", BARRIER, ";", "ThreadSanitizer: data race"),
        ("thread", "structured", BARRIER, ";", "ThreadSanitizer: data race"),
        ("thread", "spectra", BARRIER, ";", "ThreadSanitizer: data race"),
    ],
    indirect=["sanitizer"],
)
def test_planted_faults_are_reported(
    monkeypatch, sanitizer: str, unit: str, text: str, replacement: str, report: str
) -> None:
    sound = sources.source
    assert text in sound(unit)
    monkeypatch.setattr(sources, "source", lambda name: sound(name).replace(text, replacement))
    with pytest.raises(EmulatorError, match=report):
        RUNS[unit](np.float64)
