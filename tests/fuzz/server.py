"""A process that has everything imported and compiled, and runs commands in forks of itself.

Reads requests from standard input, a JSON object a line, and answers each with a line. A fork has limits of
memory and time; what it prints is captured, and so is an end by a signal.
"""

import errno
import json
import os
import resource
import select
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

TRACEBACK = 70
"""Exit status after an exception that the command line did not catch."""
MEMORY = 1 << 31
"""Bytes that a command may map beyond what the server has."""
OUTPUT = 1 << 20
"""Bytes that a command may print, and twice that it may write to a file."""

WARM = """
name = "warm"
seed = 1
trials = 2
[model]
architecture = {architecture}
loss = {loss}
[grid]
n_features = [6, 24]
n_samples = 20
n_classes = 3
{hidden}
[measure]
precision = "{precision}"
statistics = ["histogram", "moments", "extremes", "eigenvalues"{masses}]
"""
LINEAR = {"architecture": '"linear"', "hidden": ""}
BOTH = {"architecture": '["linear", "hidden"]', "hidden": "n_hidden = 2"}


def warm() -> None:
    """Import and load from their caches what commands use."""
    import matplotlib

    matplotlib.rcParams["savefig.dpi"] = 20  # pixels take most of the time of a figure
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for precision in ("float64", "float32"):
            _warm("run", **BOTH, loss='["mse", "ce"]', masses=', "masses"', precision=precision)
            _warm("run", **BOTH, loss='"mse"', masses="", precision=precision)
        _warm("run", "compare", "plot", **LINEAR, loss='["mse", "ce"]', masses="", precision="float64")
        os.chdir("/")


def _warm(*commands: str, **experiment: str) -> None:
    from rmtsim.cli.commands import run

    Path("warm.h5").unlink(missing_ok=True)
    Path("warm.toml").write_text(WARM.format(**experiment))
    lines = {"run": "run warm.toml --quiet", "compare": "compare warm.h5", "plot": "plot warm.h5 -o figures"}
    for command in commands:
        if status := run(lines[command].split()):
            raise RuntimeError(f"{command}: status {status}")


def execute(
    arguments: list[str],
    folder: str,
    seconds: float,
    file_size: int | None = None,
    good_writes: int | None = None,
) -> dict[str, Any]:
    """Run a command in a fork.

    Parameters
    ----------
    arguments, folder
        Of the command, and where it runs.
    seconds : float
        After which it is killed.
    file_size : int, optional
        Limit of the files that it writes, as of ``ulimit -f``.
    good_writes : int, optional
        Writes to files that succeed before the disk is full.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
        child = os.fork()
        if child == 0:
            if good_writes is not None:
                _fill_disk_after(good_writes)
            _be_command(arguments, folder, seconds, file_size, out.fileno(), error.fileno())
        timed_out = not _ended(child, seconds)
        if timed_out:
            os.kill(child, signal.SIGKILL)
        status, usage = os.wait4(child, 0)[1:]
        return {
            "status": "timeout" if timed_out else os.waitstatus_to_exitcode(status),
            "out": _content(out),
            "err": _content(error),
            "memory": usage.ru_maxrss * 1024,
        }


def _be_command(
    arguments: list[str], folder: str, seconds: float, file_size: int | None, out: int, error: int
) -> None:
    status = TRACEBACK
    try:
        os.setsid()
        os.chdir(folder)
        os.dup2(out, 1)
        os.dup2(error, 2)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY,) * 2)
        resource.setrlimit(resource.RLIMIT_CPU, (int(2 * seconds) + 1,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if file_size is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as Python has it from its start
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
        from rmtsim.cli.commands import run

        status = run(arguments)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _fill_disk_after(writes: int) -> None:
    """Let `os.pwrite` fail from then on, and the last good one write half of its bytes."""
    write, count = os.pwrite, iter(range(1, 10**9))

    def failing(descriptor: int, data: Any, offset: int) -> int:
        number = next(count)
        if number > writes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data[: len(data) // 2] if number == writes else data, offset)

    os.pwrite = failing


def _ended(child: int, seconds: float) -> bool:
    descriptor = os.pidfd_open(child)
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def _content(file: Any) -> str:
    file.seek(0)
    return file.read(OUTPUT).decode(errors="replace")


def serve() -> None:
    """Answer requests until standard input ends."""
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):
        os.dup2(nothing, number)
    warm()
    for line in requests:
        print(json.dumps(execute(**json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    serve()
