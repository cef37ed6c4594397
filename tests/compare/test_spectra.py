"""Distances of spectra to laws, against brute force on a fine grid and SciPy's own statistics."""

import numpy as np
import pytest
from scipy import stats

from rmtsim.compare import estimates, spectra


class BetaLaw:
    """(1 - atom) Beta(a, b) stretched over [low, high], and an atom at zero."""

    def __init__(self, a=1.5, b=1.5, low=0.0, high=1.0, atom=0.0):
        self.bulk = stats.beta(a, b, loc=low, scale=high - low)
        self.low, self.high, self.atom = low, high, atom

    def cdf(self, x):
        return (1 - self.atom) * self.bulk.cdf(x) + self.atom * (np.asarray(x) >= 0)

    def support(self):
        return [(self.low, self.high)]


class PointMass:
    """The law of the zero matrix."""

    atom = 1.0

    def cdf(self, x):
        return (np.asarray(x) >= 0).astype(float)

    def support(self):
        return []


@pytest.mark.parametrize(
    ("a", "b"),
    [(1.5, 1.5), (0.5, 1.5)],  # two soft edges; a hard edge x^(-1/2), as Marchenko-Pastur at ratio 1
)
def test_table_is_as_good_as_it_says(a, b):
    law = BetaLaw(a, b)
    table = spectra.CdfTable(law)
    x = np.random.default_rng(1).uniform(-0.1, 1.1, 2000)
    truth = np.max(np.abs(table.cdf(x) - law.cdf(x)))
    assert truth <= table.error <= spectra.TOLERANCE


def test_table_keeps_the_atom_apart():
    table = spectra.CdfTable(BetaLaw(low=-0.5, high=1.5, atom=0.4))
    at_zero = 0.6 * stats.beta(1.5, 1.5).cdf(0.25)
    assert table.cdf_left([-1.0, 0.0, 2.0]) == pytest.approx([0.0, at_zero, 1.0], abs=spectra.TOLERANCE)
    assert table.cdf([-1.0, 0.0, 2.0]) == pytest.approx([0.0, at_zero + 0.4, 1.0], abs=spectra.TOLERANCE)


def test_ks_is_that_of_scipy_for_a_continuous_law():
    law = BetaLaw()
    sample = np.random.default_rng(2).beta(1.3, 1.5, 57)
    found = spectra.distance(sample, spectra.CdfTable(law))
    assert found.ks == pytest.approx(stats.kstest(sample, law.cdf).statistic, abs=spectra.TOLERANCE)
    assert found.ks_resolution == found.w1_resolution == 0


def test_w1_is_the_distance_of_quantiles():
    law = BetaLaw()
    sample = np.sort(np.random.default_rng(3).beta(1.3, 1.5, 50))
    q = (np.arange(500_000) + 0.5) / 500_000
    expected = np.mean(np.abs(sample[(q * 50).astype(int)] - law.bulk.ppf(q)))
    # The midpoint rule errs by less than one cell of q times the range at each of the 50 jumps.
    tolerance = 50 / 500_000 + spectra.TOLERANCE
    assert spectra.distance(sample, spectra.CdfTable(law)).w1 == pytest.approx(expected, abs=tolerance)


def _sample_with_zeros(rng):
    return np.concatenate([1e-17 * rng.standard_normal(17), rng.uniform(-0.4, 1.6, 33)])


def test_distances_with_an_atom_against_a_fine_grid():
    law = BetaLaw(low=-0.5, high=1.5, atom=0.4)
    sample = _sample_with_zeros(np.random.default_rng(4))
    grid, step = np.linspace(-2, 2, 1_000_001, retstep=True)  # holds zero
    exact = np.sort(np.where(np.abs(sample) < 1e-14, 0.0, sample))
    difference = np.abs(np.searchsorted(exact, grid, side="right") / 50 - law.cdf(grid))
    found = spectra.distance(sample, spectra.CdfTable(law))
    slope = 0.6 * law.bulk.pdf(0.5)  # the largest, so that the grid misses KS by at most one step of it
    assert found.ks == pytest.approx(difference.max(), abs=slope * step + spectra.TOLERANCE)
    assert found.w1 == pytest.approx(difference.sum() * step, abs=60 * step)


def test_ks_sees_an_atom_that_the_data_lack():
    found = spectra.distance(np.full(10, 2.0), spectra.CdfTable(PointMass()))
    assert found == spectra.Distance(ks=1.0, w1=2.0)


