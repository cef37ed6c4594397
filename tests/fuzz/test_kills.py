"""Runs killed at any instant or whose writes fail end, resumed, as those that were never interrupted."""

import random
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pytest

from .harness import Server, Servers

pytestmark = pytest.mark.slow

KILLED, KILLS = 34, 3
SIZES, WRITES = 40, 60

EXPERIMENT = """
name = "killed"
seed = 6
trials = 400
[model]
architecture = ["linear", "hidden"]
loss = ["mse", "ce"]
[grid]
n_features = 5
n_samples = 9
n_classes = 3
n_hidden = 2
[measure]
bins = 9
"""


class Case(NamedTuple):
    """A folder with the experiment, and what an uninterrupted run gives."""

    folder: Path
    seed: int
    whole: dict[str, bytes]


def arrays_of(path: Path) -> dict[str, bytes]:
    found = {}

    def add(name: str, member: Any) -> None:
        if isinstance(member, h5py.Dataset) and name != "sessions":
            values = np.asarray(member)
            found[name] = repr(values.tolist()).encode() if values.dtype == object else values.tobytes()

    with h5py.File(path) as file:
        file.visititems(add)
    return found


@pytest.fixture(scope="module")
def whole(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "e.toml").write_text(EXPERIMENT)
    with servers.one() as server:
        assert server.run("run", "e.toml", "-o", "r.h5", folder=folder).status == 0
    return folder / "r.h5"


def cases(whole: Path, folder: Path, count: int) -> list[Case]:
    arrays = arrays_of(whole)
    found = [Case(folder / str(seed), seed, arrays) for seed in range(count)]
    for case in found:
        case.folder.mkdir()
        (case.folder / "e.toml").write_text(EXPERIMENT)
    return found


def command(case: Case) -> list[str]:
    exists = (case.folder / "r.h5").exists()
    return ["resume", "r.h5", "--quiet"] if exists else ["run", "e.toml", "-o", "r.h5", "--quiet"]


def ends_whole(server: Server, case: Case) -> str | None:
    """Finish the run and compare its results; nothing else may be in the folder."""
    done = server.run(*command(case), folder=case.folder)
    if done.fault or done.status != 0:
        return f"{done.fault or done}"
    if arrays_of(case.folder / "r.h5") != case.whole:
        return "another result"
    names = sorted(path.name for path in case.folder.iterdir())
    return None if names == ["e.toml", "r.h5"] else f"files {names}"


def survives_kills(server: Server, case: Case) -> str | None:
    rng = random.Random(case.seed)
    for _ in range(KILLS):
        server.run(
            *command(case), "--workers", rng.choice([1, 2]), folder=case.folder, seconds=rng.uniform(0, 0.6)
        )
    return ends_whole(server, case)


def test_killed_runs_resume_to_the_same_bits(servers: Servers, whole: Path, tmp_path: Path) -> None:
    complaints = servers.complaints(survives_kills, cases(whole, tmp_path, KILLED))
    assert not complaints, "\n".join(complaints[:5])


def survives_limit(server: Server, case: Case, **limit: int) -> str | None:
    """Run and resume under a limit: a sentence, or all done; then finish without it."""
    for _ in range(2):
        given = command(case)
        done = server.run(*given, folder=case.folder, **limit)
        if done.fault or done.status not in (0, 2):
            return f"{given[0]} under {limit}: {done.fault or done}"
    return ends_whole(server, case)


def test_files_of_limited_size(servers: Servers, whole: Path, tmp_path: Path) -> None:
    size = whole.stat().st_size

    def check(server: Server, case: Case) -> str | None:
        return survives_limit(server, case, file_size=(case.seed + 1) * (size + 8192) // SIZES)

    complaints = servers.complaints(check, cases(whole, tmp_path, SIZES))
    assert not complaints, "\n".join(complaints[:5])


def test_disks_that_fill_up(servers: Servers, whole: Path, tmp_path: Path) -> None:
    """At every write in turn, of the creation first, and of the trials at last."""

    def check(server: Server, case: Case) -> str | None:
        return survives_limit(server, case, good_writes=case.seed if case.seed < 40 else 8 * (case.seed - 35))

    complaints = servers.complaints(check, cases(whole, tmp_path, WRITES))
    assert not complaints, "\n".join(complaints[:5])
