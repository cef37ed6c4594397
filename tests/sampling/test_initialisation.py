"""Standard deviations of the parameters: from the experiment's text to the records of its trials."""

import math
from dataclasses import replace

import numpy as np
import pytest

from rmtsim import Experiment, kernels, sampling
from rmtsim.experiment import ExperimentError
from rmtsim.sampling import ModelDraw, draws
from rmtsim.sampling.cell_draw import draw_model

TEXT = """
name = "deviations"
seed = 4
trials = 3
[model]
architecture = ["linear", "hidden"]
loss = ["mse", "ce"]
w_std = 1.5
v_std = "he"
[grid]
n_features = 7
n_samples = 12
n_classes = 4
n_hidden = 3
[measure]
method = "dense"
bins = 5
"""
EXPERIMENT = Experiment.from_text(TEXT)
PLAIN = Experiment.from_text(TEXT.replace("w_std = 1.5\n", "").replace('v_std = "he"\n', ""))


def test_the_text_leaves_out_what_is_as_before_and_names_stand_for_numbers() -> None:
    assert "std" not in PLAIN.to_toml()
    assert Experiment.from_text(EXPERIMENT.to_toml()) == EXPERIMENT
    assert EXPERIMENT.model.v_std == math.sqrt(2)
    assert EXPERIMENT.differences(PLAIN) == {"model.w_std": (1.5, None), "model.v_std": (math.sqrt(2), None)}
    for given, expected in (("0", "a finite number above 0"), ('"xavier"', "lecun")):
        with pytest.raises(ExperimentError, match=rf"model.w_std: expected .*{expected}"):
            Experiment.from_text(TEXT.replace("1.5", given))


@pytest.mark.parametrize("index", range(4))
def test_parameters_are_those_of_before_times_their_deviations(index: int) -> None:
    """The same random numbers: a deviation is a factor, rounded once more."""
    ops = kernels.load("cpu")
    W, V = draws.parameters(ops, EXPERIMENT, EXPERIMENT.cells[index], 1)
    plain = draws.parameters(ops, PLAIN, PLAIN.cells[index], 1)
    np.testing.assert_allclose(V[:], math.sqrt(2) * plain.V[:], rtol=2 * np.finfo(float).eps)
    if W is not None:
        np.testing.assert_allclose(W, 1.5 * plain.W, rtol=2 * np.finfo(float).eps)


@pytest.mark.parametrize("device", ["cpu", "reference"])
@pytest.mark.parametrize("index", range(4))
def test_a_trial_is_that_of_its_own_model(device: str, index: int) -> None:
    """Kernels draw parameters by themselves; the model is given them."""
    cell = EXPERIMENT.cells[index]
    edges = sampling.pilot_edges(EXPERIMENT, cell)
    record = sampling.run_trial(EXPERIMENT, cell, 1, edges, device)
    ops = kernels.load("cpu")
    X, y = draws.inputs(ops, EXPERIMENT, cell, 1), draws.labels(ops, EXPERIMENT, cell, 1)
    given = ModelDraw(draw_model(EXPERIMENT, cell, 1), X, y)
    of_block = dict(zip(cell.blocks, edges, strict=True))
    shape, statistics = EXPERIMENT.record_shape(cell), EXPERIMENT.measure.statistics
    wanted = sampling.measure(given, shape, statistics, of_block)
    for name, (values,) in wanted.items():
        # Fourth powers of sums of N d products, each rounded.
        allowed = 4 * 12 * 7 * np.finfo(float).eps * np.abs(values).max()
        np.testing.assert_allclose(record[name], values, rtol=0, atol=allowed, err_msg=name)


def test_mse_blocks_in_units_of_their_scale_know_no_deviation() -> None:
    cell, plain = EXPERIMENT.cells[2], PLAIN.cells[2]
    assert (cell.architecture, cell.loss) == ("hidden", "mse")
    ours, theirs = (
        sampling.run_trial(e, c, 0, np.zeros((4, 1)) + np.arange(6.0))
        for e, c in ((EXPERIMENT, cell), (PLAIN, plain))
    )
    np.testing.assert_allclose(ours["scale"][:2], 2 * theirs["scale"][:2], rtol=16 * np.finfo(float).eps)
    for k in range(2):
        np.testing.assert_array_equal(ours["histogram"][k], theirs["histogram"][k])


def test_structured_models_take_deviations_too() -> None:
    """Scale and vv_diag grow with V and W; blocks of the W-layer in units of the scale do not change."""
    statistics = tuple(each for each in EXPERIMENT.measure.statistics if each != "masses")
    measure = replace(EXPERIMENT.measure, method="structured", statistics=statistics)
    model = replace(EXPERIMENT.model, loss="mse", architecture="hidden")
    ours = replace(EXPERIMENT, model=model, measure=measure)
    plain = replace(ours, model=replace(model, w_std=1.0, v_std=1.0))
    edges = np.zeros((4, 1)) + np.arange(6.0)
    one, other = (sampling.run_trial(e, e.cells[0], 0, edges) for e in (ours, plain))
    units = np.array([2.0, 2.0, 1.5**2, 1.0])
    np.testing.assert_allclose(one["moments"][:, 0], units * other["moments"][:, 0], rtol=1e-14, atol=1e-15)
