"""Comparisons of networks of other activations and scales than those of the paper."""

import numpy as np
import pytest

from rmtsim import Experiment
from rmtsim.compare import compare
from rmtsim.compare.trials import read_trials

from .in_memory import run_in_memory

TEXT = """
name = "others"
seed = 4
trials = {trials}
[model]
architecture = "{architecture}"
loss = "{loss}"
v_draw = "{v_draw}"
{others}
[grid]
n_features = {d}
aspect_ratio = 0.5
n_classes = {C}
n_hidden = 3
[measure]
statistics = {statistics}
"""
COMMON = {
    "architecture": "hidden", "loss": "mse", "v_draw": "cell", "others": "", "d": 40, "C": 3, "trials": 8,
    "statistics": '["moments"]',
}  # fmt: skip


def compared(**changes: object):
    """The experiment, run in memory and held against theory."""
    text = TEXT.format(**(COMMON | changes))
    if changes.get("architecture") == "linear":
        text = text.replace("n_hidden = 3\n", "").replace('v_draw = "cell"\n', "")
    store = run_in_memory(Experiment.from_text(text))
    return store, compare(store, law_trials=1, check=True)


@pytest.mark.parametrize("name", ["leaky_relu", "identity", "tanh", "gelu"])
@pytest.mark.parametrize("loss", ["mse", pytest.param("ce", marks=pytest.mark.slow)])
@pytest.mark.parametrize("v_draw", ["trial", "cell"])
@pytest.mark.parametrize("C", [1, 3])
def test_every_activation_is_compared_and_passes_its_check(name: str, loss: str, v_draw: str, C: int) -> None:
    others = f'activation = "{name}"'
    _, comparison = compared(
        loss=loss, v_draw=v_draw, C=C, others=others, d=12, statistics='["moments", "masses"]'
    )
    assert not comparison.check.failed
    (cell,) = comparison.cells
    laws = {block.block for block in cell.blocks}
    if loss == "ce":
        assert laws == ({"ww_diag", "ww_off"} if C > 1 else set())
    else:  # one class leaves no law given V, and only residuals need one
        assert laws == ({"ww_off"} if C == 1 and name in ("tanh", "gelu") else {"ww_diag", "ww_off"})


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "tanh"])
def test_ratios_of_two_blocks_given_v_have_their_scales(name: str) -> None:
    """Limits to within five standard errors and a bias of order 1/d; S_01/S_00 is far from 1."""
    store, comparison = compared(others=f'activation = "{name}"', d=100, trials=60)
    V = read_trials(store, store.cells[0]).V(0)
    S = V.T @ V
    assert abs(abs(S[0, 1] / S[0, 0]) - 1) > 0.2
    ratio = next(each for each in comparison.cells[0].ratios if each.layer == "w")
    measured = ratio.measured
    assert abs(measured.value - ratio.limit) < 5 * measured.standard_error + 5 * ratio.limit / 100


@pytest.mark.parametrize(
    ("architecture", "others"),
    [
        ("linear", "v_std = 3.0"),
        ("linear", "v_std = 0.2"),
        pytest.param("hidden", "w_std = 3.0", marks=pytest.mark.slow),
        pytest.param("hidden", "v_std = 0.2", marks=pytest.mark.slow),
    ],
)
def test_scales_beyond_the_known_laws_leave_the_rest_of_a_comparison(architecture: str, others: str) -> None:
    changes = {"architecture": architecture, "others": others, "loss": "ce", "v_draw": "trial"}
    _, comparison = compared(**changes, statistics='["moments", "masses"]')
    assert not comparison.check.failed
    (cell,) = comparison.cells
    assert bool(cell.blocks) == (architecture == "hidden")
    assert cell.ratios


def test_spectra_of_all_samples_alike_approach_their_law_as_one_over_d() -> None:
    """Under mse all weights of `identity` are S_ij: Marchenko-Pastur, whose eigenvalues are rigid."""
    others, d = 'activation = "identity"', [20, 40, 80]
    _, comparison = compared(others=others, d=d, trials=20, statistics='["moments", "eigenvalues"]')
    rates = {rate.block: rate for rate in comparison.rates}
    assert set(rates) == {"ww_diag", "ww_off"}
    for rate in rates.values():
        assert rate.expected == -1
        assert np.isfinite(rate.ks.value)
