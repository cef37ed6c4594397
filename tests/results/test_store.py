"""Stores: one contract in memory and in HDF5, files that any tool reads, and writers killed at any instant.

Every number written here is a formula of (cell, trial, name, position), so that reading needs no oracle.
"""

import errno
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest

from rmtsim.experiment import Experiment
from rmtsim.results import MemoryStore, stacked
from rmtsim.results.hdf5 import (
    EnvironmentWarning,
    HDF5Store,
    StoreError,
    creation,
    open_results,
    writer,
)

from .stores import (
    EXPERIMENT,
    FORMATS,
    MANY,
    assert_is_formula,
    delete,
    digest_of,
    edges_of,
    fill,
    formula,
    record,
    replace_attribute,
    write_some,
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results.h5"


@pytest.fixture(params=["memory", "hdf5"])
def store(request, path):
    with (
        MemoryStore(EXPERIMENT) if request.param == "memory" else HDF5Store.create(path, EXPERIMENT) as store
    ):
        yield store


@pytest.fixture
def written(path):
    write_some(path)
    return path


# ---- the contract -------------------------------------------------------------------------------


def test_a_new_store_is_empty(store):
    assert store.experiment == EXPERIMENT
    assert store.cells == EXPERIMENT.cells
    for cell in (0, 1):
        assert not store.done(cell).any()
        assert store.done(cell).shape == (EXPERIMENT.trials,)
        assert store.edges(cell) is None
        assert_is_formula(store, cell, [])


def test_trials_come_back_whatever_their_order(store):
    for cell in (0, 1):
        store.set_edges(cell, edges_of(EXPERIMENT, cell))
    fill(store, 1, 4, 2)
    fill(store, 0, 2, 1)
    fill(store, 1, 0, 3)
    assert_is_formula(store, 0, [2])
    assert_is_formula(store, 1, [0, 1, 2, 4, 5])
    np.testing.assert_array_equal(store.edges(1), edges_of(EXPERIMENT, 1))
    fill(store, 1, 3, 1)
    assert_is_formula(store, 1, range(6))


def test_chosen_trials_in_any_order(store):
    store.set_edges(0, edges_of(EXPERIMENT, 0))
    fill(store, 0, 1, 4)
    expected = [formula(EXPERIMENT, 0, t, "moments") for t in (4, 1)]
    np.testing.assert_array_equal(store.array(0, "moments", [4, 1]), expected)
    with pytest.raises(ValueError, match="trials: expected finished trials of cell 0, got 5"):
        store.array(0, "moments", [1, 5])
    with pytest.raises(ValueError, match="trials: expected finished trials of cell 0, got -1"):
        store.array(0, "moments", [-1])
    with pytest.raises(ValueError, match=r"name: expected one of scale, .*moments, .*, got 'moment'"):
        store.array(0, "moment")


def test_what_is_read_is_a_copy(store):
    store.set_edges(0, edges_of(EXPERIMENT, 0))
    fill(store, 0, 0, 1)
    for array in (store.array(0, "moments"), store.done(0), store.edges(0)):
        array[...] = 0
    assert_is_formula(store, 0, [0])
    np.testing.assert_array_equal(store.edges(0), edges_of(EXPERIMENT, 0))


def test_attributes_say_where_results_come_from(store):
    assert store.attributes["device"] == "cpu"
    assert store.attributes["numpy_version"] == np.__version__
    assert {"program_version", "host", "start_time", "numba_version", "h5py_version"} <= set(store.attributes)
    assert store.attributes["start_time"].endswith("+00:00")


def test_writing_refuses_what_does_not_fit(store):
    good = [record(EXPERIMENT, 0, 0)]
    with pytest.raises(ValueError, match="edges of cell 0: expected to be set before its first trial"):
        store.write(0, 0, good)
    store.set_edges(0, edges_of(EXPERIMENT, 0))
    with pytest.raises(ValueError, match=r"trials: expected within 0\.\.5, got 6\.\.6"):
        store.write(0, 6, good)
    with pytest.raises(ValueError, match=r"trials: expected within 0\.\.5, got -1\.\.-1"):
        store.write(0, -1, good)
    missing = {name: value for name, value in good[0].items() if name != "masses"}
    with pytest.raises(ValueError, match=r"record: expected the arrays \['scale', .*, got \['scale'"):
        store.write(0, 0, [missing])
    with pytest.raises(
        ValueError, match=r"record\['moments'\]: expected float64 of shape \(2, 4\), got float64 of"
    ):
        store.write(0, 0, [{**good[0], "moments": np.zeros((2, 3))}])
    with pytest.raises(ValueError, match=r"record\['histogram'\]: expected int64 of .*, got float64 of"):
        store.write(0, 0, [{**good[0], "histogram": np.zeros((2, 4))}])
    assert not store.done(0).any()
    store.write(0, 0, good)
    with pytest.raises(ValueError, match="trials: expected unfinished trials of cell 0, got 0"):
        store.write(0, 0, good)
    store.write(0, 1, [])
    assert_is_formula(store, 0, [0])


def test_stacked_records_are_stored_as_records_are(store):
    store.set_edges(0, edges_of(EXPERIMENT, 0))
    arrays = stacked([record(EXPERIMENT, 0, trial) for trial in (1, 2, 3)])
    store.write_stacked(0, 1, arrays)
    assert_is_formula(store, 0, [1, 2, 3])
    with pytest.raises(ValueError, match="trials: expected unfinished trials of cell 0, got 3"):
        store.write_stacked(0, 3, arrays)
    with pytest.raises(ValueError, match=r"trials: expected within 0\.\.5, got 4\.\.6"):
        store.write_stacked(0, 4, arrays)
    two = {name: values[:2] for name, values in arrays.items()}
    with pytest.raises(ValueError, match=r"record\['moments'\]: expected float64 of shape \(2, 2, 4\), got"):
        store.write_stacked(0, 4, {**two, "moments": arrays["moments"]})
    assert_is_formula(store, 0, [1, 2, 3])


def test_threads_write_different_trials_at_once(store):
    store.set_edges(0, edges_of(EXPERIMENT, 0))
    store.done(0)

    def write(trial):
        store.write_stacked(0, trial, stacked([record(EXPERIMENT, 0, trial)]))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    assert_is_formula(store, 0, range(6))


def test_edges_refuse_what_does_not_fit(store):
    edges = edges_of(EXPERIMENT, 0)
    with pytest.raises(ValueError, match=r"edges: expected shape \(2, 5\), got \(2, 4\)"):
        store.set_edges(0, edges[:, 1:])
    for bad in (edges[:, ::-1], 0 * edges, np.where(edges == 2, np.nan, edges)):
        with pytest.raises(ValueError, match="edges: expected finite, strictly increasing numbers"):
            store.set_edges(0, bad)
    assert store.edges(0) is None
    store.set_edges(0, edges + 1)
    store.set_edges(0, edges)  # until a trial has used them
    fill(store, 0, 3, 1)
    with pytest.raises(ValueError, match="edges: expected before the first trial of cell 0, got after it"):
        store.set_edges(0, edges)


def test_a_store_without_histogram_has_no_edges(path):
    mapping = EXPERIMENT.to_mapping()
    mapping["measure"]["statistics"] = "masses"
    experiment = Experiment.from_mapping(mapping)
    for store in (MemoryStore(experiment), HDF5Store.create(path, experiment)):
        with store:
            fill(store, 0, 0, 6)
            assert_is_formula(store, 0, range(6))
            assert store.edges(0) is None
            with pytest.raises(ValueError, match="edges: expected none, as cell 0 records no histogram"):
                store.set_edges(0, edges_of(EXPERIMENT, 0))


# ---- files --------------------------------------------------------------------------------------


def test_file_reads_back(written):
    with open_results(written) as results:
        assert results.experiment == EXPERIMENT
        assert results.attributes["format"] == "rmtsim-results"
        assert results.attributes["format_version"] == 2
        assert results.attributes["digest"] == EXPERIMENT.digest
        assert_is_formula(results, 0, [0, 1, 4])
        assert_is_formula(results, 1, [])
        np.testing.assert_array_equal(results.edges(1), edges_of(EXPERIMENT, 1))
    results.close()


@pytest.mark.filterwarnings("error")
def test_xarray_shows_names_coordinates_and_values(written):
    import xarray  # here, as the processes below import this module and should start fast

    with xarray.open_dataset(written, group="cell_0000", engine="h5netcdf") as data:
        assert data.moments.dims == ("trial", "block", "moment")
        assert data.extremes.dims == ("trial", "block", "extreme")
        assert data.histogram.dims == ("trial", "block", "bin")
        assert data.outside.dims == ("trial", "block", "side")
        assert data.eigenvalues_vv_off.dims == ("trial", "index_vv_off")
        assert data.masses.dims == ("trial", "part")
        assert data.edges.dims == ("block", "edge")
        for name, values in {
            "trial": range(6),
            "block": ["vv_diag", "vv_off"],
            "moment": [1, 2, 3, 4],
            "extreme": ["smallest", "largest"],
            "side": ["below", "above"],
            "bin": range(4),
            "edge": range(5),
            "part": ["vv_diag", "vv_off"],
            "index_vv_diag": range(5),
        }.items():
            assert data[name].dims == (name,)
            assert data[name].values.tolist() == list(values)
        assert data.done.dtype == bool
        assert data.done.values.tolist() == [True, True, False, False, True, False]
        moments = data.moments.isel(trial=data.done).sel(block="vv_off", moment=2)
        assert moments.trial.values.tolist() == [0, 1, 4]
        expected = [formula(EXPERIMENT, 0, t, "moments")[1, 1] for t in (0, 1, 4)]
        np.testing.assert_array_equal(moments, expected)
        np.testing.assert_array_equal(data.edges, edges_of(EXPERIMENT, 0))
        assert data.attrs["n_samples"] == 12
        assert data.attrs["aspect_ratio"] == 5 / 12
        assert "n_hidden" not in data.attrs
        assert data.moments.attrs["long_name"].startswith("(1/n) tr H^k")
    with xarray.open_dataset(written, group="cell_0001", engine="h5netcdf") as data:
        assert data.block.values.tolist() == ["ww_diag", "ww_off", "vv_diag", "vv_off"]
        assert data.part.values.tolist() == ["ww_diag", "ww_off", "vv_diag", "vv_off", "wv"]
        assert data.sizes["index_ww_diag"] == 5
        assert data.sizes["index_vv_diag"] == 2
        assert data.attrs["n_hidden"] == 2


@pytest.mark.filterwarnings("error")
def test_averages_over_an_unfinished_file_leave_out_what_is_not_done(written):
    """For every array, in both cells, of which one has no trial; nothing is said of trials by name."""
    import xarray

    for cell, done in ((0, [0, 1, 4]), (1, [])):
        with xarray.open_dataset(written, group=f"cell_{cell:04d}", engine="h5netcdf") as data:
            means = data.mean("trial")
            assert set(means) == {"done", "edges", *EXPERIMENT.schema(EXPERIMENT.cells[cell])}
            assert means.done == len(done) / 6
            for name, (shape, _, _, _) in EXPERIMENT.schema(EXPERIMENT.cells[cell]).items():
                values = [formula(EXPERIMENT, cell, t, name) for t in done]
                expected = np.mean(values, axis=0) if done else np.full(shape, np.nan)
                # Sums of three numbers of at most twelve bits and six below the point are exact.
                np.testing.assert_array_equal(means[name], expected)
                assert data[name].isnull().all(data[name].dims[1:]).values.tolist() == [
                    t not in done for t in range(6)
                ]


def test_h5py_sees_the_fill_values(written):
    with h5py.File(written) as file:
        for name, (_, dtype, _, _) in EXPERIMENT.schema(EXPERIMENT.cells[0]).items():
            dataset = file["cell_0000"][name]
            np.testing.assert_array_equal(dataset[[2, 3, 5]], np.nan if dtype == "float64" else -1)
            np.testing.assert_array_equal(dataset.fillvalue, dataset.attrs["_FillValue"])
            assert dataset.attrs["_FillValue"].dtype == dataset.dtype == dtype


def test_plain_h5py_sees_axis_names(written):
    with h5py.File(written) as file:
        moments = file["cell_0000/moments"]
        assert [dimension.label for dimension in moments.dims] == ["trial", "block", "moment"]
        assert [dimension.keys() for dimension in moments.dims] == [["trial"], ["block"], ["moment"]]


def test_creating_never_overwrites(written):
    before = digest_of(written)
    with pytest.raises(
        StoreError, match=r"results\.h5: expected a path where no file exists, got an existing file"
    ):
        HDF5Store.create(written, EXPERIMENT)
    assert digest_of(written) == before
    assert [p.name for p in written.parent.iterdir()] == [written.name]


def no_links(*_):
    raise PermissionError(errno.EPERM, "Operation not permitted")


def test_creating_without_hard_links(path, monkeypatch):
    monkeypatch.setattr(os, "link", no_links)
    HDF5Store.create(path, EXPERIMENT).close()
    with open_results(path) as results:
        assert results.experiment == EXPERIMENT
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("link", [os.link, no_links])
def test_creating_loses_the_race_against_another_run(path, monkeypatch, link):
    monkeypatch.setattr(os, "link", link)
    monkeypatch.setattr(writer, "check_new_file", lambda *_: path.write_text("another run was faster"))
    with pytest.raises(StoreError, match="File exists"):
        HDF5Store.create(path, EXPERIMENT)
    assert path.read_text() == "another run was faster"
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing/results.h5", 'expected an existing directory, got no directory ".*missing"'),
        ("file/results.h5", 'expected an existing directory, got no directory ".*file"'),
        ("n" * 250 + ".h5", "expected a place for a new file, got File name too long"),
    ],
)
def test_creating_where_nothing_can_be_written(tmp_path, name, message):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=message):
        HDF5Store.create(tmp_path / name, EXPERIMENT)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_creating_in_a_directory_without_permission(tmp_path, path):
    tmp_path.chmod(0o500)
    try:
        (tmp_path / "probe").touch()
    except PermissionError:
        with pytest.raises(StoreError, match="expected a place for a new file, got Permission denied"):
            HDF5Store.create(path, EXPERIMENT)
    else:
        pytest.skip("this user may write everywhere")
    finally:
        tmp_path.chmod(0o700)


