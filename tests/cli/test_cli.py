"""The command line, through real subprocesses: what it prints, its exit status, and what it leaves behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import pytest

import rmtsim
from rmtsim.cli import _progress

from ..conftest import gpu_present

EXPERIMENT = """
name = "small"
seed = 3
trials = {trials}
[model]
architecture = ["linear", "hidden"]
loss = ["mse", "ce"]
v_draw = "cell"
[grid]
n_features = {features}
aspect_ratio = 0.5
n_classes = [3, 6]
n_hidden = 4
"""


def rmtsim_command(*arguments: object, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run ``rmtsim ARGUMENTS`` in `cwd`."""
    command = [sys.executable, "-m", "rmtsim", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done


def write_experiment(directory: Path, trials: int = 10, features: int = 16) -> Path:
    path = directory / "small.toml"
    path.write_text(EXPERIMENT.format(trials=trials, features=features))
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which `rmtsim run small.toml` has run."""
    directory = tmp_path_factory.mktemp("finished")
    write_experiment(directory)
    rmtsim_command("run", "small.toml", cwd=directory)
    return directory


def test_run_writes_the_results_and_plain_lines(tmp_path: Path) -> None:
    write_experiment(tmp_path)
    done = rmtsim_command("run", "small.toml", "--workers", 2, cwd=tmp_path)
    assert "80/80 trials (100 %)" in done.stderr
    assert "\r" not in done.stderr
    with rmtsim.open_results(tmp_path / "small.h5") as results:
        assert all(results.done(cell.index).all() for cell in results.cells)


def test_quiet_prints_nothing_and_output_names_the_file(tmp_path: Path) -> None:
    write_experiment(tmp_path, trials=1)
    done = rmtsim_command("run", "small.toml", "--quiet", "-o", "other.h5", cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("", "")
    assert (tmp_path / "other.h5").exists()


def test_a_shipped_experiment_runs_by_name(tmp_path: Path) -> None:
    rmtsim_command("run", "quickstart", "--quiet", "-o", "q.h5", cwd=tmp_path)
    with rmtsim.open_results(tmp_path / "q.h5") as results:
        assert results.experiment.name == "quickstart"


def test_info_tells_how_far_the_run_is(finished: Path) -> None:
    printed = rmtsim_command("info", "small.h5", cwd=finished).stdout
    assert "small: 80 of 80 trials finished" in printed
    assert "hidden mse" in printed
    assert 'loss = ["mse", "ce"]' in printed


def test_compare_prints_a_table_and_json(finished: Path) -> None:
    table = rmtsim_command("compare", "small.h5", "--check", cwd=finished).stdout
    assert "Marchenko-Pastur" in table
    assert max(map(len, table.splitlines())) <= 110
    found = json.loads(rmtsim_command("compare", "small.h5", "--json", cwd=finished).stdout)
    assert len(found["cells"]) == 8


@pytest.mark.slow
def test_check_fails_on_a_broken_identity(finished: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.h5"
    broken.write_bytes((finished / "small.h5").read_bytes())
    with h5py.File(broken, "r+") as file:
        file["cell_0000/moments"][...] *= 1.5
    assert rmtsim_command("compare", broken, cwd=tmp_path).returncode == 0
    assert rmtsim_command("compare", broken, "--check", cwd=tmp_path, check=False).returncode == 1


@pytest.mark.parametrize(("quiet", "trials", "said"), [(False, 0, True), (False, 1, False), (True, 0, False)])
def test_silence_is_explained(
    quiet: bool, trials: int, said: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_progress, "PATIENCE", 0.05)
    with _progress.Progress(quiet) as progress:
        progress.update(0, 4)
        progress.update(trials, 4)
        progress.patience.timer.join(10)
    assert (_progress.COMPILING in capsys.readouterr().err) == said


@pytest.mark.slow
def test_check_says_where_nothing_can_be_tested(finished: Path, tmp_path: Path) -> None:
    untested = tmp_path / "untested.h5"
    untested.write_bytes((finished / "small.h5").read_bytes())
    with h5py.File(untested, "r+") as file:
        for name in set(file) - {"session", "sessions"}:
            file[name]["done"][1:] = 0  # a test needs eight trials
    checked = rmtsim_command("compare", untested, "--check", cwd=tmp_path)
    assert "No test: expected something that is known, measured in 8 trials or more" in checked.stdout
    checked = rmtsim_command("compare", untested, "--check", "--json", cwd=tmp_path)
    assert json.loads(checked.stdout)["check"]["tests"] == []
    assert "--check: no test" in checked.stderr


def test_plot_refuses_a_file_in_place_of_a_directory(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "figures").touch()
    refused = rmtsim_command("plot", finished / "small.h5", "-o", "figures", cwd=tmp_path, check=False)
    assert refused.returncode == 2
    assert "directory: expected a folder for the figures, got a file: figures" in refused.stderr


def test_plot_draws_into_the_directory(finished: Path, tmp_path: Path) -> None:
    printed = rmtsim_command("plot", "small.h5", "-o", tmp_path / "figures", cwd=finished).stdout
    paths = [Path(line) for line in printed.splitlines()]
    assert paths
    assert all(path.stat().st_size > 1000 for path in paths)


def test_plot_draws_what_is_asked_for(finished: Path, tmp_path: Path) -> None:
    asked = (
        "--only",
        "spectrum,ratio",
        "--cells",
        "4,n_classes=3",
        "--blocks",
        "ww_off",
        "--format",
        "svg,pdf",
    )
    printed = rmtsim_command("plot", "small.h5", "-o", tmp_path / "figures", *asked, cwd=finished)
    names = [Path(line).name for line in printed.stdout.splitlines()]
    assert names == ["index.html", "spectrum_0004_ww_off.pdf", "spectrum_0004_ww_off.svg"]
    assert printed.stderr == ""  # progress is for terminals


def test_plot_refuses_what_is_not_there(finished: Path, tmp_path: Path) -> None:
    for asked in (["--only", "spectra"], ["--cells", "8"], ["--blocks", "ww"], ["--format", "gif"]):
        refused = rmtsim_command("plot", "small.h5", "-o", tmp_path / "f", *asked, cwd=finished, check=False)
        assert refused.returncode == 2
        assert len(refused.stderr.splitlines()) == 1
        assert "expected" in refused.stderr
    assert not (tmp_path / "f").exists()


def test_a_killed_run_resumes_to_the_same_results(tmp_path: Path) -> None:
    write_experiment(tmp_path, trials=300, features=40)
    command = [sys.executable, "-m", "rmtsim", "run", "small.toml", "-o", "killed.h5", "--quiet"]
    with subprocess.Popen(command, cwd=tmp_path) as process:
        while not _finished_trials(tmp_path / "killed.h5"):
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    assert 0 < _finished_trials(tmp_path / "killed.h5") < 8 * 300
    rmtsim_command("resume", "killed.h5", cwd=tmp_path)
    rmtsim_command("run", "small.toml", "-o", "whole.h5", cwd=tmp_path)
    with (
        rmtsim.open_results(tmp_path / "killed.h5") as one,
        rmtsim.open_results(tmp_path / "whole.h5") as other,
    ):
        for cell in one.cells:
            for name in one.names(cell.index):
                assert one.array(cell.index, name).tobytes() == other.array(cell.index, name).tobytes()


def _finished_trials(path: Path) -> int:
    if not path.exists():
        return 0
    with rmtsim.open_results(path) as results:
        return sum(int(results.done(cell.index).sum()) for cell in results.cells)


REFUSED = {
    "unknown key": ('trials = 10', 'trails = 10', ["trails", "trials"]),
    "wrong type": ('trials = 10', 'trials = "ten"', ["trials", "integer", "ten"]),
    "no features": ("n_features = 16", "n_features = 0", ["n_features", "0"]),
    "no classes": ("n_classes = [3, 6]", "n_classes = -1", ["n_classes", "-1"]),
    "width of a linear model": ('["linear", "hidden"]', '"linear"', ["n_hidden", "linear"]),
    "both sample sizes": ("aspect_ratio = 0.5", "aspect_ratio = 0.5\nn_samples = 3", ["n_samples", "both"]),
    "no sample size": ("aspect_ratio = 0.5", "", ["aspect_ratio", "neither"]),
    "empty grid": ("n_classes = [3, 6]", "n_classes = []", ["n_classes", "empty"]),
    "no TOML": ("[model]", "[model", ["TOML"]),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_experiment_says_why_and_writes_nothing(case: str, tmp_path: Path) -> None:
    before, after, words = REFUSED[case]
    path = write_experiment(tmp_path)
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    refused = rmtsim_command("run", "small.toml", cwd=tmp_path, check=False)
    assert_refused(refused, *words)
    assert list(tmp_path.iterdir()) == [path]


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Exit status 2, one line on standard error that has all `words`, no traceback."""
    assert done.returncode == 2, done.stderr
    message = done.stderr.splitlines()[-1]
    assert message.startswith("rmtsim: error: ")
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in message, message


def test_existing_results_are_never_overwritten(finished: Path) -> None:
    before = (finished / "small.h5").read_bytes()
    assert_refused(rmtsim_command("run", "small.toml", cwd=finished, check=False), "small.h5", "exists")
    assert (finished / "small.h5").read_bytes() == before


def test_a_trial_larger_than_memory_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    write_experiment(tmp_path, features=10**8)
    assert_refused(rmtsim_command("run", "small.toml", cwd=tmp_path, check=False), "cell", "GB")
    assert not (tmp_path / "small.h5").exists()


def test_max_memory_limits_the_workers_and_says_so_in_one_line(tmp_path: Path) -> None:
    write_experiment(tmp_path, trials=2)
    options = "--workers", 3, "--quiet", "--max-memory"
    done = rmtsim_command("run", "small.toml", *options, "40MB", cwd=tmp_path)
    assert done.stderr.count("\n") == 1
    assert "rmtsim: warning: 1 of 3 workers fit in the 0.04 GB of max_memory" in done.stderr
    assert rmtsim_command("resume", "small.h5", *options, "4e9", cwd=tmp_path).stderr == ""
    assert_refused(
        rmtsim_command("run", "small.toml", *options, "1kb", cwd=tmp_path, check=False), "1e-06 GB"
    )
    for wrong in ("12 apples", "-1GB", "0", "nan", "inf", "GB"):
        refused = rmtsim_command("run", "small.toml", f"--max-memory={wrong}", cwd=tmp_path, check=False)
        assert refused.returncode == 2
        assert "expected a size in memory such as 12GB" in refused.stderr


def test_a_single_class_runs_and_compares(tmp_path: Path) -> None:
    path = write_experiment(tmp_path)
    path.write_text(path.read_text().replace("[3, 6]", "[1, 2]"))
    rmtsim_command("run", "small.toml", "--quiet", cwd=tmp_path)
    assert "linear ce" in rmtsim_command("compare", "small.h5", "--check", cwd=tmp_path).stdout


def test_results_of_another_experiment_are_not_resumed(finished: Path, tmp_path: Path) -> None:
    write_experiment(tmp_path, trials=11)
    before = (finished / "small.h5").read_bytes()
    arguments = ("run", "small.toml", "-o", finished / "small.h5", "--resume")
    assert_refused(rmtsim_command(*arguments, cwd=tmp_path, check=False), "small.h5", "trials")
    assert (finished / "small.h5").read_bytes() == before


@pytest.mark.parametrize("command", ["info", "compare", "plot", "resume"])
@pytest.mark.parametrize("damage", ["missing", "text", "truncated", "foreign", "newer"])
def test_a_file_that_holds_no_usable_results(
    command: str, damage: str, finished: Path, tmp_path: Path
) -> None:
    path = tmp_path / "bad.h5"
    if damage == "text":
        path.write_text("not HDF5")
    elif damage != "missing":
        path.write_bytes((finished / "small.h5").read_bytes())
    if damage == "truncated":
        os.truncate(path, path.stat().st_size // 2)
    if damage in ("foreign", "newer"):
        with h5py.File(path, "r+") as file:
            file.attrs["format" if damage == "foreign" else "format_version"] = (
                "x" if damage == "foreign" else 99
            )
    extra = ("-o", tmp_path / "figures") if command == "plot" else ()
    assert_refused(
        rmtsim_command(command, path, *extra, cwd=tmp_path, check=False), "bad.h5", "expected", "got"
    )
    assert not (tmp_path / "figures").exists()


def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    write_experiment(tmp_path)
    refused = rmtsim_command("run", "small.toml", "-o", "missing/out.h5", cwd=tmp_path, check=False)
    assert_refused(refused, "missing")
    blocked = rmtsim_command("run", "small.toml", "-o", "small.toml/out.h5", cwd=tmp_path, check=False)
    assert_refused(blocked, "small.toml")


@pytest.mark.skipif(gpu_present(), reason="this machine has a GPU")
def test_a_missing_gpu_is_told_in_one_sentence(tmp_path: Path) -> None:
    write_experiment(tmp_path, trials=1)
    refused = rmtsim_command("run", "small.toml", "--device", "gpu", cwd=tmp_path, check=False)
    assert_refused(refused, "gpu", "rmtsim[gpu]")
    assert not (tmp_path / "small.h5").exists()
    assert_refused(rmtsim_command("verify", "--device", "gpu", cwd=tmp_path, check=False), "rmtsim[gpu]")
    done = rmtsim_command("run", "small.toml", "--device", "auto", cwd=tmp_path)
    assert "on the CPU: " in done.stderr
    assert rmtsim.open_results(tmp_path / "small.h5").attributes["device"] == "cpu"


def test_verify_proves_the_cpu(tmp_path: Path) -> None:
    assert "checks passed" in rmtsim_command("verify", cwd=tmp_path).stdout


def test_help_is_fast_and_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from rmtsim.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'numba', 'scipy', 'h5py', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=tmp_path)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        rmtsim_command("--help", cwd=tmp_path)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.3


def test_a_plan_says_what_a_run_takes_and_writes_nothing(tmp_path: Path) -> None:
    path = write_experiment(tmp_path)
    done = rmtsim_command("plan", "small.toml", "--workers", 2, "--max-memory", "1GB", cwd=tmp_path)
    titles, *rows = done.stdout.splitlines()
    assert titles.split()[:7] == ["cell", "model", "d", "N", "C", "m", "time"]
    assert [row.split()[0] for row in rows[:8]] == [str(cell) for cell in range(8)]
    assert re.fullmatch(
        r"small: 8 cells x 10 trials take [\d.]+ s of 2 workers, [\d.]+ GB of memory for each,"
        r" of which \d+ fit in the 1 GB of max_memory, and a file of [\d.e-]+ GB",
        rows[-1],
    )
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("command", ["plan", "run"])
def test_what_does_not_fit_into_its_file_is_refused(command: str, tmp_path: Path) -> None:
    path = write_experiment(tmp_path)
    refused = rmtsim_command(command, "small.toml", "--max-size", "1kB", cwd=tmp_path, check=False)
    assert_refused(refused, "--max-size: expected results of at most 1e-06 GB, got")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (42, "42 s"), (100, "1m40s"), (3605, "1h00m"), (13800, "3h50m")],
)
def test_times_are_told_in_words(seconds: float, text: str) -> None:
    assert _progress.in_words(seconds) == text


def test_time_left_is_weighed_by_the_work(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten of fifteen trials took 10 s and were a fifth of the work: 40 s are left."""
    now = [100.0]
    monkeypatch.setattr(_progress.time, "monotonic", lambda: now[0])
    progress = _progress.Progress()
    progress.share = {10: 0.2}.__getitem__
    progress.update(5, 20)
    now[0] += 10
    progress.update(15, 20)
    assert "15/20 trials (75 %), 1 trials/s, 40 s left" in capsys.readouterr().err
