"""What does not fit is refused by its sizes, before the compiled kernels are imported."""

import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from rmtsim import sampling
from rmtsim.batch import executors
from rmtsim.batch import plan as capacity
from rmtsim.experiment import Experiment

STATISTICS = ["moments", "extremes"]


def one_cell(
    loss: str = "ce", statistics: object = STATISTICS, method: str = "auto", **sizes: int
) -> Experiment:
    grid = {"n_features": 4, "n_samples": 6, "n_classes": 3, **sizes}
    model = {"architecture": "hidden" if "n_hidden" in sizes else "linear", "loss": loss}
    measure = {"statistics": statistics, "method": method}
    return Experiment.from_mapping(
        {"name": "x", "seed": 1, "trials": 1, "model": model, "grid": grid, "measure": measure}
    )


GB = 10**9
INSTALLED = 16 * GB


@pytest.mark.parametrize(
    ("experiment", "message"),
    [
        (one_cell(n_features=100_000, n_samples=30_000), "got one of 31.2 GB"),  # X and a Gram matrix
        (one_cell(n_features=100_000, n_samples=10), None),
        (one_cell("mse", n_features=100_000, n_samples=2**31), None),  # a structured model needs no X
        (one_cell("mse", method="dense", n_features=1000, n_samples=2**31), "% of the memory of this"),
        (one_cell(statistics="masses", n_samples=30_000), "got one of 28.8 GB"),
        (one_cell(statistics="masses", n_samples=19_000), None),
        (one_cell(n_classes=2**24, n_hidden=1000), "got one of 134 GB"),  # what the comparison needs
        (one_cell(n_classes=2**24), None),  # V is read by tiles
        (one_cell(n_classes=2**24, n_features=30_000, n_samples=20_000), "operations, got one of"),
    ],
)  # fmt: skip
def test_sizes_that_do_not_fit_are_refused(
    experiment: Experiment, message: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "installed_memory", lambda: INSTALLED)
    if message is None:
        capacity.check(experiment)
        return
    with pytest.raises(ValueError, match=r"cell 0 \(n_features = .*\): expected a trial .*, got ") as caught:
        capacity.check(experiment)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "experiment",
    [
        one_cell(n_features=700, n_samples=1200),
        one_cell(statistics="masses", n_features=50, n_samples=1200),
        one_cell("mse", statistics="masses", n_features=50, n_samples=1200, n_hidden=6),
    ],
)
def test_a_trial_takes_at_least_what_is_said(experiment: Experiment) -> None:
    """By NumPy's own count of its arrays; BLAS and the tiles come on top."""
    cell = experiment.cells[0]
    sampling.run_trial(experiment, cell, 0)
    tracemalloc.start()
    # A thread keeps its work space between calls, and so a new one shows what it takes.
    next(iter(executors.threaded_map(lambda trial: sampling.run_trial(experiment, cell, trial), [0, 1], 2)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak >= capacity.trial_bytes(experiment, cell) > 8 * np.prod([cell.n_samples, cell.n_features])


def test_a_refusal_by_size_imports_no_compiler(tmp_path: Path) -> None:
    (tmp_path / "large.toml").write_text(one_cell(n_features=10**8, n_samples=10**8).to_toml())
    code = (
        "import sys; from rmtsim.cli import main; status = main(['run', 'large.toml'])\n"
        "sys.exit(f'imported {heavy}' if (heavy := {'numba', 'matplotlib'} & set(sys.modules)) else status)"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2, done
    assert "of this machine, got one of" in done.stderr
    assert time.perf_counter() - start < 5
    assert [path.name for path in tmp_path.iterdir()] == ["large.toml"]