def test_creating_asks_for_room_first(path, monkeypatch):
    usage = shutil.disk_usage(path.parent)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(StoreError, match=r"expected [0-9]+ bytes of free space, got 1000 bytes"):
        HDF5Store.create(path, EXPERIMENT)
    assert list(path.parent.iterdir()) == []


def test_a_failed_creation_leaves_nothing(path, monkeypatch):
    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(creation, "_create", fail)
    with pytest.raises(KeyboardInterrupt):
        HDF5Store.create(path, EXPERIMENT)
    assert list(path.parent.iterdir()) == []


def test_writing_touches_array_bytes_alone(path):
    """The structure of the file is final once it exists: this is why a killed writer cannot break it."""
    HDF5Store.create(path, EXPERIMENT).close()
    before = np.frombuffer(path.read_bytes(), np.uint8)
    with HDF5Store.open_for_resume(path, EXPERIMENT) as store:
        for cell in (0, 1):
            store.set_edges(cell, edges_of(EXPERIMENT, cell))
            fill(store, cell, 0, 6)
    after = np.frombuffer(path.read_bytes(), np.uint8)
    assert len(after) == len(before)
    changed = before != after
    with h5py.File(path) as file:
        for group in (file, file["cell_0000"], file["cell_0001"]):
            for dataset in (member for member in group.values() if isinstance(member, h5py.Dataset)):
                if dataset.name.split("/")[-1] not in dataset.dims[0]:  # coordinates are structure
                    start = dataset.id.get_offset()
                    changed[start : start + dataset.id.get_storage_size()] = False
    assert not changed.any()