def test_zero_matrix_agrees_with_the_point_mass():
    table = spectra.CdfTable(PointMass())
    assert spectra.distance(np.zeros(5), table) == spectra.Distance(0.0, 0.0)
    histogram = spectra.Histogram(np.array([-0.5, 0.5]), np.array([5]), 0, 0)
    assert spectra.histogram_distance(histogram, table) == spectra.Distance(0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("atom", [0.0, 0.4])
def test_histogram_distance_is_within_its_resolution(atom):
    law = BetaLaw(low=-0.5, high=1.5, atom=atom)
    table = spectra.CdfTable(law)
    edges = np.linspace(-1.01, 2.01, 61)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        sample = _sample_with_zeros(rng) if atom else rng.uniform(-0.6, 1.6, 50)
        histogram = spectra.Histogram(edges, np.histogram(sample, edges)[0], 0, 0)
        found, truth = spectra.histogram_distance(histogram, table), spectra.distance(sample, table)
        assert found.ks <= truth.ks + 1e-12
        assert truth.ks <= found.ks + found.ks_resolution + 1e-12
        assert truth.w1 == pytest.approx(found.w1, abs=found.w1_resolution)


def test_histogram_counts_what_lies_outside():
    law = BetaLaw()
    sample = np.random.default_rng(5).uniform(0, 1, 1000)
    edges = np.linspace(0.25, 0.75, 11)
    below, above = int((sample < 0.25).sum()), int((sample >= 0.75).sum())
    histogram = spectra.Histogram(edges, np.histogram(sample, edges)[0], below, above)
    assert histogram.total == 1000
    assert np.sum(histogram.density * np.diff(edges)) == pytest.approx(1 - (below + above) / 1000)
    shares = np.array([np.mean(sample < edge) for edge in edges])
    found = spectra.histogram_distance(histogram, spectra.CdfTable(law))
    assert found.ks == pytest.approx(np.max(np.abs(shares - law.cdf(edges))), abs=spectra.TOLERANCE)


def test_finer_bins_come_closer():
    table = spectra.CdfTable(BetaLaw())
    sample = np.random.default_rng(6).beta(1.3, 1.5, 2000)
    truth = spectra.distance(sample, table).ks
    for bins in (10, 100, 1000):
        edges = np.linspace(-0.1, 1.1, bins + 1)
        found = spectra.histogram_distance(
            spectra.Histogram(edges, np.histogram(sample, edges)[0], 0, 0), table
        )
        # The densest bin of Beta(3/2, 3/2) holds 4/pi times its width.
        assert found.ks_resolution < 1.2 / bins * 4 / np.pi + 0.01
        assert truth - found.ks <= found.ks_resolution


def test_zeros_are_snapped_by_a_relative_tolerance():
    values = spectra.snap_zeros([3.0, -1e-16, 1e-9, 1e-15])
    assert values.tolist() == [0.0, 0.0, 1e-9, 3.0]
    assert spectra.snap_zeros([3.0, 1e-9], epsilon=2.0**-23).tolist() == [0.0, 3.0]


def test_estimate_and_ratio():
    found = estimates.estimate([1.0, 2.0, 3.0, 4.0])
    assert (found.value, found.trials) == (2.5, 4)
    assert found.standard_error == pytest.approx(stats.sem([1.0, 2.0, 3.0, 4.0]))
    assert np.isnan(estimates.estimate([1.0]).standard_error)
    rng = np.random.default_rng(7)
    a, b = rng.gamma(3.0, size=(2, 400)) + np.array([[0.0], [5.0]])
    ratio = estimates.ratio_of_means(a, b)
    left_out = (a.sum() - a) / (b.sum() - b)
    jackknife = np.sqrt(399 * np.var(left_out))
    # Delta method and jackknife agree to O(1/T).
    assert ratio.standard_error == pytest.approx(jackknife, rel=10 / 400)


def test_normal_score_has_the_tail_of_student():
    for trials in (8, 50, 5000):
        estimate = estimates.Estimate(1.0 + 3.0, 1.0, trials)
        expected = stats.norm.isf(stats.t.sf(3.0, trials - 1))
        assert estimates.normal_score(1.0, estimate) == pytest.approx(expected, rel=2e-3)
        assert estimates.normal_score(7.0, estimate) == pytest.approx(-expected, rel=2e-3)


def test_normal_score_without_spread():
    constant = estimates.Estimate(1.0 + 1e-15, 0.0, 10)
    assert estimates.normal_score(1.0, constant) == np.inf
    assert 0 < estimates.normal_score(1.0, constant, floor=1e-14) < 1
    assert estimates.normal_score(1.0 + 1e-15, constant) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda table: spectra.distance([], table), "eigenvalues"),
        (
            lambda table: spectra.histogram_distance(
                spectra.Histogram(np.array([0.0, 1.0]), np.array([0]), 0, 0), table
            ),
            "histogram",
        ),
        (lambda _: estimates.estimate([]), "values"),
    ],
)
def test_nothing_to_measure_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(spectra.CdfTable(BetaLaw()))
