"""What every kernel must do on the emulator, by compilation unit: `CHECKS[unit]()` raises if it does not.

The tests run these checks on the sources as they are, and on sources with planted faults, which must fail
them. Each result is computed under several schedules, which must agree to the bit.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rmtsim import kernels
from rmtsim.kernels.cpu.compiled import classes as cpu_classes
from rmtsim.kernels.gpu import device, eigen
from rmtsim.kernels.gpu import matrices as gpu_matrices
from rmtsim.kernels.gpu import pair_sums as gpu_sums
from rmtsim.kernels.gpu import random as gpu_random
from rmtsim.kernels.gpu import softmax as gpu_softmax
from rmtsim.kernels.gpu import tops as gpu_tops
from rmtsim.kernels.gpu import weights as gpu_weights
from rmtsim.kernels.gpu.spectra import FewDiagonals
from rmtsim.kernels.host.tops import SoftmaxTops

from ..emulator.module import Module

SCHEDULES = range(6)
SIZES = (0, 1, 31, 32, 33, 1000)
DTYPES = (np.float32, np.float64)
SHAPES = ((32, 1), (96, 2), (256, 4096))
"""Threads to a block and most blocks of elementwise launches."""
KNOWN_ANSWERS = Path(__file__).parents[2] / "data" / "known_answers" / "philox4x32.txt"


def forget_kernels() -> None:
    """Let every kernel be compiled anew when it is next asked for."""
    device._function.cache_clear()
    device._module.cache_clear()


@contextmanager
def launched(threads: int, grid_limit: int) -> Iterator[None]:
    """Elementwise launches of the given shape."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(device, "THREADS", threads)
        patch.setattr(device, "GRID_LIMIT", grid_limit)
        yield


def same_bits(compute: Callable[[], Any], schedules: range = SCHEDULES) -> np.ndarray:
    """The result on the device, which all schedules must agree on, in NumPy."""
    results = []
    with pytest.MonkeyPatch.context() as patch:
        for seed in schedules:
            patch.setattr(Module, "seed", seed)
            results.append(device.to_host(compute()))
    for seed, result in zip(schedules, results, strict=True):
        assert result.tobytes() == results[0].tobytes(), f"schedule {seed} gives other bits"
    return results[0]


def close(found: np.ndarray, wanted: np.ndarray, dtype: type, terms: int, scale: float = 1.0) -> None:
    """Within the rounding of a sum of `terms` numbers of size `scale`, a few operations to a term."""
    bound = 4 * (terms + 8) * np.finfo(dtype).eps * max(scale, np.abs(wanted).max(initial=0.0))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=bound)


def random() -> None:
    """Known answers of Philox; the bits of the CPU for every launch shape."""
    rows = (line.split() for line in KNOWN_ANSWERS.read_text().splitlines())
    for words in ([int(w, 16) for w in row[2:]] for row in rows if row[:2] == ["philox4x32", "10"]):
        counter, key, answer = np.split(np.array(words, np.uint32), [4, 6])
        np.testing.assert_array_equal(kernels.load("gpu").philox4x32(counter[None], key), answer[None])
    streams = np.random.default_rng(1).integers(0, 2**32, (3, 4), np.uint32)
    for start, size in [*((5, size) for size in SIZES), (0, 33), (2**64 - 40, 40), (3 << 32, 7)]:
        for dtype in DTYPES:
            random_bits(streams, start, size, dtype)
    for dtype in DTYPES:
        many_normals(streams[0], dtype)