# ---- resuming -----------------------------------------------------------------------------------


def test_resume_adds_the_missing_trials(written):
    with HDF5Store.open_for_resume(written, EXPERIMENT) as store:
        fill(store, 0, 2, 2)
        assert_is_formula(store, 0, [0, 1, 2, 3, 4])
    with open_results(written) as results:
        assert_is_formula(results, 0, [0, 1, 2, 3, 4])


def test_resume_refuses_another_experiment(written):
    before = digest_of(written)
    mapping = EXPERIMENT.to_mapping()
    mapping["seed"] = 8
    mapping["grid"]["n_classes"] = [3, 4]
    with pytest.raises(StoreError) as caught:
        HDF5Store.open_for_resume(written, Experiment.from_mapping(mapping))
    assert caught.value.expected == "results of the same experiment"
    assert caught.value.got == "seed = 7, not 8; grid.n_classes = 3, not [3, 4]"
    with pytest.raises(StoreError, match='expected results of device "gpu", got those of device "cpu"'):
        HDF5Store.open_for_resume(written, EXPERIMENT, device="gpu")
    assert digest_of(written) == before


# ---- files that are none ------------------------------------------------------------------------


def truncate(path, size):
    path.write_bytes(path.read_bytes()[:size])


OTHER = EXPERIMENT.to_toml().replace("seed = 7", "seed = 9")
BROKEN = [
    (lambda p: p.unlink(), "expected a results file, got no such file"),
    (lambda p: (p.unlink(), p.mkdir()), "expected a results file, got Is a directory"),
    (lambda p: p.write_text("name = 1"), "expected a results file, got a file that is not HDF5"),
    (lambda p: p.write_bytes(b""), "expected a results file, got a file that is not HDF5"),
    (lambda p: truncate(p, 4), "expected a results file, got a file that is not HDF5"),
    (lambda p: truncate(p, 100), "expected a complete HDF5 file, got a truncated file"),
    (lambda p: truncate(p, -1), "expected a complete HDF5 file, got a truncated file"),
    (lambda p: truncate(p, -5000), "expected a complete HDF5 file, got a truncated file"),
    (lambda p: h5py.File(p, "w").close(), 'expected the format "rmtsim-results", got no format'),
    (lambda p: replace_attribute(p, "format", "other"), 'the format "rmtsim-results", got "other"'),
    (lambda p: replace_attribute(p, "format", 3), 'expected the format "rmtsim-results", got "3"'),
    (
        lambda p: replace_attribute(p, "format_version", 3),
        r"format_version at most 2, got .* 3, written by rmtsim \d",
    ),
    (lambda p: replace_attribute(p, "format_version", 0), "expected a positive format_version, got 0"),
    (lambda p: replace_attribute(p, "format_version", "1"), "expected a positive format_version, got 1"),
    (lambda p: replace_attribute(p, "format_version", None), "expected a positive format_version, got none"),
    (
        lambda p: replace_attribute(p, "experiment", None),
        'expected a text as attribute "experiment", got none',
    ),
    (
        lambda p: replace_attribute(p, "experiment", "x = 1"),
        "a valid experiment in its attributes, got x: expected",
    ),
    (
        lambda p: replace_attribute(p, "experiment", OTHER),
        f"an experiment of digest {EXPERIMENT.digest}, got",
    ),
    (lambda p: delete(p, "cell_0001"), 'expected a group "cell_0001", got none'),
    (
        lambda p: delete(p, "cell_0001/masses"),
        'expected a dataset "cell_0001/masses", got none',
    ),
]


