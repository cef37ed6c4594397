"""Results files of the tests: every number is a formula of (cell, trial, name, position)."""

import hashlib
from pathlib import Path

import h5py
import numpy as np

from rmtsim.experiment import Experiment
from rmtsim.results.hdf5 import HDF5Store, StoreError, open_results  # noqa: F401 - for processes that import all names

FORMATS = Path(__file__).parents[2] / "data" / "formats"

EXPERIMENT = Experiment.from_mapping(
    {
        "name": "store",
        "seed": 7,
        "trials": 6,
        "model": {"architecture": ["linear", "hidden"], "loss": "ce"},
        "grid": {"n_features": 5, "aspect_ratio": 0.4, "n_classes": 3, "n_hidden": 2},
        "measure": {
            "statistics": ["histogram", "moments", "extremes", "masses", "eigenvalues"],
            "bins": 4,
        },
    }
)


MANY = Experiment.from_mapping({**EXPERIMENT.to_mapping(), "trials": 20_000})


def formula(experiment, cell, trial, name, version=2):
    """Return the array of a record: exact in float64, different at every position.

    Counts add up to the eigenvalues of the block, but in the file of version 1.
    """
    shape, dtype, *_ = experiment.schema(experiment.cells[cell])[name]
    start = 1000 * trial + 100 * cell + len(name)
    if dtype == "int64" and version > 1:
        return counts(experiment.cells[cell], trial, name, shape)
    return (
        start + np.arange(np.prod(shape, dtype=int)).reshape(shape) / (1 if dtype == "int64" else 64)
    ).astype(dtype)


def counts(cell, trial, name, shape):
    """Two eigenvalues outside of the edges, the others in one bin."""
    found = np.zeros(shape, np.int64)
    for k, block in enumerate(cell.blocks):
        outside = (trial + k) % 3, 2 - (trial + k) % 3
        bins = np.eye(shape[1], dtype=np.int64)[(trial + k) % shape[1]] * (cell.block_size(block) - 2)
        found[k] = outside if name == "outside" else bins
    return found


def record(experiment, cell, trial, version=2):
    names = experiment.schema(experiment.cells[cell])
    return {name: formula(experiment, cell, trial, name, version) for name in names}


def edges_of(experiment, cell):
    blocks = len(experiment.cells[cell].blocks)
    return np.arange(experiment.measure.bins + 1) + np.arange(blocks)[:, None] / 4


def fill(store, cell, first, count):
    store.write(cell, first, [record(store.experiment, cell, t) for t in range(first, first + count)])


def assert_is_formula(results, cell, trials, version=2):
    assert list(results.trials(cell)) == list(trials)
    for name in results.names(cell):
        expected = [formula(results.experiment, cell, t, name, version) for t in trials]
        found = results.array(cell, name)
        shape, dtype, *_ = results.experiment.schema(results.cells[cell])[name]
        assert found.shape == (len(trials), *shape)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, np.reshape(expected, found.shape))


def write_some(path, experiment=EXPERIMENT):
    """Write a file: cell 0 has trials 0, 1 and 4; cell 1 has edges alone."""
    with HDF5Store.create(path, experiment) as store:
        store.set_edges(0, edges_of(experiment, 0))
        store.set_edges(1, edges_of(experiment, 1))
        fill(store, 0, 0, 2)
        fill(store, 0, 4, 1)


def digest_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def replace_attribute(path, name, value):
    with h5py.File(path, "r+") as file:
        del file.attrs[name]
        if value is not None:
            file.attrs[name] = value


def delete(path, name):
    with h5py.File(path, "r+") as file:
        del file[name]
