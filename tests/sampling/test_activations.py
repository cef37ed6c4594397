"""Trials of networks of any activation, from streams to records."""

import numpy as np
import pytest

from rmtsim import Experiment, kernels, sampling
from rmtsim.experiment import ExperimentError
from rmtsim.sampling import ModelDraw, draws
from rmtsim.sampling.cell_draw import draw_model

TEXT = """
name = "activations"
seed = 4
trials = 3
[model]
architecture = "hidden"
loss = ["mse", "ce"]
activation = "{activation}"
v_std = 1.5
[grid]
n_features = 7
n_samples = 12
n_classes = 300
n_hidden = 3
[measure]
bins = 5
precision = "{precision}"
"""
NAMES = ["leaky_relu", "identity", "tanh", "gelu"]


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("device", ["cpu", "reference"])
@pytest.mark.parametrize("name", NAMES)
def test_a_trial_is_that_of_its_own_model(name: str, device: str, precision: str) -> None:
    """Kernels draw the parameters by tiles of classes; the model is given them, and float64 arithmetic."""
    experiment = Experiment.from_text(TEXT.format(activation=name, precision=precision))
    ops, eps = kernels.load("cpu"), np.finfo(precision).eps
    for cell in experiment.cells:
        edges = sampling.pilot_edges(experiment, cell)
        record = sampling.run_trial(experiment, cell, 1, edges, device)
        X, y = draws.inputs(ops, experiment, cell, 1, precision), draws.labels(ops, experiment, cell, 1)
        given = ModelDraw(draw_model(experiment, cell, 1), X, y)
        of_block = dict(zip(cell.blocks, edges, strict=True))
        shape, statistics = experiment.record_shape(cell), experiment.measure.statistics
        wanted = sampling.measure(given, shape, statistics, of_block)
        for field, (values,) in wanted.items():
            if field in ("histogram", "outside"):
                assert np.abs(record[field] - values).sum() <= 2 * (precision == "float32")
                continue
            # Powers up to the fourth of sums of N d products and C terms of residuals, each rounded.
            allowed = 4 * (12 * 7 + 300) * eps * np.abs(values).max()
            np.testing.assert_allclose(record[field], values, rtol=0, atol=allowed, err_msg=field)


def test_structured_models_are_refused() -> None:
    text = TEXT.format(activation="tanh", precision="float64").replace('["mse", "ce"]', '"mse"')
    refusal = (
        'measure.method: expected "auto" or "dense", as there is no structured model with activation "tanh"'
    )
    with pytest.raises(ExperimentError, match=refusal):
        Experiment.from_text(text + 'method = "structured"')


def test_a_gpu_refuses_what_it_has_no_kernels_for() -> None:
    experiment = Experiment.from_text(TEXT.format(activation="tanh", precision="float64"))
    draw = sampling.draw_trials(experiment, experiment.cells[0], [0], "gpu")
    with pytest.raises(kernels.DeviceError, match="activation: expected 'relu' on device gpu, got 'tanh'"):
        draw.forms(experiment.cells[0].blocks[0])
