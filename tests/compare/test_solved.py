"""Laws are solved once, as accurately as the trials ask for, and kept beside the results."""

import os
import time
from dataclasses import replace

import numpy as np
import pytest

from rmtsim import Experiment, laws, open_results, run
from rmtsim.compare import block_laws, compare, sidecar
from rmtsim.compare.blocks import distances, moments
from rmtsim.compare.estimates import SHARE
from rmtsim.compare.sidecar import SUFFIX, Solved
from rmtsim.compare.trials import read_trials

from .in_memory import run_in_memory

TEXT = """
name = "solved"
seed = 12
trials = {trials}
[model]
architecture = "{architecture}"
loss = "ce"
[grid]
n_features = {d}
aspect_ratio = 0.5
n_classes = 6
{width}
[measure]
statistics = ["histogram", "moments", "extremes"]
bins = 40
"""


def experiment(architecture: str = "linear", d: str = "[16, 24]", trials: int = 4) -> Experiment:
    width = "n_hidden = 3" if architecture == "hidden" else ""
    return Experiment.from_text(TEXT.format(architecture=architecture, d=d, trials=trials, width=width))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    target = tmp_path_factory.mktemp("solved") / "solved.h5"
    run(experiment(), target, workers=1)
    return target


@pytest.fixture
def sizes(monkeypatch):
    """Aspect ratios of the laws that are solved."""
    solved = []
    solve = block_laws.laws.tabulated_law

    def counted(*arguments, **options):
        solved.append(arguments[3])
        return solve(*arguments, **options)

    monkeypatch.setattr(block_laws.laws, "tabulated_law", counted)
    return solved


def compared(path, **options):
    with open_results(path) as results:
        return compare(results, **options)


def test_a_second_comparison_solves_nothing_and_finds_the_same_bits(path, sizes):
    path.with_name("solved" + SUFFIX).unlink(missing_ok=True)
    first = compared(path)
    assert sizes
    sizes.clear()
    assert compared(path) == first
    assert sizes == []
    assert compared(path, keep=False) == first
    assert sizes


def test_cells_that_share_a_law_solve_it_once(sizes):
    """Linear ce has one law a block, at every d; each accuracy that is asked for is one of its own."""
    tolerances = set()
    record = block_laws._solve

    def recorded(names, aspect_ratio, tolerance, options):
        tolerances.add((names["block"], tolerance))
        return record(names, aspect_ratio, tolerance, options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block_laws, "_solve", recorded)
        comparison = compare(run_in_memory(experiment()))
    assert [len(cell.blocks) for cell in comparison.cells] == [2, 2]
    assert len(sizes) == len(tolerances) < 4 + 1


@pytest.mark.parametrize("architecture", ["linear", "hidden"])
def test_findings_do_not_depend_on_the_number_of_workers(architecture):
    store = run_in_memory(experiment(architecture, trials=2))
    assert compare(store, workers=1) == compare(store, workers=3)


