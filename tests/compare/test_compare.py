"""Comparisons of real trials with theory, and of tampered ones."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, stats

from rmtsim import Experiment, laws
from rmtsim.compare import compare
from rmtsim.compare.block_laws import block_laws
from rmtsim.compare.blocks import compare_block
from rmtsim.compare.curves import spectrum_curve
from rmtsim.compare.estimates import Estimate, estimate, power_law
from rmtsim.compare.identities import HALF_PLANE, pair_moments, wedge_moments
from rmtsim.compare.trials import read_trials
from rmtsim.models import BLOCKS
from rmtsim.report.text import format_comparison
from rmtsim.results import MemoryStore

from .in_memory import run_in_memory

ALL = ["histogram", "moments", "extremes", "masses", "eigenvalues"]


def _experiment(**changes):
    mapping = {
        "name": "comparison",
        "seed": 3,
        "trials": changes.pop("trials", 24),
        "model": {"architecture": ["linear", "hidden"], "loss": ["mse", "ce"], "v_draw": "cell"},
        "grid": {"n_features": 24, "aspect_ratio": 0.5, "n_classes": 5, "n_hidden": 3},
        "measure": {"statistics": ALL, "bins": 50},
    }
    for table in ("model", "grid", "measure"):
        mapping[table] |= changes.get(table, {})
    if mapping["model"]["architecture"] == "linear":
        del mapping["grid"]["n_hidden"], mapping["model"]["v_draw"]
    return Experiment.from_mapping(mapping)


@pytest.fixture(scope="module")
def store():
    return run_in_memory(_experiment())


@pytest.fixture(scope="module")
def comparison(store):
    return compare(store)


def _marchenko_pastur_cdf(x, gamma):
    """Distribution function by quadrature of the density, x = centre + radius cos(angle)."""
    centre, radius = 1 + gamma, 2 * math.sqrt(gamma)
    start = math.acos(np.clip((x - centre) / radius, -1, 1))

    def integrand(angle):
        return (radius * math.sin(angle)) ** 2 / (2 * math.pi * gamma * (centre + radius * math.cos(angle)))

    return integrate.quad(integrand, start, math.pi)[0]


def test_ks_of_the_linear_mse_block(store, comparison):
    found = comparison.cells[0].blocks[0]
    eigenvalues = store.array(0, "eigenvalues_vv_diag")
    n = eigenvalues.shape[1]
    distances = []
    for values in eigenvalues:
        F = np.array([_marchenko_pastur_cdf(x, 0.5) for x in values])
        distances.append(max(np.max(np.arange(1, n + 1) / n - F), np.max(F - np.arange(n) / n)))
    assert found.distances.ks.value == pytest.approx(np.mean(distances), abs=found.distances.law_error + 1e-8)
    assert found.distances.ks.trials == 24
    assert not found.distances.at_edges
    assert found.law.name == "Marchenko-Pastur"


def test_every_block_with_a_law_is_compared(comparison):
    blocks = [[block.block for block in cell.blocks] for cell in comparison.cells]
    assert blocks == [["vv_diag"], ["vv_diag", "vv_off"], ["ww_diag", "ww_off"], ["ww_diag", "ww_off"]]
    for cell in comparison.cells:
        for block in cell.blocks:
            # n eigenvalues keep KS above 1/(2n); 24 of them stay within 0.3 of their limits here.
            assert 1 / 48 <= block.distances.ks.value < 0.3
            assert [moment.order for moment in block.moments] == [1, 2, 3, 4]


def test_exact_identities_hold(comparison):
    identities = [identity for cell in comparison.cells for identity in cell.all_identities()]
    # 4 moments of each of 3 mse blocks; E m_2 = 0 and the zero mass (mse, twice); the masses of (5.1), and of
    # (5.2) and (5.3c) given V; the trace of (2.3); three shapes (5.1c); of linear ce the row sum (5.4), two
    # traces (5.6), second moments and masses (5.7). A V drawn once per cell obeys none of hidden ce.
    assert len(identities) == 12 + 4 + 1 + 2 + 1 + 3 + (1 + 2 + 2 + 2)
    assert all(abs(identity.z) < 5 for identity in identities)


def test_masses_of_hidden_mse_when_v_is_drawn_with_the_trial():
    store = run_in_memory(
        _experiment(model={"architecture": "hidden", "loss": "mse", "v_draw": "trial"}, trials=64)
    )
    masses = {identity.source: identity for identity in compare(store).cells[0].identities}
    assert {"(5.2)", "(5.3c)"} <= set(masses)
    assert all(abs(identity.z) < 5 for identity in masses.values())


def test_masses_of_few_trials_pass_though_heavy_tailed_over_v():
    """At C = m = 2 and 8 trials the mean of S_ij^2 itself is off by 5 standard errors in 1.5 % of runs."""
    model = {"architecture": "hidden", "loss": "mse", "v_draw": "trial"}
    grid = {"n_features": list(range(4, 34)), "n_classes": 2, "n_hidden": 2}
    store = run_in_memory(_experiment(model=model, grid=grid, trials=8, measure={"statistics": "masses"}))
    scores = [abs(identity.z) for cell in compare(store).cells for identity in cell.identities]
    assert max(scores) < 5


def test_finite_size_bias_is_stated_apart(comparison):
    second = comparison.cells[0].blocks[0].moments[1]
    assert second.bias == pytest.approx(1 / 48)  # (5.1): 1 + gamma + 1/N against 1 + gamma
    assert second.limit == pytest.approx(1.5)
    assert second.difference.value == pytest.approx(second.mean.value - 1.5)


def test_few_trials_get_no_z():
    experiment = _experiment(trials=7, model={"architecture": "linear", "loss": "mse"})
    comparison = compare(run_in_memory(experiment))
    assert all(identity.z is None for identity in comparison.cells[0].all_identities())


def test_one_trial_is_compared_without_errors():
    comparison = compare(
        run_in_memory(_experiment(trials=1, model={"architecture": "linear", "loss": "mse"}))
    )
    assert math.isnan(comparison.cells[0].blocks[0].distances.ks.standard_error)
    assert json.loads(json.dumps(comparison.to_json(), allow_nan=False))["cells"][0]["blocks"]


@pytest.mark.parametrize("cell", [0, 1, 2, 3])
def test_histograms_agree_with_eigenvalues_within_their_resolution(store, cell):
    trials = read_trials(store, store.cells[cell])
    kept = {name: array for name, array in trials.arrays.items() if not name.startswith("eigenvalues")}
    block = trials.cell.blocks[0]
    law = block_laws(trials)[block]
    truth = compare_block(trials, block, law).distances
    found = compare_block(replace(trials, arrays=kept), block, law).distances
    assert (truth.at_edges, found.at_edges) == (False, True)
    assert -truth.law_error <= truth.ks.value - found.ks.value <= found.ks_resolution
    assert truth.w1.value == pytest.approx(found.w1.value, abs=found.w1_resolution)


@pytest.mark.parametrize("trials", [1, 3])
def test_each_v_has_its_law(trials):
    experiment = _experiment(
        trials=trials,
        model={"architecture": "hidden", "loss": "ce", "v_draw": "trial"},
        measure={"blocks": "ww_diag", "statistics": ["moments", "eigenvalues"]},
    )
    (block,) = compare(run_in_memory(experiment), law_trials=2).cells[0].blocks
    assert (block.law.shared, block.law.trials) == (False, min(trials, 2))
    assert block.distances.ks.trials == min(trials, 2)
    assert block.moments[0].bias is None


def test_law_given_v_is_closer_than_that_of_another_v():
    experiment = _experiment(
        trials=2,
        model={"architecture": "hidden", "loss": "ce", "v_draw": "trial"},
        grid={"n_features": 60},
        measure={"blocks": "ww_diag", "statistics": ["moments", "eigenvalues"]},
    )
    store = run_in_memory(experiment)
    right = compare(store).cells[0].blocks[0].distances.ks.value
    shifted = MemoryStore(experiment)
    records = [{name: store.array(0, name, [t])[0] for name in store.names(0)} for t in (1, 0)]
    shifted.write(0, 0, records)
    assert right < 0.6 * compare(shifted).cells[0].blocks[0].distances.ks.value


def test_ratio_of_masses(store, comparison):
    linear = comparison.cells[1].ratios[0]
    diagonal, off = store.array(1, "masses").T
    assert linear.measured.value == pytest.approx((off.mean() / 4) / diagonal.mean())
    left_out = (off.sum() - off) / (diagonal.sum() - diagonal) / 4
    # Jackknife and delta method agree to O(1/T).
    assert linear.measured.standard_error == pytest.approx(np.sqrt(23 * np.var(left_out)), rel=10 / 24)
    assert linear.limit == laws.block_ratio("linear", "ce", "v", 0.5, 5)
    assert comparison.cells[0].ratios[0].measured.value == 0 == comparison.cells[0].ratios[0].limit


def test_ratio_given_v(store, comparison):
    V = read_trials(store, store.cells[2]).V(0)
    S = V.T @ V
    off = np.sum(S**2) - np.sum(np.diag(S) ** 2)
    limit = off / 2 / np.sum(np.diag(S) ** 2) * (1 / 16 + 0.5 / 4) / (1 / 4 + 0.5 / 2)
    found = comparison.cells[2].ratios[0]
    assert found.limit_kind == "given V"
    assert found.limit == pytest.approx(limit)
    d, N = 24, 48
    bias = (pair_moments(d, N)[1] / (1 / 16 + 0.5 / 4)) / (wedge_moments(d, N, HALF_PLANE)[1] / (1 / 2))
    assert found.measured.value == pytest.approx(limit * bias, abs=5 * found.measured.standard_error)


def test_ratios_of_representative_blocks_without_masses():
    experiment = _experiment(
        model={"architecture": "linear", "loss": "ce"}, measure={"statistics": "moments"}
    )
    store = run_in_memory(experiment)
    (ratio,) = compare(store).cells[0].ratios
    second = store.array(0, "moments")[:, :, 1].mean(axis=0)
    assert ratio.measured.value == pytest.approx(second[1] / second[0])
    assert ratio.measured_on == "blocks 0, 1"


def test_slope_over_classes():
    experiment = _experiment(
        model={"architecture": "linear", "loss": "ce"},
        grid={"n_classes": [8, 32, 128]},
        measure={"statistics": "masses"},
    )
    comparison = compare(run_in_memory(experiment))
    (slope,) = comparison.slopes
    assert slope.cells == (0, 1, 2)
    assert slope.asymptotic == -2
    limits = [laws.block_ratio("linear", "ce", "v", 0.5, C) for C in (8, 32, 128)]
    # Three equidistant points: the line goes through what the middle one leaves to the outer two.
    assert slope.limit == pytest.approx(np.log(limits[2] / limits[0]) / np.log(16))
    assert slope.limit_error < 1e-10
    # Measured and limit slopes differ by what the O(1/d) bias of r changes with C.
    assert slope.exponent.value == pytest.approx(slope.limit, abs=5 * slope.exponent.standard_error + 1 / 24)
    assert slope.exponent.low < slope.exponent.value < slope.exponent.high
    assert f"{slope.limit:.4f}" in format_comparison(comparison)


def test_limits_given_v_of_all_blocks(store, comparison):
    """(4.7) against the masses of the trials of that V: they differ by O(1/d) and Monte Carlo error."""
    for found in comparison.cells[3].ratios:
        assert (found.measured_on, found.limit_kind) == ("all blocks", "given V")
        tolerance = 5 * found.measured.standard_error + (8 / 24) * found.limit
        assert found.measured.value == pytest.approx(found.limit, abs=tolerance)
        assert 0 < found.limit_error < 0.02 * found.limit


def test_masses_given_v_by_plain_sampling():
    rng = np.random.default_rng(47)
    V = rng.normal(size=(6, 3)) / np.sqrt(3)
    h = np.maximum(rng.normal(size=(400_000, 3)), 0)
    p = np.exp(h @ V.T)
    p /= p.sum(axis=1, keepdims=True)
    centre = p @ V
    weights = np.einsum("nc,ci,cj->nij", p, V, V) - centre[:, :, None] * centre[:, None]
    weights *= (h > 0)[:, :, None] * (h > 0)[:, None]
    hidden = weights.mean(axis=0) ** 2 + 0.4 * (weights**2).mean(axis=0)
    blocks = np.array(
        [[(h * (p[:, [c]] * ((c == e) - p[:, [e]]))).T @ h / len(h) for e in range(6)] for c in range(6)]
    )
    output = np.sum(blocks**2, axis=(2, 3)) / 3
    for layer, table in (("w", hidden), ("v", output)):
        mass = laws.masses_given_v(V + 7.0, layer, 0.4)  # ce does not see a common offset
        # The relative error of 400,000 samples is about 1/600.
        room = 5 / 600
        assert mass.diagonal == pytest.approx(np.trace(table), abs=mass.diagonal_error, rel=room)
        off = table.sum() - np.trace(table)
        assert mass.off_diagonal == pytest.approx(off, abs=mass.off_diagonal_error, rel=room)


def test_exponents_over_cells_of_one_v_each_have_the_error_of_their_scatter():
    """V changes a ratio by far more than the trials of one V tell: of 40 experiments most intervals hold."""
    mse = {"architecture": "hidden", "loss": "mse", "v_draw": "cell"}
    grid = {"n_features": 12, "n_classes": [4, 8, 16, 32], "n_hidden": 4}
    held = []
    for seed in range(40):
        experiment = replace(_experiment(model=mse, grid=grid, measure={"statistics": "masses"}), seed=seed)
        (slope,) = compare(run_in_memory(experiment)).slopes
        assert slope.given_v
        # The slope of the mean over V, 1/(C + 2) of (4.3).
        held.append(slope.exponent.agrees(np.polyfit(np.log([4, 8, 16, 32]), -np.log([6, 10, 18, 34]), 1)[0]))
    # Binomial(40, 0.95) is at least 30 but once in 10^5; errors given V hold about half of the time.
    assert sum(held) >= 30


def test_two_cells_of_one_v_each_have_an_exponent_without_error():
    grid = {"n_features": 12, "n_classes": [4, 8], "n_hidden": 4}
    experiment = _experiment(
        model={"architecture": "hidden", "loss": "mse"}, grid=grid, measure={"statistics": "masses"}
    )
    comparison = compare(run_in_memory(experiment))
    (slope,) = comparison.slopes
    assert math.isnan(slope.exponent.standard_error)
    text = format_comparison(comparison)
    assert "Rows marked V have one V in each cell" in text
    assert "of which two cells have none" in text
    assert (
        json.loads(json.dumps(comparison.to_json(), allow_nan=False))["slopes"][0]["exponent"]["low"] is None
    )


def test_no_rate_where_every_size_has_another_v():
    experiment = _experiment(
        trials=2,
        model={"architecture": "hidden"},
        grid={"n_features": [12, 24]},
        measure={"blocks": ["ww_diag"], "statistics": "eigenvalues"},
    )
    comparison = compare(run_in_memory(experiment))
    by_model = {comparison.cells[rate.cells[0]].cell.loss: rate for rate in comparison.rates}
    assert by_model["mse"].ks is not None
    assert by_model["ce"].ks is None
    text = format_comparison(comparison)
    assert "Hidden ce with one V in each cell has no rate" in text
    assert not any({"ce", "ww_diag"} <= set(line.split()) for line in text.split("RATES")[1].splitlines())


def test_power_law_has_the_error_of_its_means():
    x = np.array([1.0, 2.0, 8.0])
    true = 3 * x**-1.5
    found = power_law(x, [Estimate(y, 0.1 * y, 9) for y in true])
    assert found.value == pytest.approx(-1.5)
    centred = np.log(x) - np.log(x).mean()
    assert found.standard_error == pytest.approx(0.1 / np.sqrt(np.sum(centred**2)))
    # Between the t quantiles of the 8 degrees of freedom of one mean and the 24 of all three.
    half = (found.high - found.low) / 2 / found.standard_error
    assert stats.t.ppf(0.975, 24) <= half <= stats.t.ppf(0.975, 8)
    assert found.agrees(-1.5)
    assert not found.agrees(-1.0)


def test_intervals_cover_the_exponent_as_often_as_they_say():
    rng = np.random.default_rng(8)
    x = np.array([1.0, 3.0, 9.0, 27.0])
    covered = 0
    for _ in range(1000):
        draws = x**-1.0 * (1 + 0.02 * rng.standard_normal((6, 4)))
        covered += power_law(x, [estimate(column) for column in draws.T]).agrees(-1.0)
    # Binomial(1000, 0.95) has a standard deviation of 7.
    assert abs(covered - 950) < 5 * 7


@pytest.fixture(scope="module")
def wedge():
    """W-blocks of hidden mse at gamma = 0.02, with S_ij of either sign."""
    experiment = _experiment(
        trials=16,
        model={"architecture": "hidden", "loss": "mse", "v_draw": "trial"},
        grid={"n_features": 100, "aspect_ratio": 0.02},
        measure={"blocks": ["ww_diag", "ww_off"], "statistics": ["extremes", "eigenvalues", "histogram"]},
    )
    return run_in_memory(experiment)


def test_outliers_are_where_they_are_predicted(wedge):
    diagonal, off = compare(wedge).cells[0].blocks
    # (3.7) at gamma = 0.02.
    for side, edge, outlier in zip(off.sides, (0.12858, 0.41142), (0.07943, 0.46057), strict=True):
        assert (side.threshold, side.predicted) == pytest.approx((edge, outlier), abs=1e-5)
        assert side.predicted_count == 1
        # An outlier fluctuates by d^-1/2 about a mean that is off by O(1/d).
        assert side.difference.value == pytest.approx(0, abs=5 * side.difference.standard_error + 1 / 100)
        assert side.share_outside > 0.9
        # Beside the outlier an edge may lose one eigenvalue or two.
        assert 1 <= side.count_outside < 3
    assert [side.predicted for side in diagonal.sides] == [None, None]
    assert all(side.share_outside < 0.9 for side in diagonal.sides)


def test_curves_mark_outliers(wedge):
    trials = read_trials(wedge, wedge.cells[0])
    solved = block_laws(trials)
    curve = spectrum_curve(trials, BLOCKS["ww_off"], solved["ww_off"])
    assert curve.predicted == pytest.approx((0.07943, 0.46057), abs=1e-5)
    assert curve.observed == pytest.approx(trials.extremes("ww_off").mean(axis=0))
    assert spectrum_curve(trials, BLOCKS["ww_diag"], solved["ww_diag"]).predicted == ()


def test_largest_eigenvalue_of_wishart_blocks(store, comparison):
    trials = read_trials(store, store.cells[0])
    (above,) = (side for side in comparison.cells[0].blocks[0].sides if side.side == "above")
    largest = store.array(0, "eigenvalues_vv_diag")[:, -1]
    assert above.extreme.value == pytest.approx(largest.mean())
    # Tracy-Widom of beta = 1 has mean -1.2065336 (Bornemann 2010).
    centre, width = laws.johnstone_scaling(trials.cell.n_samples, trials.cell.n_features)
    assert above.tracy_widom == pytest.approx(centre - 1.2065336 * width, rel=1e-7)
    # Its error is O(d^(-2/3)) of its width.
    assert above.extreme.value == pytest.approx(
        above.tracy_widom, abs=5 * above.extreme.standard_error + width / 24 ** (2 / 3)
    )
    assert comparison.cells[1].blocks[0].sides[1].tracy_widom is None


def test_rounding_around_the_atom_is_not_outside(comparison):
    below = comparison.cells[2].blocks[1].sides[0]
    assert (below.threshold, below.extreme.value, below.share_outside, below.count_outside) == (0, 0, 0, 0)


def test_report_is_readable(comparison):
    lines = format_comparison(comparison).splitlines()
    assert max(map(len, lines)) <= 110
    text = "\n".join(lines)
    for cell in comparison.cells:
        assert f"cell {cell.cell.index}: {cell.cell.architecture} {cell.cell.loss}, d = 24, N = 48" in text
    assert "gen. Marchenko-Pastur given V" in text
    assert "CHECK" not in text


def test_json_has_the_same_content(comparison):
    found = json.loads(json.dumps(comparison.to_json(), allow_nan=False))
    block = found["cells"][2]["blocks"][1]
    assert block["block"] == "ww_off"
    assert block["distances"]["ks"]["value"] == comparison.cells[2].blocks[1].distances.ks.value
    assert block["moments"][0]["exact"]["source"] == "(5.3b)"
    assert set(found["units"]) == {"moments", "ks", "w1", "ratio", "z", "p"}


def test_unfinished_cells_are_left_out(store):
    partial = MemoryStore(store.experiment)
    partial.set_edges(1, store.edges(1))
    partial.write(1, 5, [{name: store.array(1, name, [5])[0] for name in store.names(1)}])
    found = compare(partial)
    assert [(cell.cell.index, cell.trials) for cell in found.cells] == [(1, 1)]
    assert "1 of 24 trials" in format_comparison(found)


def test_nothing_to_compare_is_refused(store):
    with pytest.raises(ValueError, match="finished trial"):
        compare(MemoryStore(store.experiment))
    with pytest.raises(ValueError, match="law_trials"):
        compare(store, law_trials=0)


@pytest.mark.parametrize("cell", [0, 1, 2, 3])
def test_curves_hold_all_mass(store, cell):
    trials = read_trials(store, store.cells[cell])
    solved = block_laws(trials)
    for block in trials.cell.blocks:
        curve = spectrum_curve(trials, block, solved.get(block))
        if curve is None:
            assert (trials.cell.loss, block) == ("mse", "vv_off")
            continue
        area = np.sum(curve.density * np.diff(curve.edges))
        assert area + curve.at_zero + curve.outside == pytest.approx(1)
        if curve.law_name:
            finite = np.isfinite(curve.law_density)
            mass = np.trapezoid(curve.law_density[finite], curve.x[finite])
            # Trapezoidal rule on points that close in on the edges; a hard edge loses its first cell.
            assert mass + curve.atom == pytest.approx(1, abs=0.02)


def test_curves_from_histograms_set_the_atom_apart(store):
    trials = read_trials(store, store.cells[2])
    kept = {name: array for name, array in trials.arrays.items() if not name.startswith("eigenvalues")}
    law = block_laws(trials)["ww_off"]
    exact, found = (spectrum_curve(t, BLOCKS["ww_off"], law) for t in (trials, replace(trials, arrays=kept)))
    assert found.atom == exact.atom == pytest.approx(0.5)
    # Each trial has d - Binomial(N, 1/4) zeros: a share of 1/2 with a standard deviation of 3/24.
    assert exact.at_zero == pytest.approx(0.5, abs=5 * 3 / 24 / np.sqrt(24))
    assert found.at_zero == pytest.approx(exact.at_zero, abs=0.02)


def test_without_eigenvalues_or_histograms_there_is_no_curve():
    experiment = _experiment(trials=2, model={"architecture": "linear"}, measure={"statistics": "moments"})
    store = run_in_memory(experiment)
    assert spectrum_curve(read_trials(store, store.cells[0]), BLOCKS["vv_diag"], None) is None
    assert compare(store).cells[0].blocks[0].distances is None


@pytest.mark.slow
def test_ratio_of_hidden_ce_has_its_limit_at_finite_classes():
    model = {"architecture": "hidden", "loss": "ce", "v_draw": "trial"}
    experiment = _experiment(trials=2, model=model, grid={"n_classes": 8}, measure={"statistics": "masses"})
    for ratio in compare(run_in_memory(experiment)).cells[0].ratios:
        limit, error = laws.ratio_with_error("hidden", "ce", ratio.layer, 0.5, 8, n_hidden=3)
        assert ratio.limit_kind == "mean"
        assert ratio.limit == pytest.approx(limit, abs=ratio.limit_error + error)
        assert ratio.limit_error < 0.1 * ratio.measured.standard_error + 1e-3 * limit


@pytest.mark.slow
def test_ratio_of_hidden_ce_at_finite_classes():
    model = {"architecture": "hidden", "loss": "ce", "v_draw": "trial"}
    grid = {"n_features": 100, "n_hidden": 4}
    experiment = _experiment(trials=200, model=model, grid=grid, measure={"statistics": "masses"})
    for ratio in compare(run_in_memory(experiment)).cells[0].ratios:
        # Beside the Monte Carlo error a bias of O(1/d): 3/100 of the ratio.
        tolerance = 5 * ratio.measured.standard_error + 0.03 * ratio.limit
        assert ratio.measured.value == pytest.approx(ratio.limit, abs=tolerance)
