"""The program and its shell: signals, closed streams, pipes, files that are none, and what is left behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import rmtsim
from rmtsim import unfinished
from rmtsim.results.hdf5 import HDF5Store

from ..results.stores import EXPERIMENT

SMALL = """
name = "small"
seed = 1
trials = {trials}
[model]
architecture = "linear"
loss = "mse"
[grid]
n_features = 3
n_samples = 5
n_classes = 2
[measure]
statistics = "moments"
"""

SIGNALLED = """
import os, sys, time
from rmtsim.cli import main
delay, number = float(sys.argv.pop(1)), int(sys.argv.pop(1))
if os.fork() == 0:
    os.closerange(0, 3)
    time.sleep(delay)
    os.kill(os.getppid(), number)
    os._exit(0)
sys.exit(main())
"""
"""The program, with a signal sent to it so long after its first line."""


def shell(line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which `rmtsim` is this program."""
    command = f'rmtsim() {{ "{sys.executable}" -m rmtsim "$@"; }}; {line}'
    return subprocess.run(["bash", "-c", command], cwd=cwd, capture_output=True, text=True, timeout=120)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A directory with an experiment of ten trials, small.toml."""
    (tmp_path / "small.toml").write_text(SMALL.format(trials=10))
    return tmp_path


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results file without a trial."""
    path = tmp_path_factory.mktemp("results") / "results.h5"
    HDF5Store.create(path, EXPERIMENT).close()
    return path


# Signals -------------------------------------------------------------------------------------------