@pytest.mark.parametrize(("damage", "message"), BROKEN)
def test_opening_says_what_is_wrong_and_changes_nothing(written, damage, message):
    damage(written)
    before = digest_of(written) if written.is_file() else None
    for attempt in (open_results, lambda p: HDF5Store.open_for_resume(p, EXPERIMENT)):
        with pytest.raises(StoreError, match=message) as caught:
            attempt(written)
        assert str(caught.value).startswith(f"{written}: expected {caught.value.expected}, got ")
        assert "\n" not in str(caught.value)
    assert (digest_of(written) if written.is_file() else None) == before


def test_damaged_bytes_are_refused_or_read(path):
    """Any damage to the structure ends in a StoreError or in arrays, never in another exception."""
    sound = np.frombuffer((FORMATS / "results-v1.h5").read_bytes(), np.uint8)
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(50):
        damaged = sound.copy()
        damaged[rng.integers(len(sound), size=30)] = rng.integers(256, size=30)
        path.write_bytes(damaged.tobytes())
        try:
            with open_results(path) as results:
                for name in results.names(0):
                    results.array(0, name)
        except StoreError as error:
            assert "\n" not in str(error)  # noqa: PT017 - either outcome is right
            refused += 1
    assert refused > 0


@pytest.mark.parametrize("version", [1, 2])
def test_every_version_is_still_read(version):
    """The files are kept for ever; data/README.md says how they were made."""
    with open_results(FORMATS / f"results-v{version}.h5") as results:
        assert results.attributes["format_version"] == version
        assert results.experiment == EXPERIMENT
        assert_is_formula(results, 0, [0, 1, 4], version)
        assert_is_formula(results, 1, [])
        np.testing.assert_array_equal(results.edges(0), edges_of(EXPERIMENT, 0))
        kernels = [session.get("blas", "").split()[-1:] for session in results.sessions]
        assert kernels == ([[]] if version == 1 else [["Haswell"], ["SkylakeX"]])