def random_bits(streams: np.ndarray, start: int, size: int, dtype: type) -> None:
    """Draws of several trials at once: the same bits as the CPU draws one by one."""
    cpu, given, shape = kernels.load("cpu"), device.to_device(streams), (len(streams), size)
    scale = dtype(1.5)

    def drawn(draw: Callable, *arguments: Any, dtype: type = dtype) -> Any:
        out = device.empty(shape, dtype)
        draw(given, start, *arguments, out)
        return out

    for threads, limit in SHAPES:
        with launched(threads, limit):
            uniforms = same_bits(lambda: drawn(gpu_random.draw_uniforms), range(2))
            normals = same_bits(lambda: drawn(gpu_random.draw_normals, scale), range(2))
            labels = same_bits(lambda: drawn(gpu_random.draw_labels, 1000, dtype=np.int64), range(2))
        for row, stream in enumerate(streams):
            np.testing.assert_array_equal(uniforms[row], cpu.uniforms(stream, start, size, dtype))
            np.testing.assert_array_equal(normals[row], cpu.normals(stream, start, size, dtype, 1.5))
            np.testing.assert_array_equal(labels[row], cpu.labels(stream, start, size, 1000))


def many_normals(stream: np.ndarray, dtype: type) -> None:
    """Enough normals for each coefficient of the polynomials to tell in the last bit of some."""
    out = device.empty((1, 40_000), dtype)
    gpu_random.draw_normals(device.to_device(stream[None]), 0, dtype(1), out)
    np.testing.assert_array_equal(
        device.to_host(out)[0], kernels.load("cpu").normals(stream, 0, 40_000, dtype)
    )


def classes() -> None:
    """Softmax of two trials with their own V, against the reference, for ragged tiles."""
    for dtype in DTYPES:
        for samples, n_classes, tile in ((1, 1, 8), (3, 31, 31), (5, 32, 7), (2, 33, 32), (2, 1000, 600)):
            softmax(samples, n_classes, tile, dtype)
        exponentials(dtype)
    logits_that_are_not_finite()


def exponentials(dtype: type) -> None:
    """The exponentials that a fold leaves are the CPU's bits."""
    logits = -np.abs(np.random.default_rng(4).normal(0, 20, (3, 200))).astype(dtype)
    logits[:, 0] = 0
    logits[:, 1:6] = -np.array([700, 720, 86, 88, np.inf])
    running = gpu_softmax.RunningSoftmax(device.empty((1, 3, 1), dtype))
    found = same_bits(lambda: running.fold(device.to_device(logits[None])), range(1))[0]
    by_class, maxima = np.ascontiguousarray(logits.T), np.full(3, -np.inf, dtype)
    cpu_classes.exponentiate(by_class, maxima, np.zeros(3), np.empty(3, dtype))
    np.testing.assert_array_equal(found, by_class.T)