@pytest.mark.parametrize(
    "damage",
    [lambda data: b"", lambda data: data[: len(data) // 2], lambda data: b"no archive" * 9],
    ids=["empty", "half", "foreign"],
)
def test_a_damaged_sidecar_is_written_anew(path, damage):
    kept = path.with_name("solved" + SUFFIX)
    first = compared(path)
    whole = kept.read_bytes()
    kept.write_bytes(damage(whole))
    assert compared(path) == first
    assert Solved(kept)._kept.keys()


def test_a_sidecar_of_another_edition_is_not_used(path, sizes, monkeypatch):
    compared(path)
    sizes.clear()
    monkeypatch.setattr(sidecar, "edition", lambda: "another")
    compared(path)
    assert sizes


def test_comparisons_at_once_keep_what_each_has_solved(tmp_path):
    """The later of two writers keeps what the earlier one wrote meanwhile."""
    first, second = Solved(tmp_path / "a.npz"), Solved(tmp_path / "a.npz")
    for solved, number in ((first, 1.0), (second, 2.0)):
        solved.get({"number": number}, lambda number=number: {"x": np.array([number])})
    first.save()
    second.save()
    third = Solved(tmp_path / "a.npz")
    for number in (1.0, 2.0):
        assert third.get({"number": number}, pytest.fail)["x"] == number
    assert [each.name for each in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written_to_keeps_nothing(tmp_path):
    solved = Solved(tmp_path / "a.npz")
    solved.get({"number": 1}, lambda: {"x": np.zeros(1)})
    tmp_path.chmod(0o500)
    solved.save()
    assert not list(tmp_path.iterdir())


def test_a_failure_is_the_failure_of_everyone_who_asked():
    solved = Solved()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            solved.get({"number": 1}, lambda: {"x": np.array([1 // 0])})
    solved.save()


def test_progress_counts_the_cells():
    calls = []
    store = run_in_memory(experiment(d="[8, 12, 16]", trials=1))
    compare(store, progress=lambda *numbers: calls.append(numbers))
    assert calls == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("block", ["vv_diag", "vv_off"])
@pytest.mark.parametrize("aspect_ratio", [0.02, 0.5, 3.0])
def test_a_tabulated_law_is_the_law(block, aspect_ratio):
    """Against the solver that finds its edges, to the error that the table states."""
    law = laws.tabulated_law("linear", "ce", block, aspect_ratio, 1e-4, n_classes=10)
    exact = laws.limit_law("linear", "ce", block, aspect_ratio, n_classes=10)
    x = np.linspace(*exact.ppf([0.001 + exact.atom * (block == "vv_diag"), 0.999]), 201)
    x = x[x != 0]
    assert law.error < 1e-3
    assert np.abs(law.cdf(x) - exact.cdf(x)).max() <= law.error
    assert law.atom == pytest.approx(exact.atom, abs=1e-12)
    assert [law.moment(k) for k in range(1, 5)] == pytest.approx([exact.moment(k) for k in range(1, 5)])
    far = [5.0 + 0.5j, -4.0]
    assert np.allclose(law.stieltjes(far), exact.stieltjes(far), rtol=1e-9)
    value, error = law.expect(np.abs)
    assert value == pytest.approx(exact.expect(np.abs).value, abs=error)


def test_weights_with_atoms_are_refused():
    with pytest.raises(ValueError, match="density"):
        laws.tabulated_law("linear", "mse", "vv_diag", 0.5, 1e-3)


def test_errors_asked_for_are_reached_given_v():
    V = np.random.default_rng(3).standard_normal((6, 3))
    exact = laws.limit_law("hidden", "ce", "ww_off", 0.5, V=V)
    for tolerance in (8e-3, 2e-3):
        law = laws.tabulated_law("hidden", "ce", "ww_off", 0.5, tolerance, V=V)
        assert law.error <= tolerance
        x = law.x[(law.continuous > 1e-4) & (law.continuous < 1 - 1e-4 - law.atom)]
        assert np.abs(law.cdf(x) - exact.cdf(x)).max() <= law.error + exact.error


@pytest.mark.parametrize("layer", ["w", "v"])
def test_ratios_have_the_error_that_is_asked_for(layer):
    value, error = laws.ratio_with_error("hidden", "ce", layer, 0.5, 10, 8, tolerance=0.02)
    # Of the finest rules, with 2^13 and 2^15 points in 8 replicates, and the errors that they state.
    exact, rest = {"w": (0.0438400923, 4.4e-6), "v": (0.0167106340, 6.5e-5)}[layer]
    assert error <= 0.02 * value
    assert value == pytest.approx(exact, abs=error + rest)


@pytest.mark.slow
def test_finer_laws_change_findings_by_less_than_a_tenth_of_their_standard_errors():
    trials_of = experiment("hidden", d="60", trials=8)
    store = run_in_memory(trials_of)
    trials = read_trials(store, store.cells[0])
    chosen = block_laws.block_laws(trials)
    finer = replace(trials, solved=Solved())
    for block, law in chosen.items():
        reference = block_laws._solved(finer, block, len(law.rows), 2.0**-13)
        for name in ("ks", "w1"):
            rough, fine = (getattr(distances(trials, block, each), name) for each in (law, reference))
            assert abs(rough.value - fine.value) < SHARE * fine.standard_error
        for rough, fine in zip(*(moments(trials, block, each) for each in (law, reference)), strict=True):
            assert abs(rough.limit - fine.limit) < max(SHARE * fine.difference.standard_error, 1e-9)


@pytest.mark.slow
def test_a_comparison_takes_less_than_half_of_what_fully_refined_laws_take():
    """Both in processor time of this machine as it is; one side has laws and outliers alone, no ratio."""
    grid, V = experiment("hidden", d="[40, 60, 80, 100]", trials=8), np.eye(6, 3)
    store = run_in_memory(grid)
    compare(run_in_memory(experiment("hidden", d="8", trials=1)))  # what is imported and shared
    start = time.process_time()
    compare(store)
    taken = time.process_time() - start
    start = time.process_time()
    for block in ("ww_diag", "ww_off"):
        law = laws.limit_law("hidden", "ce", block, 0.5, V=V, log2_entries=block_laws.LOG2_ENTRIES)
        joint = laws.joint_weights("hidden", "ce", block, V=V)
        assert law.error < 1
        laws.outliers(law, joint, 60)
    each_trial = time.process_time() - start
    assert taken < 0.5 * each_trial * grid.trials * len(grid.cells)


def test_trials_that_do_not_scatter_ask_for_no_accuracy() -> None:
    """All eigenvalues lie in one bin or beyond it, so that their distances to the law are the same."""
    text = """name = "flat"
seed = 1
trials = 4
[model]
architecture = "linear"
loss = "ce"
[grid]
n_features = 17
n_samples = [60, 7]
n_classes = [2, 3]
[measure]
statistics = "histogram"
range = { vv_off = [0, 0.001], vv_diag = [0, 0.001] }
"""
    comparison = compare(run_in_memory(Experiment.from_text(text)))
    errors = [block.law.error for cell in comparison.cells for block in cell.blocks]
    assert len(errors) == 8
    assert all(0 < error < 0.02 for error in errors)