def hear_signals() -> None:
    """Let a new process hear Ctrl-C also where this one was started in the background, and does not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def signalled(delay: float, number: int, arguments: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SIGNALLED, str(delay), str(number), *arguments]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=120, preexec_fn=hear_signals
    )


def assert_ended_by_signal(done: subprocess.CompletedProcess[str], number: int, cwd: Path) -> None:
    """One sentence and the status of the signal, or a whole run; nothing under construction left."""
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 128 + number), done
    if done.returncode:
        assert done.stderr.splitlines()[-1].startswith("rmtsim: interrupted")
    assert not list(cwd.glob(".*.partial"))


@pytest.mark.parametrize(
    ("number", "delay"), [(signal.SIGINT, 0.03), (signal.SIGTERM, 0.15), (signal.SIGHUP, 0.1)]
)
def test_a_signal_while_modules_are_imported_ends_in_a_sentence(
    number: int, delay: float, tmp_path: Path
) -> None:
    done = signalled(delay, number, ["run", "quickstart"], tmp_path)
    assert_ended_by_signal(done, number, tmp_path)
    assert done.returncode == 128 + number


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_any_instant_ends_in_a_sentence(number: int, tmp_path: Path) -> None:
    """From the first line of the program on; what Python itself does before cannot be had."""
    start = time.monotonic()
    assert signalled(60, number, ["run", "quickstart"], tmp_path).returncode == 0
    length = time.monotonic() - start
    for instant in range(1, 61):
        for file in tmp_path.iterdir():
            file.unlink()
        done = signalled(0.003 + length * instant / 60, number, ["run", "quickstart"], tmp_path)
        assert_ended_by_signal(done, number, tmp_path)
        if "Go on with" in done.stderr:
            assert rmtsim.open_results(tmp_path / "quickstart.h5").experiment.name == "quickstart"


def finished(path: Path) -> int:
    if not path.exists():
        return 0
    with rmtsim.open_results(path) as results:
        return sum(len(results.trials(cell.index)) for cell in results.cells)


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 100
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_signal_that_is_ignored_stays_ignored(results: Path, tmp_path: Path) -> None:
    """As shells have it for what runs in the background."""
    line = f"trap '' INT; {sys.executable} -c '{SIGNALLED}' 0.1 {int(signal.SIGINT)} info {results}"
    assert shell(line, tmp_path).returncode == 0


# Streams -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("closing", ["2>&-", ">&-", "<&- >&- 2>&-", "2>/dev/full", "2>&1 | true"])
def test_a_run_needs_no_stream(closing: str, small: Path) -> None:
    done = shell(f"set -o pipefail; rmtsim run small.toml {closing}", small)
    assert done.returncode == 0, done
    assert finished(small / "small.h5") == 10
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("closing", "got"), [(">&-", "Bad file descriptor"), ("> /dev/full", "No space left on device")]
)
def test_output_that_cannot_be_written_is_no_success(
    closing: str, got: str, results: Path, tmp_path: Path
) -> None:
    done = shell(f"rmtsim info {results} {closing}", tmp_path)
    assert done.returncode == 2
    assert re.fullmatch(rf"rmtsim: error: .*expected .*, got {got}\n", done.stderr)


def test_a_reader_that_leaves_hears_nothing(results: Path, tmp_path: Path) -> None:
    done = shell(f"rmtsim info {results} | true; echo ${{PIPESTATUS[0]}}", tmp_path)
    assert done.stdout in ("141\n", "0\n")  # 0 where everything was in the pipe before its reader left
    assert done.stderr == ""
    drawn = "rmtsim law linear-mse --block vv_diag --aspect-ratio 0.5 --draw 100000 | head -n 1"
    done = shell(f"{drawn}; echo ${{PIPESTATUS[0]}}", tmp_path)
    assert done.stdout.splitlines()[1] == "141"
    assert done.stderr == ""


# What is no file ------------------------------------------------------------------------------------


@pytest.fixture
def others(tmp_path: Path) -> Path:
    """A directory with a pipe and a socket."""
    os.mkfifo(tmp_path / "pipe")
    here = Path.cwd()
    with socket.socket(socket.AF_UNIX) as bound:
        os.chdir(tmp_path)  # the path of a socket has to be short
        try:
            bound.bind("socket")
        finally:
            os.chdir(here)
    return tmp_path


@pytest.mark.parametrize("given", ["pipe", "socket", "/dev/zero", "/dev/null"])
def test_what_is_no_file_holds_no_results(given: str, others: Path) -> None:
    with pytest.raises(ValueError, match="expected a results file, got a pipe, socket or device"):
        rmtsim.open_results(others / given)


@pytest.mark.parametrize(
    "arguments",
    [
        "info pipe",
        "resume pipe",
        "run pipe",
        "run socket",
        "run /dev/zero",
        "law hidden-ce --block ww_off --aspect-ratio 1 --V pipe",
    ],
)
def test_nothing_waits_for_a_pipe(arguments: str, others: Path) -> None:
    done = shell(f"timeout 30 {sys.executable} -m rmtsim {arguments}", others)
    assert done.returncode == 2
    assert re.fullmatch("rmtsim: error: .*expected .*, got .*\n", done.stderr)


def test_an_experiment_may_come_through_a_pipe(small: Path) -> None:
    done = shell("rmtsim run <(sleep 0.5; cat small.toml) --quiet", small)
    assert done.returncode == 0, done
    assert finished(small / "small.h5") == 10


# Unfinished files ----------------------------------------------------------------------------


def number_of_a_dead_process() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_only_what_dead_processes_of_this_machine_left_is_cleared(tmp_path: Path) -> None:
    here, dead = unfinished.machine(), number_of_a_dead_process()
    other = f"{int(here, 16) ^ 1:08x}"
    left = tmp_path / f".a.h5.{here}-{dead}-0123.partial"
    kept = [
        tmp_path / f".a.h5.{here}-{os.getpid()}-0123.partial",
        tmp_path / f".a.h5.{here}-1-0123.partial",
        tmp_path / f".a.h5.{other}-{dead}-0123.partial",
        tmp_path / f".a.h5.{here}-{dead}-0123.partial.h5",
        tmp_path / f"a.h5.{here}-{dead}-0123.partial",
        tmp_path / f".a.h5.{here}-{10**30}-0123.partial",
    ]
    for path in [left, *kept]:
        path.touch()
    with unfinished.UnfinishedFile(tmp_path / "b.h5") as path:
        assert not left.exists()
        path.touch()
        unfinished.remove_abandoned(tmp_path)
        assert path.exists()
    assert sorted(tmp_path.iterdir()) == sorted(kept)


KILLED = """
import os, signal, sys
from pathlib import Path
from rmtsim.results.hdf5 import HDF5Store, creation
from tests.results.stores import EXPERIMENT
creation._publish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
HDF5Store.create(Path(sys.argv[1]) / "killed.h5", EXPERIMENT)
"""


def test_what_a_killed_creation_leaves_is_cleared_by_the_next(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=root, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob(".killed.h5.*.partial"))) == 1
    HDF5Store.create(tmp_path / "next.h5", EXPERIMENT).close()
    assert [path.name for path in tmp_path.iterdir()] == ["next.h5"]
