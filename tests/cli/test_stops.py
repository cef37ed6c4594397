"""Runs that are stopped: by a signal or by their time, at once, with every finished trial kept."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .test_process import SMALL, finished, hear_signals, shell, wait_for

LONG = SMALL.format(trials=300_000).replace("n_features = 3", "n_features = 200") + 'method = "dense"\n'
"""Takes half a minute."""

UNFLUSHED = """
import sys
from rmtsim.cli import _progress, main
from rmtsim.results.hdf5 import marks
marks.SHORTEST_WAIT = 1e6
_progress.LINE_INTERVAL = 0.1
sys.exit(main())
"""
"""The program, whose marks nobody writes but the end, and which tells its progress often."""


@contextmanager
def running(cwd: Path, *arguments: str, code: str = "") -> Iterator[subprocess.Popen[str]]:
    program = ["-c", code] if code else ["-m", "rmtsim"]
    command = [sys.executable, *program, "run", "e.toml", "-o", "a file.h5", *arguments]
    with subprocess.Popen(
        command, cwd=cwd, stderr=subprocess.PIPE, text=True, preexec_fn=hear_signals
    ) as process:
        yield process


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_keeps_every_trial_that_was_told(
    number: signal.Signals, workers: str, tmp_path: Path
) -> None:
    (tmp_path / "e.toml").write_text(LONG)
    with running(tmp_path, "--workers", workers, code=UNFLUSHED) as process:
        assert process.stderr is not None
        lines = (re.match(r"(\d+)/300000 trials", line) for line in process.stderr)
        told = next(int(line[1]) for line in lines if line and int(line[1]) > 0)
        assert finished(tmp_path / "a file.h5") == 0
        process.send_signal(number)
        last = process.communicate(timeout=60)[1].splitlines()[-1]
    assert process.returncode == 128 + number
    assert last == "rmtsim: interrupted; finished trials are kept. Go on with: rmtsim resume 'a file.h5'"
    assert told <= finished(tmp_path / "a file.h5") < 300_000


def test_a_signal_does_not_wait_for_a_long_trial(tmp_path: Path) -> None:
    """One of half a minute, of one worker, without histograms and so without pilot trials."""
    large = SMALL.format(trials=2).replace("n_features = 3", "n_features = 4000").replace("= 5", "= 4000")
    (tmp_path / "e.toml").write_text(large + 'method = "dense"\n')
    with running(tmp_path, "--workers", "1") as process:
        wait_for((tmp_path / "a file.h5").exists, process)
        time.sleep(1)
        start = time.monotonic()
        process.send_signal(signal.SIGTERM)
        last = process.communicate(timeout=60)[1].splitlines()[-1]
        assert time.monotonic() - start < 8
    assert process.returncode == 143
    assert last.endswith("Go on with: rmtsim resume 'a file.h5'")
    assert finished(tmp_path / "a file.h5") == 0


def test_a_hangup_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    """As of ``nohup``."""
    (tmp_path / "e.toml").write_text(SMALL.format(trials=10))
    hung_up = f"trap '' HUP; {sys.executable} -c '{HANGUP}' run e.toml"
    assert shell(hung_up, tmp_path).returncode == 0
    assert finished(tmp_path / "small.h5") == 10


HANGUP = """
import os, signal, sys
from rmtsim.cli import _process, main
watch = _process.watch_signals
_process.watch_signals = lambda: (watch(), os.kill(os.getpid(), signal.SIGHUP))
sys.exit(main())
"""


def test_a_run_stops_in_time(tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(LONG)
    start = time.monotonic()
    with running(tmp_path, "--max-time", "0m3s", "--workers", "2") as process:
        last = process.communicate(timeout=100)[1].splitlines()[-1]
    assert time.monotonic() - start > 3
    assert process.returncode == 124
    advice = "finished trials are kept. Go on with: rmtsim resume 'a file.h5'"
    assert last == f"rmtsim: stopped after --max-time; {advice}"
    assert 0 < finished(tmp_path / "a file.h5") < 300_000


def test_time_enough_is_no_news(tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(SMALL.format(trials=10))
    done = shell("rmtsim run e.toml --max-time 1h30m --quiet", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert finished(tmp_path / "small.h5") == 10


@pytest.mark.parametrize(
    "text", ["", "90", "0s", "-1h", "1h-2m", "3m2h", "infs", "1.2.3h", "..s", "tomorrow"]
)
def test_a_time_that_is_none_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    from rmtsim.cli import main

    with pytest.raises(SystemExit, match="2"):
        main(["run", "quickstart", f"--max-time={text}"])
    assert f"argument --max-time: expected a time such as 3h50m, got {text!r}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "seconds"), [("3h50m", 13800), ("90m", 5400), ("1d12h", 129600), ("2.5s", 2.5), ("1d1s", 86401)]
)
def test_times_in_words(text: str, seconds: float) -> None:
    from rmtsim.cli.simulate import duration

    assert duration(text) == seconds


def test_no_other_program_is_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from rmtsim.cli import main

    assert main(["run", "quickstart", "-o", str(tmp_path / "of.h5"), "--max-time", "1h"]) == 2
    assert "expected the program rmtsim, got another one that calls its commands" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
