"""Structured models: exact moments, the law of the dense path, the same bits however a trial is run.

Seeds and trial counts are fixed; every z-score stays below 5, every p-value above that of 5 deviations.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import h5py
import numpy as np
import pytest
import scipy.stats
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import rmtsim
from rmtsim import kernels, laws, sampling
from rmtsim.batch import Batch, run_batches
from rmtsim.compare import identities
from rmtsim.experiment import Experiment, ExperimentError
from rmtsim.experiment.streams import Role, streams
from rmtsim.kernels.cpu.compiled import structured as _structured_loops
from rmtsim.models import BLOCKS
from rmtsim.results import MemoryStore
from rmtsim.results.hdf5 import HDF5Store, StoreError, open_results

EPS = float(np.finfo(np.float64).eps)
LIMIT = 5.0
P_VALUE = 5.7e-7  # two-sided tail of 5 standard deviations


def make(
    architecture: str,
    d: int,
    N: int,
    *,
    loss: str = "mse",
    trials: int = 8,
    n_hidden: int = 3,
    **measure: object,
) -> Experiment:
    """One cell of 4 classes; only moments are measured unless said otherwise."""
    model = {"architecture": architecture, "loss": loss}
    grid = {"n_features": d, "n_samples": N, "n_classes": 4}
    if architecture == "hidden":
        grid["n_hidden"] = n_hidden
    tables = {"model": model, "grid": grid, "measure": {"statistics": ["moments"], **measure}}
    return Experiment.from_mapping({"name": "structured", "seed": 20250505, "trials": trials, **tables})


def records(experiment: Experiment, trials: int, method: str) -> dict[str, NDArray]:
    """Records of the first trials of the one cell, stacked, by the structured models or by dense matrices."""
    other = replace(experiment, measure=replace(experiment.measure, method=method))
    (cell,) = other.cells
    assert other.method(cell) == method
    batch = Batch(cell, 0, trials)
    ((_, found),) = run_batches(other, [batch], {cell.index: None})
    return found


def z_scores(values: NDArray, exact: NDArray | float) -> NDArray:
    return (values.mean(axis=0) - exact) / (values.std(axis=0, ddof=1) / np.sqrt(len(values)))


def same_law(one: NDArray, other: NDArray) -> bool:
    """Two-sample Kolmogorov-Smirnov test; numerical zeros of singular blocks, of either sign, are zero."""
    size = np.abs(one).max()
    one, other = (np.where(np.abs(v) < 1000 * EPS * size, 0.0, v) for v in (one, other))
    return scipy.stats.ks_2samp(one, other, method="asymp").pvalue > P_VALUE


# Exact moments -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("d", "N"), [(1, 3), (2, 3), (3, 7), (6, 4), (8, 8), (30, 100)])
def test_moments_are_the_exact_ones(d: int, N: int) -> None:
    """(5.1), (5.2), and (5.3b) averaged over the angle; d > N, and so K < d, included."""
    linear = records(make("linear", d, N), 1200, "structured")
    assert np.abs(z_scores(linear["moments"][:, 0], identities.wedge_moments(d, N, 2 * np.pi))).max() < LIMIT
    hidden = records(make("hidden", d, N, blocks=["ww_diag", "ww_off"]), 1200, "structured")
    unscaled = hidden["moments"] / hidden["scale"][:, :, None] ** np.arange(1, 5)
    exact = [identities.wedge_moments(d, N, np.pi), identities.pair_moments(d, N)]
    assert np.abs(z_scores(unscaled, np.array(exact))).max() < LIMIT


@pytest.mark.parametrize("theta", [0.4, np.pi / 2, 2.6])
@pytest.mark.parametrize(("d", "N"), [(2, 5), (6, 5), (20, 90)])
def test_moments_given_the_angle(d: int, N: int, theta: float) -> None:
    """(5.3b): the pentadiagonal model for two rows of W at a fixed angle."""
    rows = np.zeros((2, d))
    rows[:, :2] = [[2.0, 0.0], [0.3 * np.cos(theta), 0.3 * np.sin(theta)]]
    cpu, trials = kernels.load("cpu"), 1500
    words = streams(20250505, 0, range(trials), (Role.PLANE, Role.CHI_OFF, Role.NORMALS_OFF))
    plane = _structured_loops.plane_coordinates(rows[0], rows[1], np.empty(d))
    # The second is a root of 0.09 less a square: relative to 0.3, and lost in part as sin(theta) falls.
    np.testing.assert_allclose(plane, [0.3 * np.cos(theta), 0.3 * np.sin(theta)], rtol=0, atol=4 * d * EPS)
    grams, normals = np.empty((trials, 2, 2)), np.empty(2 * _structured_loops.PAIRS)
    active = [
        _structured_loops.wedge_sample(words[t, 0], N, *plane, normals, grams[t]) for t in range(trials)
    ]
    bands = cpu.wedge_forms(words[:, 1:], active, grams, d, np.full(trials, 1 / N))
    moments = cpu.banded_statistics(bands, np.ones(trials)).moments
    assert np.abs(z_scores(moments, identities.wedge_moments(d, N, np.pi - theta))).max() < LIMIT


WORDS = np.array([[5, 6, 7, 8], [9, 10, 11, 12]], np.uint32)


@pytest.mark.parametrize("device", kernels.DEVICES)
@pytest.mark.parametrize(("d", "K"), [(1, 0), (1, 4), (2, 1), (2, 2), (3, 2), (4, 9), (6, 5), (6, 6), (9, 4)])
def test_the_pentadiagonal_form_is_that_of_the_reduced_matrix(d: int, K: int, device: str) -> None:
    """(5.3d): Y written out entry by entry, R by a QR factorisation."""
    ops, n = kernels.load(device), min(K, d)
    P = np.random.default_rng(K).normal(size=(K, 2))
    (bands,) = ops.wedge_forms(WORDS[None], [K], (P.T @ P)[None], d, [0.5])
    degrees = [*(K - i for i in range(n)), *(max(d - i - 2, 0) for i in range(n))]
    chi, normal = ops.chi(WORDS[0], 0, np.array(degrees, float)), ops.normals(WORDS[1], 0, n)
    Y = np.zeros((n, d + 2))
    for i in range(n):
        Y[i, i : i + 3] = chi[i], normal[i], chi[n + i]
    Y = Y[:, :d]
    R = np.linalg.qr(P[:, : min(d, 2)], mode="r")
    signs = np.sign(np.diagonal(R))
    Y[: len(R), : R.shape[1]] = (signs[:, None] * R)[:n]
    S = np.zeros((d, d))
    S[:n, :n] = Y @ Y.T / 2
    found = sum(np.diag(bands[k, : d - k], -k) for k in range(min(3, d)))
    # Entries are sums of three products; R by QR and by Cholesky of a 2 x 2 matrix, to K eps cond(R).
    condition = np.linalg.cond(R) if R.size else 1.0
    np.testing.assert_allclose(found, np.tril(S), rtol=0, atol=8 * (K + 3) * condition * EPS * S.max())


@pytest.mark.parametrize("device", kernels.DEVICES)
@pytest.mark.parametrize(("d", "K"), [(1, 0), (1, 3), (2, 1), (5, 5), (4, 9), (9, 4)])
def test_the_tridiagonal_form_is_that_of_the_bidiagonal_matrix(d: int, K: int, device: str) -> None:
    """(5.1): chi with K, K - 1, ... degrees on the diagonal of B, d - 1, ..., 1 below; K < d exchanged."""
    ops, n, most = kernels.load(device), min(d, K), max(d, K)
    (diagonal,), (off_diagonal,) = ops.wishart_forms(WORDS[:1], [K], d, [2.0])
    degrees = [*range(most, most - n, -1), *range(n - 1, 0, -1)]
    chi = ops.chi(WORDS[0], 0, np.array(degrees, float))
    T = np.zeros((d, d))
    if n > 0:
        B = np.diag(chi[:n]) + np.diag(chi[n:], -1)
        T[:n, :n] = 2 * B @ B.T
    # Products, of which two are added, and a factor: positive terms.
    np.testing.assert_allclose(diagonal, np.diagonal(T), rtol=4 * EPS)
    np.testing.assert_allclose(off_diagonal, np.diagonal(T, 1), rtol=4 * EPS)


def test_reflections_lead_to_the_reduced_matrix() -> None:
    """(5.3d): the steps of the derivation, on a matrix: what they leave, and that the spectrum stays."""
    d, K = 7, 9
    Y = np.random.default_rng(53).normal(size=(K, d))
    A = Y.copy()

    def reflect(x: NDArray) -> NDArray:
        v = x - np.linalg.norm(x) * np.eye(len(x))[0]
        return np.eye(len(x)) - 2 * np.outer(v, v) / (v @ v)

    A[:] = reflect(A[:, 0]) @ A
    A[1:] = reflect(A[1:, 1]) @ A[1:]
    for i in range(d):
        if i > 1:
            A[i:] = reflect(A[i:, i]) @ A[i:]
        if i + 3 < d:
            A[:, i + 2 :] = A[:, i + 2 :] @ reflect(A[i, i + 2 :])
    beyond = np.subtract.outer(np.arange(d), np.arange(K)).T
    # d + d reflections, each of K products and a few roundings, relative to |Y|.
    rounding = 2 * d * (K + 4) * EPS * np.linalg.norm(Y, 2)
    assert np.abs(A[(beyond < 0) | (beyond > 2)]).max() < rounding
    squares = 4 * rounding * np.linalg.norm(Y, 2)
    found, wanted = np.linalg.eigvalsh(A.T @ A), np.linalg.eigvalsh(Y.T @ Y)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=squares)
    np.testing.assert_allclose(A[:, :2].T @ A[:, :2], Y[:, :2].T @ Y[:, :2], rtol=0, atol=squares)


# The law of the dense path -------------------------------------------------------------------------


@pytest.mark.parametrize(("d", "N"), [(2, 4), (5, 12), (9, 6)])
@pytest.mark.parametrize("architecture", ["linear", "hidden"])
def test_extremes_have_the_law_of_the_dense_path(architecture: str, d: int, N: int) -> None:
    """Both extreme eigenvalues of H and its trace, on each block."""
    experiment = make(architecture, d, N, statistics=["extremes", "moments"])
    ours, theirs = (records(experiment, 1500, method) for method in ("structured", "dense"))
    for k, block in enumerate(experiment.cells[0].blocks):
        pairs = [(ours["extremes"][:, k, e], theirs["extremes"][:, k, e]) for e in (0, 1)]
        pairs.append((ours["moments"][:, k, 0], theirs["moments"][:, k, 0]))
        for one, other in pairs:
            assert same_law(one, other), block


def test_middle_eigenvalues_have_the_law_of_the_dense_path() -> None:
    experiment = make("hidden", 5, 16, statistics=["eigenvalues"])
    ours, theirs = (records(experiment, 1000, method) for method in ("structured", "dense"))
    for block in ("ww_diag", "ww_off"):
        name = f"eigenvalues_{block}"
        for k in range(5):
            assert same_law(ours[name][:, k], theirs[name][:, k]), (block, k)


def test_scales_are_those_of_the_dense_path() -> None:
    for options in ({}, {"precision": "float32"}):
        experiment = make("hidden", 5, 8, **options)
        ours, theirs = (records(experiment, 3, method) for method in ("structured", "dense"))
        # the same V: S_ij is a sum of 4 products, in an order of each path
        np.testing.assert_allclose(ours["scale"], theirs["scale"], rtol=0, atol=8 * np.finfo(float).eps)


@pytest.mark.parametrize(("gamma", "N"), [(0.02, 5000), (0.05, 2400)])
def test_outliers_of_both_paths(gamma: float, N: int) -> None:
    """(3.7): one eigenvalue on either side of the bulk, at the same place in both paths."""
    d, trials = round(gamma * N), 24
    experiment = make("hidden", d, N, blocks=["ww_off"], statistics=["eigenvalues"])
    delta = 1 / (2 * np.pi)
    upper, lower = (1 / 4 + delta) * (gamma + delta) / delta, (1 / 4 - delta) * (delta - gamma) / delta
    bulk = laws.MarchenkoPastur(gamma * 4, 1 / 4).support()[0]
    means = []
    for method in ("structured", "dense"):
        found = records(experiment, trials, method)
        spectrum = np.sort(found["eigenvalues_ww_off"] / found["scale"], axis=1)
        # The angle's variance 1/d moves an outlier by about 2/d in the mean.
        for values, limit in ((spectrum[:, -1], upper), (spectrum[:, 0], lower)):
            error = values.std(ddof=1) / np.sqrt(trials)
            assert abs(values.mean() - limit) < LIMIT * error + 2 / d
        # The next eigenvalues belong to the bulk, whose edges fluctuate by d^(-2/3).
        assert spectrum[:, -2].mean() < bulk[1] + d ** (-2 / 3) < upper + d ** (-2 / 3)
        assert spectrum[:, 1].mean() > bulk[0] - d ** (-2 / 3)
        means.append([(s.mean(), s.var(ddof=1) / trials) for s in (spectrum[:, -1], spectrum[:, 0])])
    for (one, one_variance), (other, other_variance) in zip(*means, strict=True):
        assert abs(one - other) < LIMIT * np.sqrt(one_variance + other_variance)


def test_the_rank_is_the_number_of_active_samples() -> None:
    """Of 12 eigenvalues 12 - K are zero to the last bit: K ~ Binomial(N, 1/2), and N/4 in the mean."""
    experiment = make("hidden", 12, 10)
    for block, probability in (("ww_diag", 1 / 2), ("ww_off", 1 / 4)):
        forms = sampling.draw_trials(experiment, experiment.cells[0], range(600)).forms(BLOCKS[block])
        spectra = np.abs(forms.eigenvalues())
        ranks = np.count_nonzero(spectra, axis=1)
        np.testing.assert_array_equal(ranks, np.count_nonzero(spectra > 1e-9, axis=1))
        assert abs(z_scores(np.array(ranks), 10 * probability)) < LIMIT


# Records -------------------------------------------------------------------------------------------

EVERYTHING = ["histogram", "moments", "extremes", "eigenvalues"]


@pytest.mark.parametrize("architecture", ["linear", "hidden"])
@pytest.mark.parametrize(("d", "N"), [(1, 1), (1, 5), (2, 1), (3, 2), (7, 30)])
def test_statistics_of_a_trial_agree(architecture: str, d: int, N: int) -> None:
    experiment = make(architecture, d, N, statistics=EVERYTHING, bins=9)
    (cell,) = experiment.cells
    edges = sampling.pilot_edges(experiment, cell)
    batch = Batch(cell, 0, 12)
    ((_, stacked),) = run_batches(experiment, [batch], {cell.index: edges})
    for trial in range(batch.size):
        record = {name: values[trial] for name, values in stacked.items()}
        for k, block in enumerate(cell.blocks):
            spectrum = record[f"eigenvalues_{block}"]
            n, scale = cell.block_size(block), record["scale"][k]
            assert len(spectrum) == n
            assert (np.diff(spectrum) >= 0).all()
            norm = np.abs(spectrum).max() or 1.0
            bound = 64 * n * np.finfo(float).eps * norm
            np.testing.assert_allclose(record["extremes"][k], spectrum[[0, -1]], rtol=0, atol=bound)
            powers = [np.mean((spectrum / norm) ** p) for p in (1, 2, 3, 4)]
            found = record["moments"][k] / norm ** np.arange(1, 5)
            np.testing.assert_allclose(found, powers, rtol=0, atol=64 * n * np.finfo(float).eps)
            assert record["histogram"][k].sum() + record["outside"][k].sum() == n
            counts = np.histogram(spectrum / scale, edges[k])[0]
            np.testing.assert_array_equal(record["histogram"][k], counts)


def test_masses_of_the_linear_model() -> None:
    experiment = make("linear", 6, 9, statistics=["moments", "masses"])
    found = records(experiment, 5, "structured")
    np.testing.assert_allclose(found["masses"][:, 0], 4 * 6 * found["moments"][:, 0, 1], rtol=4 * EPS)
    assert not found["masses"][:, 1].any()
    alone = records(make("linear", 6, 9, statistics=["masses"], blocks=["vv_off"]), 5, "structured")
    np.testing.assert_array_equal(alone["masses"], found["masses"])


def test_a_trial_is_the_same_whatever_else_is_measured_and_on_whatever_device() -> None:
    experiment = make("hidden", 6, 9, statistics=["moments", "extremes"])
    (cell,) = experiment.cells
    one = sampling.run_trial(experiment, cell, 3)
    (fewer,) = make("hidden", 6, 9, blocks=["ww_off"]).cells
    other = sampling.run_trial(make("hidden", 6, 9, blocks=["ww_off"]), fewer, 3)
    np.testing.assert_array_equal(other["moments"][0], one["moments"][cell.blocks.index("ww_off")])
    reference = sampling.run_trial(experiment, cell, 3, device="reference")
    for name, values in one.items():
        # Chi variables to 16 ulp, sums of products of them and of normals, and their fourth powers.
        bound = 4 * (16 + 8 * cell.n_features) * EPS * np.abs(values).max()
        np.testing.assert_allclose(reference[name], values, rtol=0, atol=bound)


@pytest.mark.parametrize("N", [1, 2047, 2048, 4097, 9000])
def test_many_samples_are_drawn_in_parts(N: int) -> None:
    cpu, reference = kernels.load("cpu"), kernels.load("reference")
    words = streams(3, 0, range(2), (Role.W, Role.PLANE, Role.GATES))
    np.testing.assert_array_equal(
        cpu.half_space_counts(words[:, 2], N), reference.half_space_counts(words[:, 2], N)
    )
    found, wanted = (ops.wedge_samples(words[:, :2], 5, N) for ops in (cpu, reference))
    np.testing.assert_array_equal(found.active, wanted.active)
    # Normals within 4 ulp, sums of N products whose moduli are at most those of the diagonal.
    scale = np.abs(wanted.grams).max(axis=(1, 2), keepdims=True)
    assert (np.abs(found.grams - wanted.grams) <= 2 * (N + 8) * EPS * scale).all()


def test_the_same_bits_for_any_number_of_workers_and_after_an_interruption(tmp_path: Path) -> None:
    experiment = make("hidden", 6, 9, statistics=EVERYTHING, bins=8, trials=70)
    stores = [MemoryStore(experiment) for _ in range(2)]
    for store, workers in zip(stores, (1, 3), strict=True):
        rmtsim.run(experiment, store, workers=workers)

    def interrupt(done: int, total: int) -> None:
        if done >= 64:
            raise KeyboardInterrupt

    path = tmp_path / "structured.h5"
    with pytest.raises(KeyboardInterrupt):
        rmtsim.run(experiment, path, workers=1, progress=interrupt)
    rmtsim.run(experiment, path, resume=True)
    with open_results(path) as results:
        assert results.method(0) == "structured"
        for name in stores[0].names(0):
            for other in (stores[1], results):
                np.testing.assert_array_equal(other.array(0, name), stores[0].array(0, name))


# The choice of the method --------------------------------------------------------------------------


def test_auto_takes_the_structured_model_where_it_gives_everything() -> None:
    cases = {
        ("linear", "mse", "moments"): "structured",
        ("linear", "mse", "masses"): "structured",
        ("hidden", "mse", "histogram"): "structured",
        ("hidden", "mse", "masses"): "dense",
        ("linear", "ce", "moments"): "dense",
        ("hidden", "ce", "moments"): "dense",
    }
    for (architecture, loss, statistic), method in cases.items():
        experiment = make(architecture, 5, 6, loss=loss, statistics=[statistic])
        assert experiment.method(experiment.cells[0]) == method
        dense = make(architecture, 5, 6, loss=loss, statistics=[statistic], method="dense")
        assert dense.method(dense.cells[0]) == "dense"


@pytest.mark.parametrize(
    ("architecture", "loss", "statistics", "expected"),
    [
        ("linear", "ce", ["moments"], 'no structured model of the linear model with loss "ce"'),
        ("hidden", "mse", ["moments", "masses"], 'a structured model has no "masses" of the hidden model'),
    ],
)
def test_structured_is_refused_where_there_is_no_model(
    architecture: str, loss: str, statistics: list[str], expected: str
) -> None:
    with pytest.raises(ExperimentError, match=expected) as caught:
        make(architecture, 5, 6, loss=loss, statistics=statistics, method="structured")
    assert caught.value.key == "measure.method"
    assert caught.value.got == '"structured"'


def test_a_file_of_another_method_is_not_resumed(tmp_path: Path) -> None:
    experiment, path = make("linear", 4, 5), tmp_path / "linear.h5"
    HDF5Store.create(path, experiment).close()
    with h5py.File(path, "r+") as file:
        assert file["cell_0000"].attrs["method"] == "structured"
        file["cell_0000"].attrs["method"] = "dense"
    with open_results(path) as results:
        assert results.method(0) == "dense"
    with pytest.raises(StoreError, match=r'cell 0 by method "structured".* got trials by method "dense"'):
        HDF5Store.open_for_resume(path, experiment)


# Speed ---------------------------------------------------------------------------------------------


def _seconds(run: Callable[[int], object], trials: int) -> float:
    def once(trial: int) -> float:
        start = perf_counter()
        run(trial)
        return perf_counter() - start

    return min(once(trial) for trial in range(trials))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("architecture", "block", "N"),
    [("linear", "vv_diag", 2000), ("hidden", "ww_diag", 4000), ("hidden", "ww_off", 8000)],
)
def test_the_structured_model_is_far_faster(architecture: str, block: str, N: int) -> None:
    """At d = 1000 and full rank the ratio is above 200; half of it would mean that a loop is slow."""
    statistics, edges = ["histogram", "moments", "extremes"], np.linspace(-0.1, 4, 201)[None]
    experiment = make(architecture, 1000, N, blocks=[block], statistics=statistics, n_hidden=8)
    (cell,) = experiment.cells
    dense = replace(experiment, measure=replace(experiment.measure, method="dense"))

    def ours(trial: int) -> object:
        return sampling.run_trials(experiment, cell, [trial], edges)

    def theirs(trial: int) -> object:
        return sampling.run_trials(dense, cell, [trial], edges)

    with threadpool_limits(1):
        _seconds(ours, 3)
        _seconds(theirs, 2)
        ratios = [_seconds(theirs, 1) / _seconds(ours, 20) for _ in range(4)]
    assert np.median(ratios) > 100
