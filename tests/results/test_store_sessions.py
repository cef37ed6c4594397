"""Sessions of a file: what they were run by is recorded, and said where it enters the last bits."""

import os
import platform
import subprocess
import sys
from datetime import datetime

import pytest
from threadpoolctl import threadpool_info

from rmtsim.batch import run
from rmtsim.results import MemoryStore
from rmtsim.results import provenance as provenance_module
from rmtsim.results.hdf5 import EnvironmentWarning, HDF5Store, StoreError, open_results
from rmtsim.results.hdf5.layout import SESSIONS
from rmtsim.results.hdf5.writer import KEPT_FREE
from rmtsim.results.provenance import ATTRIBUTES, LATER, provenance

from .stores import EXPERIMENT, FORMATS, assert_is_formula, edges_of, fill


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
    assert set(session) == {*ATTRIBUTES, *LATER}


def test_the_first_session_is_that_of_the_attributes(path):
    with open_results(path) as results:
        (session,) = results.sessions
        assert set(session) == {*ATTRIBUTES, *LATER, "end_time"}
        assert all(results.attributes[name] == value for name, value in session.items())


def test_a_run_records_its_workers_and_when_it_wrote_its_last_trial(tmp_path, pretend):
    pretend(start_time="2026-01-01T00:00:00+00:00")
    path, start = tmp_path / "run.h5", datetime.now().astimezone().replace(microsecond=0)
    run(EXPERIMENT, path, workers=2)
    with open_results(path) as results:
        (session,) = results.sessions
        assert session["workers"] == results.attributes["workers"] == "2"
        assert start <= datetime.fromisoformat(session["end_time"]) <= datetime.now().astimezone()


def test_every_session_that_writes_is_recorded(path, pretend):
    for hour in (1, 2):
        pretend(start_time=f"2026-01-01T0{hour}:00:00+00:00")
        resume(path)
    with open_results(path) as results:
        assert len(results.sessions) == 3
        assert [session["end_time"] for session in results.sessions[1:]] == [
            "2026-01-01T01:00:00+00:00",  # of a session that wrote nothing
            "2026-01-01T02:00:00+00:00",
        ]


def test_a_killed_session_has_the_end_of_its_last_trials(path, pretend):
    pretend(start_time="2026-01-01T00:00:00+00:00")
    with HDF5Store.open_for_resume(path, EXPERIMENT) as store:
        store.set_edges(0, edges_of(EXPERIMENT, 0))
        fill(store, 0, 0, 1)
        store.flush()
        with open_results(path) as results:  # as it is while the session goes on
            assert results.sessions[-1]["end_time"] > "2026-01-01T00:00:00+00:00"
            assert_is_formula(results, 0, [0])


def test_the_processor_and_the_code_that_computes_are_named(tmp_path, monkeypatch):
    facts = provenance("cpu")
    if os.path.exists("/proc/cpuinfo") and platform.machine() == "x86_64":
        with open("/proc/cpuinfo") as file:
            assert any(line.split(":")[-1].strip() == facts["cpu"] for line in file)
    assert facts["source"] == provenance_module._source.__wrapped__()
    top = tmp_path / "rmtsim"
    for room in ("kernels", "sampling", "report"):
        (top / room).mkdir(parents=True)
        (top / room / "code.py").write_text("1")
    monkeypatch.setattr(provenance_module, "__file__", str(top / "results" / "provenance.py"))
    before = provenance_module._source.__wrapped__()
    (top / "report" / "code.py").write_text("2")
    (top / "kernels" / "README.md").write_text("2")
    assert provenance_module._source.__wrapped__() == before
    (top / "kernels" / "code.py").write_text("2")
    assert provenance_module._source.__wrapped__() != before


def test_earlier_files_differ_in_no_source(tmp_path, pretend):
    """They name none, so that nothing can be said about it."""
    path = tmp_path / "v2.h5"
    path.write_bytes((FORMATS / "results-v2.h5").read_bytes())
    with pytest.warns(EnvironmentWarning) as caught:
        resume(path)
    assert "source" not in str(caught[0].message)
    with open_results(path) as results:
        assert len(results.sessions) == 3
        assert "source" not in results.sessions[0]
        assert results.sessions[2]["source"] == provenance("cpu")["source"]


@pytest.mark.parametrize("name", ["host", "platform", "cpu", "h5py_version", "python_version"])
def test_a_session_that_computes_the_same_is_recorded_in_silence(path, pretend, name):
    pretend(**{name: "other"})
    resume(path)
    with open_results(path) as results:
        assert [session[name] == "other" for session in results.sessions] == [False, True]


@pytest.mark.parametrize(
    "name", ["blas", "numpy_version", "scipy_version", "numba_version", "program_version", "source"]
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
        assert [session[name] for session in results.sessions] == [first, "other", "other"]


def test_a_finished_file_is_joined_by_nothing(path, pretend):
    with HDF5Store.open_for_resume(path, EXPERIMENT) as store:
        for cell in (0, 1):
            store.set_edges(cell, edges_of(EXPERIMENT, cell))
            fill(store, cell, 0, 6)
    pretend(blas="other")
    resume(path)
    with open_results(path) as results:
        assert len(results.sessions) == 2  # its creation and its trials


def test_more_sessions_than_there_is_room_for(path, pretend):
    for host in range(1, SESSIONS):
        pretend(host=str(host))
        resume(path)
    pretend(host="one more", blas="other")
    with pytest.warns(EnvironmentWarning, match="the file has no room to record it"):
        resume(path)
    with open_results(path) as results:
        assert [session["host"] for session in results.sessions[1:]] == [str(h) for h in range(1, SESSIONS)]
        assert_is_formula(results, 0, [])


def test_sessions_like_others_leave_room_for_those_unlike_them(path, pretend):
    with HDF5Store.open_for_resume(path, EXPERIMENT) as store:
        store.set_edges(0, edges_of(EXPERIMENT, 0))
    for _ in range(SESSIONS):
        resume(path)
    pretend(start_time="2026-01-01T00:00:00+00:00")
    with HDF5Store.open_for_resume(path, EXPERIMENT) as store:
        fill(store, 0, 0, 1)
    with open_results(path) as results:
        *others, last = results.sessions
        assert len(others) + 1 == SESSIONS - KEPT_FREE
        assert last["start_time"] != "2026-01-01T00:00:00+00:00"
        assert last["end_time"] >= max(session["end_time"] for session in others)
    pretend(host="another")
    resume(path)
    with open_results(path) as results:
        assert results.sessions[-1]["host"] == "another"


def test_a_session_too_long_to_record(path, pretend):
    pretend(blas="x" * 4000)
    with pytest.warns(EnvironmentWarning, match="the file has no room to record it"):
        resume(path)
    with open_results(path) as results:
        assert len(results.sessions) == 1


def test_a_row_that_a_killed_writer_left_does_not_count(path, pretend, monkeypatch):
    calls = iter(range(10))
    pwrite, host = os.pwrite, "a long name that does not become one of the recorded"

    def killed(descriptor, data, offset):
        if next(calls) == 1:
            raise KeyboardInterrupt
        return pwrite(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", killed)
    pretend(host=host)
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
    with pytest.raises(StoreError, match='a readable dataset "sessions", got'):
        open_results(path)


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
    assert any(line.startswith("  resumed with ") and f"blas {new}" in line for line in lines)
