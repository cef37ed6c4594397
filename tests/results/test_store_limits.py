"""Disks and limits that a file does not fit in: one sentence, status 2, nothing lost, no crash at the end."""

import resource
import subprocess
import sys

import pytest

from rmtsim.results.hdf5 import HDF5Store, StoreError, creation, open_results
from rmtsim.results.hdf5.sparse_file import SparseFile

from .stores import EXPERIMENT, assert_is_formula, digest_of, edges_of, fill, write_some

LIMITED = """
import resource, sys
from rmtsim import Experiment, cli, sampling
experiment = Experiment.from_text(sys.argv[2])
cell = experiment.cells[0]
# What is compiled is kept in files, to which the limit would apply as well.
sampling.run_trial(experiment, cell, 0, sampling.pilot_edges(experiment, cell))
for limit in sys.argv[1].split():
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
    print(cli.main(sys.argv[3:]), flush=True)
"""
MAPPING = {**EXPERIMENT.to_mapping(), "trials": 200, "name": "limited"}
MAPPING["model"] = {"architecture": "linear", "loss": "ce"}
MAPPING["grid"] = {"n_features": 5, "aspect_ratio": 0.4, "n_classes": 3}
MAPPING["measure"] = {"bins": 30}
SMALL = type(EXPERIMENT).from_mapping(MAPPING)


def limited(limits, *arguments):
    """Run a command in a process whose files may have so many bytes; statuses and errors."""
    text = " ".join(map(str, limits))
    command = [sys.executable, "-c", LIMITED, text, SMALL.to_toml(), *map(str, arguments), "--quiet"]
    process = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert process.returncode == 0, process.stderr  # it ends without a signal
    return process.stdout.split(), process.stderr.splitlines()


def test_a_file_larger_than_the_limit_is_not_created(tmp_path):
    HDF5Store.create(tmp_path / "size.h5", SMALL).close()
    size = (tmp_path / "size.h5").stat().st_size
    (tmp_path / "small.toml").write_text(SMALL.to_toml())
    before = sorted(tmp_path.iterdir())
    out = tmp_path / "out.h5"
    limits = [0, 100, 4096, 20_000, size // 2, size - 1]
    statuses, errors = limited(limits, "run", tmp_path / "small.toml", "-o", out)
    assert statuses == ["2"] * len(limits)
    line = f"rmtsim: error: {out}: expected a place for a new file, got File too large"
    assert errors == [line] * len(limits)
    assert sorted(tmp_path.iterdir()) == before


def test_a_run_beyond_the_limit_is_refused_and_goes_on_without(tmp_path):
    path = tmp_path / "small.h5"
    HDF5Store.create(path, SMALL).close()
    limits = [int(share * path.stat().st_size) for share in (0, 0.05, 0.5, 0.9)]
    statuses, errors = limited([*limits, resource.RLIM_INFINITY], "resume", path)
    assert statuses == [*["2"] * len(limits), "0"]
    line = f"rmtsim: error: {path}: expected room to write, got File too large"
    assert errors == [line] * len(limits)
    with open_results(path) as results:
        assert len(results.trials(0)) == SMALL.trials
        assert results.array(0, "histogram").shape == (200, 2, 30)


def test_blocks_of_a_sparse_copy_are_claimed_before_anything_is_written(tmp_path, monkeypatch):
    path = tmp_path / "results.h5"
    write_some(path)
    before = digest_of(path)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rmtsim.results.hdf5.writer.claim_blocks", full)
    with pytest.raises(StoreError, match="expected room to write, got No space left on device"):
        HDF5Store.open_for_resume(path, EXPERIMENT)
    monkeypatch.undo()
    assert digest_of(path) == before
    with HDF5Store.open_for_resume(path, EXPERIMENT) as store:  # no lock is left
        fill(store, 0, 2, 1)


def test_claimed_blocks(tmp_path):
    path = tmp_path / "sparse"
    with path.open("w+b") as file:
        file.truncate(2**20)
        creation.claim_blocks(file.fileno())
    assert path.stat().st_blocks * 512 >= 2**20


def test_structure_in_memory_takes_room_for_what_is_written_alone():
    memory = SparseFile()
    memory.seek(3 * 2**40 + 5)
    assert memory.write(b"structure" * 1000) == 9000
    memory.truncate(2**42)
    memory.seek(3 * 2**40)
    assert memory.read(20) == b"\0" * 5 + b"structurestructurestructure"[:15]
    assert memory.seek(0, 2) == 2**42
    assert memory.read(5) == b""
    memory.seek(-3, 2)
    assert memory.read() == b"\0" * 3
    assert sum(map(len, memory.pages.values())) <= 9000 + 2 * 4096


def test_a_file_of_many_trials_is_whole(tmp_path):
    """Larger than what is filled at once."""
    experiment = type(EXPERIMENT).from_mapping({**EXPERIMENT.to_mapping(), "trials": 2**17 + 1})
    path = tmp_path / "many.h5"
    with HDF5Store.create(path, experiment) as store:
        store.set_edges(0, edges_of(experiment, 0))
        fill(store, 0, 2**17, 1)
        assert_is_formula(store, 0, [2**17])
        group = store._file["cell_0000"]
        assert (group["histogram"][:-1] == -1).all()
        assert (group["trial"][:] == range(2**17 + 1)).all()
        assert (group["moments"][:-1] != group["moments"][:-1]).all()