@pytest.mark.parametrize("version", [1, 2])
def test_every_version_is_resumed(path, version):
    path.write_bytes((FORMATS / f"results-v{version}.h5").read_bytes())
    with pytest.warns(EnvironmentWarning, match="mixes trials of blas ="):
        store = HDF5Store.open_for_resume(path, EXPERIMENT)
    with store:
        for trial in (2, 3, 5):
            store.write(0, trial, [record(EXPERIMENT, 0, trial, version)])
        assert_is_formula(store, 0, range(6), version)
    with open_results(path) as results:
        assert results.attributes["format_version"] == version
        assert_is_formula(results, 0, range(6), version)


# ---- several processes --------------------------------------------------------------------------


def run_python(code, *arguments):
    """Start a Python process that has the names of `stores`."""
    setup = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from stores import *\n"
    command = [sys.executable, "-c", setup + textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def output_of(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out.strip()


READER = """
import xarray
with xarray.open_dataset(sys.argv[1], group="cell_0000", engine="h5netcdf") as data:
    print(int(data.done.sum()), float(data.masses[0, 0]))
with h5py.File(sys.argv[1]) as file, open_results(sys.argv[1]) as results:
    print(int(file["cell_0000/done"][:].sum()), len(results.trials(0)))
"""
SECOND_WRITER = """
try:
    HDF5Store.open_for_resume(sys.argv[1], EXPERIMENT)
except StoreError as error:
    print(error.got)
"""


def test_readers_follow_a_writer_that_a_second_writer_cannot_join(path):
    with HDF5Store.create(path, EXPERIMENT) as store, open_results(path) as follower:
        store.set_edges(0, edges_of(EXPERIMENT, 0))
        assert_is_formula(follower, 0, [])
        fill(store, 0, 0, 2)
        store.flush()
        assert_is_formula(follower, 0, [0, 1])
        processes = [run_python(READER, path), run_python(SECOND_WRITER, path)]
        seen, refused = (output_of(process) for process in processes)
        first = formula(EXPERIMENT, 0, 0, "masses")[0]
        assert seen.split() == ["2", str(first), "2", "2"]
        assert refused == "a file in use by another process"
        fill(store, 0, 2, 1)
        store.flush()
        assert_is_formula(follower, 0, [0, 1, 2])


WRITER = """
with HDF5Store.open_for_resume(sys.argv[1], MANY) as store:
    store.set_edges(0, edges_of(MANY, 0)) if store.edges(0) is None else None
    for trial in np.random.default_rng(0).permutation(np.flatnonzero(~store.done(0))):
        fill(store, 0, int(trial), 1)
"""


def wait_for(condition, process):
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)


def test_a_killed_writer_loses_at_most_its_last_trials(path):
    HDF5Store.create(path, MANY).close()
    rng = np.random.default_rng(0)
    finished = set()
    for _ in range(4):
        with open_results(path) as results:  # a follower, which also sees only whole trials
            writer = run_python(WRITER, path)
            wait_for(lambda: len(results.trials(0)) > len(finished) + 10, writer)  # noqa: B023
            following = results.trials(0)
            np.testing.assert_array_equal(
                results.array(0, "moments", following),
                [formula(MANY, 0, t, "moments") for t in following],
            )
        time.sleep(rng.uniform(0, 0.05))
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        with open_results(path) as results:
            now = set(results.trials(0).tolist())
            assert finished | set(following.tolist()) <= now
            finished = now
            assert_is_formula(results, 0, sorted(finished))
    assert len(finished) < MANY.trials
    with HDF5Store.open_for_resume(path, MANY) as store:
        gap = int(np.argmin(store.done(0)))
        fill(store, 0, gap, 1)
        assert_is_formula(store, 0, sorted({*finished, gap}))


CREATOR = """
for i in range(10_000):
    HDF5Store.create(f"{sys.argv[1]}/{i}.h5", EXPERIMENT).close()
"""


def test_a_killed_creation_leaves_no_half_file(tmp_path):
    rng = np.random.default_rng(1)
    for round_ in range(2):
        directory = tmp_path / str(round_)
        directory.mkdir()
        creator = run_python(CREATOR, directory)
        wait_for(lambda: (directory / "1.h5").exists(), creator)  # noqa: B023
        time.sleep(rng.uniform(0, 0.1))
        creator.send_signal(signal.SIGKILL)
        creator.communicate()
        for path in directory.glob("*.h5"):
            with open_results(path) as results:
                assert_is_formula(results, 0, [])


def test_a_disk_that_fills_up_loses_no_trial(tmp_path):
    """Blocks are claimed at creation, so that no later write can meet a full disk; 512 is a disk block."""
    path = tmp_path / "results.h5"
    HDF5Store.create(path, EXPERIMENT).close()
    status = path.stat()
    assert status.st_blocks * 512 >= status.st_size


def full_after(writes):
    """Return a `pwrite` of a disk that is full after some calls, the last of which writes half."""
    left = iter(range(writes))

    def pwrite(descriptor, data, offset, pwrite=os.pwrite):
        n = next(left, None)
        if n is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return pwrite(descriptor, data[: (len(data) + 1) // 2] if n == writes - 1 else data, offset)

    return pwrite


@pytest.mark.parametrize("writes", range(9))
def test_a_write_that_fails_marks_nothing_done(path, monkeypatch, writes):
    """A trial of cell 0 is eight arrays and the mark; whichever write fails, what was there stays."""
    with HDF5Store.create(path, EXPERIMENT) as store:
        store.set_edges(0, edges_of(EXPERIMENT, 0))
        fill(store, 0, 2, 2)
        monkeypatch.setattr(os, "pwrite", full_after(writes))
        with pytest.raises(StoreError, match=r"expected room to write, got No space left on device"):
            fill(store, 0, 0, 2)
        monkeypatch.undo()
        assert set(store.trials(0)) in ({2, 3}, {0, 2, 3})
        assert_is_formula(store, 0, store.trials(0))
    with HDF5Store.open_for_resume(path, EXPERIMENT) as store:
        for trial in np.flatnonzero(~store.done(0)):
            fill(store, 0, int(trial), 1)
        assert_is_formula(store, 0, range(6))


@pytest.mark.parametrize("writes", [0, 1, 10, 20])
def test_a_creation_that_fails_leaves_nothing(path, monkeypatch, writes):
    monkeypatch.setattr(os, "pwrite", full_after(writes))
    with pytest.raises(StoreError, match="expected a place for a new file, got No space left on device"):
        HDF5Store.create(path, EXPERIMENT)
    assert list(path.parent.iterdir()) == []


def test_trials_are_chosen_by_number_not_by_mask(written):
    with open_results(written) as results, pytest.raises(TypeError, match="trials: expected integers"):
        results.array(0, "moments", results.done(0))