def softmax(samples: int, n_classes: int, tile: int, dtype: type) -> None:
    """All operations on the classes, two trials at a time."""
    rng, k = np.random.default_rng(n_classes), 3
    features = (2 * rng.normal(size=(2, samples, k))).astype(dtype)
    V = rng.normal(size=(2, n_classes, k)).astype(dtype)
    chosen, pairs = np.array([n_classes - 1, 0, n_classes // 2]), np.array([[0, 0], [2, 1]])
    center = V[:, :256].mean(axis=1, dtype=np.float64).astype(dtype)
    on_device, given = [device.to_device(a) for a in (chosen, pairs, center)], device.to_device(features)

    def tiles() -> Iterator[tuple[int, Any]]:
        for start in range(0, n_classes, tile):
            yield start, device.to_device(V[:, start : start + tile])

    def probabilities() -> Any:
        logits, log_z = gpu_softmax.trial_chosen_logits(given, tiles(), on_device[0])
        return gpu_softmax.trial_probabilities(logits, log_z)

    found = {
        "log_normalizers": same_bits(lambda: gpu_softmax.trial_softmax(given, tiles()).log_normalizers()),
        "class_probabilities": same_bits(probabilities, range(3)),
        "class_means": same_bits(lambda: gpu_softmax.trial_means(given, tiles()), range(3)),
        "class_covariances": same_bits(
            lambda: gpu_softmax.trial_covariances(given, tiles(), on_device[2], on_device[1]), range(3)
        ),
    }
    running = gpu_softmax.trial_softmax(given, tiles())
    by_tiles = [device.to_host(p) for _, p, _ in gpu_softmax.folded_probabilities(running, tiles())]
    for trial, p in enumerate(np.concatenate(by_tiles, axis=2)):
        every = kernels.load("reference").class_probabilities(features[trial], V[trial], np.arange(n_classes))
        close(p, every, dtype, 16, np.abs(V).max() ** 2)
    extra = {"class_probabilities": (chosen,), "class_covariances": (pairs,)}
    for name, result in found.items():
        operation = getattr(kernels.load("reference"), name)
        for trial in range(2):
            wanted = operation(features[trial], V[trial], *extra.get(name, ()))
            close(result[trial], wanted, dtype, 16, np.abs(V).max() ** 2)


def logits_that_are_not_finite() -> None:
    """Infinite and huge logits: probabilities 0 where exp underflows, NaN where the CPU has NaN."""
    cpu, gpu = kernels.load("cpu"), kernels.load("gpu")
    for dtype in DTYPES:
        largest = np.finfo(dtype).max / 4
        features = np.array([[1.0], [-1.0], [0.0]], dtype)
        for column in (
            [800.0, -800.0, 0.0],
            [-np.inf, 0.0, 1.0],
            [np.inf, 0.0, 1.0],
            [largest, -largest, 1.0],
            [-999.0] * 3,
        ):
            V = np.array(column, dtype)[:, None]
            with np.errstate(invalid="ignore"):
                wanted = cpu.class_probabilities(features, V, [0, 1, 2], 2)
                found = gpu.class_probabilities(features, V, [0, 1, 2], 2)
            close(np.nan_to_num(found, nan=7.0), np.nan_to_num(wanted, nan=7.0), dtype, 3)


def tops() -> None:
    """What takes top classes out of sums, against NumPy, where rows have equal largest entries too."""
    rng = np.random.default_rng(8)
    for samples, n_classes in ((1, 1), (3, 31), (5, 33), (2, 600)):
        p = rng.integers(0, 8, (samples, n_classes)) / 8
        p[1::2, 0] = 2  # beyond the row before
        largest_of_rows(p)
        taken_out(p)
        for dtype in DTYPES:
            moments_about_rows(p, rng.normal(size=(n_classes, 3)).astype(dtype))


def largest_of_rows(p: np.ndarray) -> None:
    """Largest entry of each row, its first place, and the sum of the others."""

    def found() -> Any:
        parts = gpu_tops.largest_of_rows(device.to_device(p[None]))
        return device.to_device(np.concatenate(parts))

    largest, place, others = np.split(same_bits(found), 3)
    np.testing.assert_array_equal(largest, p.max(axis=1))
    np.testing.assert_array_equal(place, p.argmax(axis=1))
    np.testing.assert_array_equal(others, p.sum(axis=1) - p.max(axis=1))  # eighths: no rounding


def taken_out(p: np.ndarray) -> None:
    """Weights of the top classes, in a tile that has those of some samples only."""
    n, classes = p.shape
    top = np.where(np.arange(n) % 2 == 0, 10 + np.arange(n) % classes, 5)
    known = SoftmaxTops(np.zeros(n), top, np.linspace(0.5, 0.25, n))
    weights = p * (1 - p)
    places = np.flatnonzero(top >= 10), top[top >= 10] - 10
    wanted = weights.copy(), p.copy()
    wanted[0][places], wanted[1][places] = p[places] * known.complement[places[0]], 0

    def found() -> Any:
        given = device.to_device(weights[None]), device.to_device(p[None])
        gpu_tops.take_out(known, 10, given[1], given[0])
        return device.to_device(np.stack([device.to_host(a)[0] for a in given]))

    for threads, limit in SHAPES:
        with launched(threads, limit):
            np.testing.assert_array_equal(same_bits(found, range(2)), np.stack(wanted))


def moments_about_rows(p: np.ndarray, V: np.ndarray) -> None:
    """Sums of columns, and of products of two, about a row for each sample, added to what is there."""
    pairs, origin = np.array([[0, -1], [2, -1], [1, 1], [2, 0]]), V[np.arange(len(p)) % len(V)]
    apart = V[None].astype(np.float64) - origin[:, None]
    columns = np.stack([apart[..., 0], apart[..., 2], apart[..., 1] ** 2, apart[..., 2] * apart[..., 0]], -1)

    def found() -> Any:
        sums = device.to_device(np.ones((len(p), 4)))
        given = [device.to_device(a) for a in (p[None], V[None], origin, pairs)]
        gpu_tops.add_moments(*given, sums)
        return sums

    wanted = 1 + np.einsum("nc,ncr->nr", p, columns)
    close(same_bits(found), wanted, np.float64, len(V), float(np.abs(columns).sum(axis=1).max()))


def weights() -> None:
    """Sample weights of two trials, the same bits as the reference."""
    rng = np.random.default_rng(2)
    for size in SIZES:
        p, q, factor = rng.random((3, 2, size))
        a, b = rng.choice([-1.0, -0.0, 0.0, 0.5], (2, 2, size))
        for threads, limit in SHAPES:
            with launched(threads, limit):
                weighted("class_weights", p, q, (True, True))
                weighted("class_weights", p, q, (False, False))
                weighted("gated_weights", a, b, factor)
                weighted("gated_weights", a, b, np.array([2.0, 3.0]))


def weighted(name: str, first: np.ndarray, second: np.ndarray, last: Any) -> None:
    """One of the operations on weights; `last` has an argument for each trial."""
    operation = getattr(gpu_weights, f"trial_{name}")
    given = [device.to_device(x) for x in (first, second)]
    third = device.to_device(last) if isinstance(last, np.ndarray) else last[0]
    found = same_bits(lambda: operation(*given, third), range(2))
    reference = getattr(kernels.load("reference"), name)
    np.testing.assert_array_equal(
        found, [reference(*trial) for trial in zip(first, second, last, strict=True)]
    )


def gram() -> None:
    """Gram matrices of both signs, sums of them and quadratic forms, two trials at a time."""
    reference, rng = kernels.load("reference"), np.random.default_rng(3)
    for dtype in DTYPES:
        for samples, columns in ((1, 1), (7, 31), (40, 32), (5, 33), (33, 70), (600, 3)):
            X = rng.normal(size=(2, samples, columns)).astype(dtype)
            w = rng.normal(size=(2, samples)) * rng.integers(0, 2, (2, samples))
            K = X @ X.transpose(0, 2, 1)
            total = rng.normal(size=(2, columns, columns)).astype(dtype)
            x, k = device.to_device(X), device.to_device(K)
            unread = device.to_device(np.where(w[:, :, None] == 0, np.nan, X), dtype)
            grams = same_bits(
                lambda x=unread, w=w: gpu_matrices.trial_grams(x, device.to_device(w)), range(4)
            )
            masses = same_bits(lambda x=x, k=k: gpu_sums.trial_masses(k, x))
            sums = same_bits(lambda x=x, t=total: summed(x, t), range(2))
            np.testing.assert_array_equal(grams, grams.transpose(0, 2, 1))
            for t in range(2):
                close(grams[t], reference.weighted_gram(X[t], w[t]), dtype, samples)
                close(masses[t], reference.masses(K[t], X[t]), dtype, samples, np.abs(K).max())
                close(sums[t], reference.gram_sum(X[t], total[t].copy()), dtype, samples)


def summed(x: Any, total: np.ndarray) -> Any:
    """A new total with A^T A added to its upper triangle."""
    given = device.to_device(total)
    gpu_matrices.trial_gram_sum(x, given)
    return given


def symmetric(n: int, dtype: type) -> np.ndarray:
    """A generic matrix, a tiny one of rank 1, one whose squares overflow, a diagonal one."""
    rng = np.random.default_rng(n)
    A, v = rng.normal(size=(n, n)), rng.normal(size=n)
    huge, tiny = np.sqrt(np.finfo(dtype).max), np.sqrt(np.finfo(dtype).tiny)
    return np.array([A + A.T, np.outer(v, v) * tiny, (A + A.T) * huge, np.diag(v)]).astype(dtype)


def householder() -> None:
    """Tridiagonal forms have the eigenvalues of their matrices, whatever their size and scale."""
    for dtype in DTYPES:
        for n in (1, 2, 31, 33, 70):
            matrices = symmetric(n, dtype)
            forms = []

            def diagonals(matrices: np.ndarray = matrices, forms: list = forms) -> Any:
                forms[:] = eigen.trial_tridiagonals(device.to_device(matrices))
                return forms[0]

            a, b = same_bits(diagonals, SCHEDULES if n < 70 else range(2)), device.to_host(forms[1])
            for t, matrix in enumerate(matrices):
                wanted = np.linalg.eigvalsh(matrix.astype(np.float64))
                found = np.linalg.eigvalsh(np.diag(a[t]) + np.diag(b[t], 1) + np.diag(b[t], -1))
                np.testing.assert_allclose(
                    found, wanted, rtol=0, atol=4 * (n + 8) * np.finfo(dtype).eps * np.abs(wanted).max()
                )


def tridiagonal_forms(n: int) -> tuple[np.ndarray, np.ndarray]:
    """A generic form, a huge one, a zero one, one that falls into blocks, two with zero rows."""
    rng = np.random.default_rng(n)
    a, b = rng.normal(size=(6, n)), rng.normal(size=(6, n - 1))
    a[1], b[1] = a[1] * 1e300, b[1] * 1e300
    a[2], b[2] = 0, 0
    b[3, ::2] = 0
    a[4] = np.abs(a[4]) + 7  # definite: 0 is its smallest eigenvalue
    a[4, n // 2 :], b[4, max(n // 2 - 1, 0) :] = 0, 0
    a[5], b[5] = -a[4], b[4]
    return a, b


def spectra() -> None:
    """Counts agree with the CPU's, extremes and eigenvalues with LAPACK, moments with the traces."""
    for n in (1, 2, 31, 32, 33, 150):
        a, b = tridiagonal_forms(n)
        form = FewDiagonals(device.to_device(a), device.to_device(b))
        spectrum = np.array(
            [
                np.linalg.eigvalsh(np.diag(x) + np.diag(y, 1) + np.diag(y, -1))
                for x, y in zip(a, b, strict=True)
            ]
        )
        norms = np.abs(spectrum).max(axis=1, keepdims=True)
        counts(form, a, b)
        bound = 4 * (n + 8) * np.finfo(np.float64).eps * norms
        extremes = same_bits(form.extremes, range(3))
        assert (np.abs(extremes - spectrum[:, [0, -1]]) <= bound).all()
        assert (extremes[4, 0], extremes[5, 1]) == (0, 0)
        eigenvalues = same_bits(form.eigenvalues, range(2))
        assert (np.abs(eigenvalues - spectrum) <= bound).all()
        moments = same_bits(form.moments)
        for trial in (0, 2, 3, 4, 5):
            wanted = [np.mean(spectrum[trial] ** k) for k in (1, 2, 3, 4)]
            close(moments[trial], np.array(wanted), np.float64, n, float(norms[trial, 0] ** 4))


def counts(form: FewDiagonals, a: np.ndarray, b: np.ndarray) -> None:
    """Sturm counts and histograms equal the CPU's, at eigenvalues of diagonal blocks too."""
    cpu, gpu = kernels.load("cpu"), kernels.load("gpu")
    shifts = np.concatenate([a.ravel(), *(s * np.linspace(-3, 3, 33) for s in (1, 1e300)), [np.inf, -np.inf]])
    for threads, limit in SHAPES:
        with launched(threads, limit):
            below = same_bits(lambda: form.counts(device.to_device(shifts)), range(2))
        for t in range(len(a)):
            np.testing.assert_array_equal(below[t], cpu.sturm_counts(a[t], b[t], shifts))
    edges = np.unique(shifts)
    for t in range(len(a)):
        np.testing.assert_array_equal(gpu.histogram(a[t], b[t], edges), cpu.histogram(a[t], b[t], edges))


CHECKS: dict[str, Callable[[], None]] = {
    "random": random,
    "classes": classes,
    "tops": tops,
    "weights": weights,
    "gram": gram,
    "householder": householder,
    "spectra": spectra,
}
