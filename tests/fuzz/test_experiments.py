"""Experiments at random end in the right results, or in a sentence where one value cannot be."""

import json
import random
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import rmtsim

from .experiments import Table, broken, experiment, text
from .harness import Server, Servers

pytestmark = pytest.mark.slow

VALID, BROKEN = 430, 70


class Written(NamedTuple):
    folder: Path
    mapping: Table


def write(folder: Path, seed: int, is_broken: bool) -> Written:
    rng = random.Random(seed)
    mapping = experiment(rng)
    if is_broken:
        mapping = broken(rng, mapping)
    folder.mkdir()
    (folder / "e.toml").write_bytes(text(rng, mapping).encode())
    return Written(folder, mapping)


def runs(server: Server, case: Written) -> str | None:
    """Run, read, describe and compare an experiment; return what went wrong."""
    workers = 1 + case.mapping["trials"] % 2
    commands = [f"run e.toml -o r.h5 --quiet --workers {workers}", "info r.h5", "resume r.h5 --quiet"]
    if is_compared(case.mapping):
        commands.append("compare r.h5 --json")
    for command in commands:
        done = server.run(*command.split(), folder=case.folder)
        if done.fault or done.status != 0:
            return f"{command}: {done.fault or done}\n{(case.folder / 'e.toml').read_text()}"
    if is_compared(case.mapping):
        json.loads(done.out)
    with rmtsim.open_results(case.folder / "r.h5") as results:
        if wrong := differences(results.experiment.to_mapping(), case.mapping):
            return f"stored as {wrong}"
        for cell in results.cells:
            if len(results.trials(cell.index)) != case.mapping["trials"]:
                return "trials are missing"
            for name in results.names(cell.index):
                if not np.isfinite(results.array(cell.index, name)).all():
                    return f"{name} is not finite"
    return None


def is_compared(mapping: Table) -> bool:
    """All with mse, and some with ce: its laws take a second, that of each V of a hidden model several."""
    model = mapping["model"]
    if "ce" not in model["loss"]:
        return True
    return mapping["trials"] in (8, 9) if "hidden" not in model["architecture"] else mapping["seed"] % 32 == 5


def differences(stored: Table, given: Table) -> list[str]:
    """Keys whose stored value is another than the one given; sets are stored in an order of their own."""

    def plain(value: object) -> object:
        return sorted(map(str, map(float_of, value))) if isinstance(value, list) else [str(float_of(value))]

    def float_of(value: object) -> object:
        return float(value) if isinstance(value, int) and value < 2**53 else value

    found = []
    for table in ("model", "grid", "measure"):
        for key, value in given[table].items():
            if key == "range":
                same = {b: plain(list(v)) for b, v in stored[table][key].items()} == {
                    b: plain(v) for b, v in value.items()
                }
            else:
                same = plain(stored[table][key]) == plain(value)
            if not same:
                found.append(f"{table}.{key} = {stored[table][key]} for {value}")
    return found + [key for key in ("name", "seed", "trials") if stored[key] != given[key]]


def test_valid_experiments_run(servers: Servers, tmp_path: Path) -> None:
    cases = [write(tmp_path / str(seed), seed, False) for seed in range(VALID)]
    complaints = servers.complaints(runs, cases)
    assert not complaints, f"{len(complaints)} of {VALID}\n" + "\n".join(complaints[:5])


def refuses(server: Server, case: Written) -> str | None:
    """Run an experiment that cannot be."""
    done = server.run("run", "e.toml", "-o", "r.h5", "--quiet", folder=case.folder)
    if done.fault or done.status != 2 or [path.name for path in case.folder.iterdir()] != ["e.toml"]:
        return f"{done.fault or done}\n{(case.folder / 'e.toml').read_text()}"
    return None


def test_broken_experiments_are_refused(servers: Servers, tmp_path: Path) -> None:
    cases = [write(tmp_path / str(seed), 10_000 + seed, True) for seed in range(BROKEN)]
    complaints = servers.complaints(refuses, cases)
    assert not complaints, f"{len(complaints)} of {BROKEN}\n" + "\n".join(complaints[:5])
