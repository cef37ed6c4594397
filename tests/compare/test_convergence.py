"""Spectra approach their limit laws at the rates of theory.md section 6."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from rmtsim import Experiment, laws
from rmtsim.batch.montecarlo import run
from rmtsim.compare import compare
from rmtsim.compare.estimates import estimate, power_law
from rmtsim.compare.spectra import CdfTable, distance
from rmtsim.laws.averages.gauss_rules import gauss_rule
from rmtsim.results.hdf5 import open_results

EXPERIMENT = Path(__file__).parents[2] / "data" / "experiments" / "convergence.toml"


def _with_logarithm(first, last):
    """Slope of log(d)/d between two sizes: KS of n eigenvalues is at most of this order, at least 1/(2n)."""
    return -1 + np.log(np.log(last) / np.log(first)) / np.log(last / first)


def _table(law):
    return CdfTable(law, support=laws.visible_support(law))


def _blocks(rng, d, n_classes):
    """Eigenvalues and sample weights of the blocks v0 v0 and v0 v1 of the linear ce model, N = 2 d."""
    X, V = rng.standard_normal((2 * d, d)), rng.standard_normal((n_classes, d)) / np.sqrt(d)
    p = softmax(X @ V.T, axis=1)
    for weights in (p[:, 0] * (1 - p[:, 0]), -p[:, 0] * p[:, 1]):
        yield np.linalg.eigvalsh((X * weights[:, None]).T @ X / (2 * d)), weights


@pytest.mark.parametrize("block", [0, 1], ids=["vv_diag", "vv_off"])
def test_slow_part_of_the_distance_comes_from_the_random_weights(block):
    """Against the law with the weights that were drawn, a spectrum is as close as one without any."""
    sizes, trials = (100, 200, 400), 12
    limit = laws.weight_law("linear", "ce", ("vv_diag", "vv_off")[block], n_classes=10)
    given_weights, excess = [], []
    for d in sizes:
        table = _table(laws.GeneralizedMarchenkoPastur.of(limit, 0.5))
        rng = np.random.default_rng([6, d])
        pairs = []
        for _ in range(trials):
            eigenvalues, weights = list(_blocks(rng, d, 10))[block]
            # All weights have one sign; 96 nodes of a Gauss rule in their logarithm stand for them.
            nodes, masses = gauss_rule(np.log(np.abs(weights)), np.full(2 * d, 1 / (2 * d)), 96)
            drawn = laws.GeneralizedMarchenkoPastur(
                np.sign(weights[0]) * np.exp(nodes), masses / masses.sum(), 0.5
            )
            pairs.append((distance(eigenvalues, _table(drawn)).ks ** 2, distance(eigenvalues, table).ks ** 2))
        own, whole = np.array(pairs).T
        given_weights.append(estimate(own))
        excess.append(estimate(whole - own))
    # Squares, since the two parts are about independent; they fall twice as fast as the distances.
    own, random = power_law(sizes, given_weights), power_law(sizes, excess)
    error = 4 * own.standard_error
    assert -2 - error <= own.value <= 2 * _with_logarithm(sizes[0], sizes[-1]) + error
    assert random.value == pytest.approx(-1, abs=4 * random.standard_error)
    assert own.value < random.value


@pytest.mark.slow
def test_every_block_converges_at_its_rate(tmp_path):
    experiment = Experiment.from_toml(EXPERIMENT)
    run(experiment, tmp_path / "convergence.h5")
    with open_results(tmp_path / "convergence.h5") as results:
        comparison = compare(results)
    cells = {finding.cell.index: finding for finding in comparison.cells}
    firsts = [cells[rate.cells[0]].cell for rate in comparison.rates]
    names = [(c.architecture, c.loss, rate.block) for c, rate in zip(firsts, comparison.rates, strict=True)]
    assert len(names) == len(set(names)) == 7
    for rate, name in zip(comparison.rates, names, strict=True):
        assert [cells[index].cell.n_features for index in rate.cells] == [200, 400, 800, 1600]
        error = 4 * rate.ks.standard_error
        fastest, slowest = (
            (-1.0, _with_logarithm(200, 1600)) if name[:2] == ("linear", "mse") else (-1.0, -0.5)
        )
        assert fastest - error <= rate.ks.value <= slowest + error, name
        # An error bar wide enough to hold no decay at all would make this test say nothing.
        assert rate.ks.value + 3 * rate.ks.standard_error < 0, name
