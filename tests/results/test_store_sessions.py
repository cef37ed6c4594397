"""Sessions of a file: what they were run by is recorded, and said where it enters the last bits."""

import os
import subprocess
import sys

import pytest
from threadpoolctl import threadpool_info

from rmtsim.results import MemoryStore
from rmtsim.results import provenance as provenance_module
from rmtsim.results.hdf5 import EnvironmentWarning, HDF5Store, StoreError, open_results
from rmtsim.results.hdf5.layout import SESSIONS
from rmtsim.results.provenance import ATTRIBUTES, provenance

from .stores import EXPERIMENT, assert_is_formula, edges_of, fill


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "results.h5"
    HDF5Store.create(path, EXPERIMENT).close()
    return path


@pytest.fixture
def pretend(monkeypatch):
    """Let the facts of this process be others."""

    def pretend(**facts):
        changed = {name: (lambda value=value: value) for name, value in facts.items()}
        monkeypatch.setattr(provenance_module, "_FACTS", {**provenance_module._FACTS, **changed})

    return pretend


def resume(path):
    HDF5Store.open_for_resume(path, EXPERIMENT).close()


def test_the_libraries_of_blas_are_named_with_their_kernels():
    named = provenance("cpu")["blas"]
    for library in threadpool_info():
        if library["user_api"] == "blas":
            assert library["version"] in named
            assert library.get("architecture", "") in named


def test_a_store_in_memory_has_one_session():
    (session,) = MemoryStore(EXPERIMENT).sessions
    assert set(session) == set(ATTRIBUTES)


def test_the_first_session_is_that_of_the_attributes(path):
    with open_results(path) as results:
        (session,) = results.sessions
        assert set(session) == set(ATTRIBUTES)
        assert all(results.attributes[name] == value for name, value in session.items())


def test_a_session_like_one_before_is_not_recorded(path, pretend):
    pretend(start_time="later")
    resume(path)
    with open_results(path) as results:
        assert len(results.sessions) == 1


@pytest.mark.parametrize("name", ["host", "platform", "h5py_version", "python_version"])
def test_a_session_that_computes_the_same_is_recorded_in_silence(path, pretend, name):
    pretend(**{name: "other"})
    resume(path)
    with open_results(path) as results:
        assert [session[name] == "other" for session in results.sessions] == [False, True]


@pytest.mark.parametrize(
    "name", ["blas", "numpy_version", "scipy_version", "numba_version", "program_version"]
)
def test_a_session_that_may_differ_in_last_bits_is_told_and_recorded(path, pretend, name):
    first = provenance("cpu")[name]
    pretend(**{name: "other"})
    with pytest.warns(EnvironmentWarning) as caught:
        resume(path)
    end = "whose last bits may differ; the file records both"
    message = f'{path} mixes trials of {name} = "{first}" and "other", {end}'
    assert [str(warning.message) for warning in caught] == [message]
    with pytest.warns(EnvironmentWarning, match="records both"):  # it stays a mixture
        resume(path)
    with open_results(path) as results:
        assert [session[name] for session in results.sessions] == [first, "other"]


def test_a_finished_file_is_joined_by_nothing(path, pretend):
    with HDF5Store.open_for_resume(path, EXPERIMENT) as store:
        for cell in (0, 1):
            store.set_edges(cell, edges_of(EXPERIMENT, cell))
            fill(store, cell, 0, 6)
    pretend(blas="other")
    resume(path)
    with open_results(path) as results:
        assert len(results.sessions) == 1


def test_more_sessions_than_there_is_room_for(path, pretend):
    for host in range(SESSIONS):
        pretend(host=str(host))
        resume(path)
    pretend(host="one more", blas="other")
    with pytest.warns(EnvironmentWarning, match="the file has no room to record it"):
        resume(path)
    with open_results(path) as results:
        assert [session["host"] for session in results.sessions[1:]] == [str(h) for h in range(SESSIONS)]
        assert_is_formula(results, 0, [])


def test_a_session_too_long_to_record(path, pretend):
    pretend(blas="x" * 4000)
    with pytest.warns(EnvironmentWarning, match="the file has no room to record it"):
        resume(path)
    with open_results(path) as results:
        assert len(results.sessions) == 1


def test_a_row_that_a_killed_writer_left_does_not_count(path, pretend, monkeypatch):
    calls = iter(range(10))
    pwrite = os.pwrite

    def killed(descriptor, data, offset):
        if next(calls) == 1:
            raise KeyboardInterrupt
        return pwrite(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", killed)
    pretend(host="a long name that does not become one of the recorded")
    with pytest.raises(KeyboardInterrupt):
        resume(path)
    monkeypatch.setattr(os, "pwrite", pwrite)
    with open_results(path) as results:
        assert len(results.sessions) == 1
    pretend(host="other")
    resume(path)
    with open_results(path) as results:
        assert [session["host"] == "other" for session in results.sessions] == [False, True]


def test_a_row_that_is_no_session(path):
    with HDF5Store(path) as store:
        os.pwrite(store._descriptor, b"{...", store._file["sessions"].id.get_offset())
    with open_results(path) as results, pytest.raises(StoreError, match='a readable dataset "sessions", got'):
        _ = results.sessions


def python(code, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )


COMMAND = "import sys; from rmtsim.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.mark.slow
def test_two_kernels_of_openblas(path):
    """The library chooses its kernel when it is loaded, by a variable that is given to that process alone."""
    code = "from rmtsim.results.provenance import provenance; print(provenance('cpu')['blas'])"
    old, new = (python(code, **kernel).stdout.strip() for kernel in ({}, {"OPENBLAS_CORETYPE": "Nehalem"}))
    if old == new:
        pytest.skip("no OpenBLAS with another kernel for this processor")
    run = python(COMMAND, "resume", path, "--quiet", OPENBLAS_CORETYPE="Nehalem")
    end = "whose last bits may differ; the file records both"
    assert run.stderr == f'rmtsim: warning: {path} mixes trials of blas = "{old}" and "{new}", {end}\n'
    lines = python(COMMAND, "info", path).stdout.splitlines()
    assert any(line.split() == ["blas", *old.split()] for line in lines)
    assert any(line.startswith(f"  resumed with     blas {new}") for line in lines)
