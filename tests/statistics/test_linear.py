"""Linear statistics: of given spectra, in records, and against expectations under the limit laws."""

import numpy as np
import pytest

from rmtsim import Experiment, laws, sampling
from rmtsim.compare import compare
from rmtsim.statistics import LOG_DETERMINANT

from ..compare.in_memory import run_in_memory

TEXT = """
name = "log-determinant"
seed = 5
trials = 12
[model]
architecture = ["linear", "hidden"]
loss = "mse"
[grid]
n_features = {d}
aspect_ratio = 0.5
n_classes = 3
n_hidden = 2
[measure]
blocks = ["ww_diag", "ww_off", "vv_diag"]
statistics = ["eigenvalues", "log_determinant"]
"""


@pytest.mark.parametrize("method", ["dense", "structured"])
def test_it_is_the_log_determinant_of_the_regularised_block(method: str) -> None:
    """Blocks over their scale are positive semidefinite under mse, so that |H / S| + I needs no modulus."""
    experiment = Experiment.from_text(TEXT.format(d=9) + f'method = "{method}"')
    for cell in experiment.cells:
        record = sampling.run_trial(experiment, cell, 2)
        for k, block in enumerate(cell.blocks):
            regularised = np.diag(record[f"eigenvalues_{block}"] / record["scale"][k] + 1)
            _, log_determinant = np.linalg.slogdet(regularised)
            wanted = log_determinant / len(regularised)
            assert record[LOG_DETERMINANT][k] == pytest.approx(wanted, rel=1e-12)


def test_its_limit_is_closed_for_marchenko_pastur() -> None:
    """The Shannon transform E log(1 + x) of the law, Tulino & Verdu 2004, (1.16)-(1.17)."""
    gamma = 0.5
    ends = [np.sqrt((1 + sign * np.sqrt(gamma)) ** 2 + 1) for sign in (1, -1)]
    quarter = (ends[0] - ends[1]) ** 2 / 4
    wanted = np.log(2 - quarter) + (np.log(1 + gamma - quarter) - quarter) / gamma
    value, error = laws.MarchenkoPastur(gamma).expect(LOG_DETERMINANT.function)
    assert value == pytest.approx(wanted, abs=1e-12)
    assert error < 1e-12


def test_the_difference_from_the_limit_is_noise_and_a_bias_of_one_over_d() -> None:
    for d in (20, 80):
        store = run_in_memory(Experiment.from_text(TEXT.format(d=d).replace("trials = 12", "trials = 200")))
        for finding in compare(store).cells:
            for block in finding.blocks:
                (linear,) = block.linear
                assert linear.limit_error < 1e-8
                scatter = linear.difference.standard_error
                assert abs(linear.difference.value) < 5 * scatter + 2 / d
