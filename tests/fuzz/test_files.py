"""Damaged results files: a sentence, or what the sound file gives; no crash, no hang, no changed file."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pytest

from .harness import Server, Servers

pytestmark = pytest.mark.slow

FLIPS, TRUNCATIONS, EDITS = 300, 40, 120

EXPERIMENT = """
name = "base"
seed = 5
trials = 9
[model]
architecture = ["linear", "hidden"]
loss = "mse"
[grid]
n_features = 6
n_samples = 11
n_classes = 3
n_hidden = 2
[measure]
statistics = ["histogram", "moments", "extremes", "masses", "eigenvalues"]
bins = 8
"""
UNDONE = (2, 7)


class Base(NamedTuple):
    """A sound file with some trials undone, and what commands say of it."""

    path: Path
    compared: str
    arrays: list[tuple[int, int]]
    """First byte and end of every array of trials and of edges."""
    resumed: str
    """What `compare` says once the trials are done."""


class Case(NamedTuple):
    """A damaged copy of the base in a folder of its own."""

    base: Base
    path: Path
    what: str
    in_values: bool
    """Whether bytes of arrays are damaged: then their values may be read as they are."""


@pytest.fixture(scope="module")
def base(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Base:
    """The sound file."""
    folder = tmp_path_factory.mktemp("base")
    path = folder / "base.h5"
    (folder / "e.toml").write_text(EXPERIMENT)
    with servers.one() as server:
        assert server.run("run", "e.toml", "-o", path, folder=folder).status == 0
        whole = server.run("compare", path, "--json", folder=folder)
        places = []
        with h5py.File(path, "r+") as file:
            for group in file.values():
                if isinstance(group, h5py.Group):
                    group["done"][list(UNDONE)] = 0
                    for dataset in group.values():
                        if "trial" in dataset.attrs.get("DIMENSION_LABELS", ()) or dataset.name.endswith(
                            "edges"
                        ):
                            start = dataset.id.get_offset()
                            places.append((start, start + dataset.id.get_storage_size()))
        compared = server.run("compare", path, "--json", folder=folder)
        assert (whole.status, compared.status) == (0, 0)
    return Base(path, compared.out, places, whole.out)


def check(server: Server, case: Case) -> str | None:
    """Give every command the file; return what went wrong."""
    before = case.path.read_bytes()
    for command, *options in (
        ["info"],
        ["compare", "--json"],
        ["plot", "-o", "figures"],
        ["resume", "--quiet"],
    ):
        done = server.run(command, case.path, *options, folder=case.path.parent)
        if done.fault or done.status == 1:
            return f"{case.what}: {command}: {done.fault or done}"
        changed = case.path.read_bytes() != before
        if changed and (command != "resume" or done.status != 0):
            return f"{case.what}: {command} changed the file"
        if case.in_values or done.status != 0:
            continue
        if command == "compare" and done.out != case.base.compared:
            return f"{case.what}: compare says something else"
        if command == "resume":
            done = server.run("compare", case.path, "--json", folder=case.path.parent)
            if done.out != case.base.resumed:
                return f"{case.what}: resume gives another result: {done.err[-500:]}"
    return None


def copy(base: Base, folder: Path) -> Path:
    folder.mkdir()
    return Path(shutil.copy(base.path, folder / "file.h5"))


def run_all(servers: Servers, cases: list[Case]) -> None:
    complaints = servers.complaints(check, cases)
    assert not complaints, f"{len(complaints)} of {len(cases)}\n" + "\n".join(complaints[:8])


def flipped(base: Base, folder: Path, seed: int) -> Case:
    """One to eight bytes changed, of the structure alone or anywhere."""
    rng = random.Random(seed)
    path = copy(base, folder)
    content = bytearray(path.read_bytes())
    inside = np.zeros(len(content), bool)
    for start, stop in base.arrays:
        inside[start:stop] = True
    places = np.flatnonzero(~inside) if rng.random() < 0.7 else np.arange(len(content))
    chosen = [int(rng.choice(places)) for _ in range(rng.choice([1, 1, 1, 2, 8]))]
    for place in chosen:
        content[place] ^= rng.choice([1, 0x80, 0xFF, rng.randint(1, 255)])
    path.write_bytes(content)
    return Case(base, path, f"bytes {chosen}", bool(inside[chosen].any()))


def test_flipped_bytes(servers: Servers, base: Base, tmp_path: Path) -> None:
    run_all(servers, [flipped(base, tmp_path / str(seed), seed) for seed in range(FLIPS)])


def test_truncated_files(servers: Servers, base: Base, tmp_path: Path) -> None:
    cases = []
    for seed in range(TRUNCATIONS):
        path = copy(base, tmp_path / str(seed))
        size = random.Random(seed).randrange(path.stat().st_size)
        with path.open("r+b") as file:
            file.truncate(size)
        cases.append(Case(base, path, f"{size} bytes", False))
    run_all(servers, cases)


# Edits that leave HDF5's structure sound ------------------------------------------------------------


def delete(parent: Any, name: str, rng: random.Random) -> None:
    del parent[name]


def retype(parent: Any, name: str, rng: random.Random) -> None:
    dtype = rng.choice(["float32", "int16", ">f8", "S3", "complex128", "bool", h5py.string_dtype()])
    shape = parent[name].shape if isinstance(parent[name], h5py.Dataset) else (9,)
    del parent[name]
    parent.create_dataset(name, shape, dtype)


def reshape(parent: Any, name: str, rng: random.Random) -> None:
    dtype = parent[name].dtype if isinstance(parent[name], h5py.Dataset) else "float64"
    shape = rng.choice([(), (0,), (1,), (9,), (5, 2), (9, 2, 4), (2**40,)])
    del parent[name]
    if np.prod(shape, dtype=float) < 1e6:
        parent.create_dataset(name, shape, dtype)
    else:
        parent.create_dataset(name, shape, "int8", chunks=(1024,))


def replace_by_group(parent: Any, name: str, rng: random.Random) -> None:
    del parent[name]
    parent.create_group(name)


def soft(parent: Any, name: str, rng: random.Random) -> None:
    del parent[name]
    parent[name] = h5py.SoftLink(
        rng.choice(["/nowhere", parent.name, f"{parent.name}/{name}", "/cell_0000/done"])
    )


def external(parent: Any, name: str, rng: random.Random) -> None:
    del parent[name]
    parent[name] = h5py.ExternalLink(rng.choice(["none.h5", "/dev/zero", "file.h5"]), "/cell_0000/done")


def swap(parent: Any, name: str, rng: random.Random) -> None:
    other = rng.choice([key for key in parent if key != name])
    parent.move(name, "aside")
    parent.move(other, name)
    parent.move("aside", other)


EDIT: tuple[Callable[[Any, str, random.Random], None], ...] = (
    delete, retype, reshape, replace_by_group, soft, external, swap,
)  # fmt: skip


def edited(base: Base, folder: Path, seed: int) -> Case:
    """A member or an attribute deleted, of another type or shape, or a link."""
    rng = random.Random(seed)
    path = copy(base, folder)
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        member = rng.choice(names)
        if rng.random() < 0.3:
            attributes = rng.choice([file, file[member]]).attrs
            what = f"attribute {(name := rng.choice(list(attributes)))} of {member}"
            del attributes[name]
            if rng.random() < 0.7:
                attributes[name] = rng.choice([1, -1.5, "x", "", [1, 2], np.nan, b"\xff", "x" * 5000])
        else:
            edit = EDIT[seed % len(EDIT)]
            what = f"{edit.__name__} {member}"
            parent, _, name = member.rpartition("/")
            edit(file[parent or "/"], name, rng)
    return Case(base, path, what, True)


def test_edited_members(servers: Servers, base: Base, tmp_path: Path) -> None:
    run_all(servers, [edited(base, tmp_path / str(seed), seed) for seed in range(EDITS)])
