"""Compiled code on disk: never older than any source, elsewhere where the package is read-only, shared."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rmtsim.kernels.cpu import compiled
from rmtsim.kernels.cpu.compiled.jit import hash_sources

SOURCES = Path(compiled.__file__).parent
FILES = sorted(SOURCES.parent.rglob("*.py"))

LEAF = """
from .compiled.jit import jit

@jit
def leaf(x):
    return x + 1
"""

CALLER = """
from ..leaf import leaf
from .jit import jit

@jit
def caller(x):
    return 10 * leaf(x)
"""

SCRIPT = "from package.compiled.caller import caller; print(caller(1), sum(caller.stats.cache_hits.values()))"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Two compiled functions in two folders, under the policy of the kernels, as these lie in kernels/cpu."""
    folder = tmp_path / "package"
    (folder / "compiled").mkdir(parents=True)
    for place in (folder, folder / "compiled"):
        (place / "__init__.py").touch()
    shutil.copy(SOURCES / "jit.py", folder / "compiled")
    (folder / "leaf.py").write_text(LEAF)
    (folder / "compiled" / "caller.py").write_text(CALLER)
    return folder


def start(package: Path, **environment: str) -> subprocess.Popen[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA")}
    return subprocess.Popen(
        [sys.executable, "-B", "-c", SCRIPT],
        cwd=package.parent,
        env={**clean, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def answer(process: subprocess.Popen[str]) -> tuple[int, int]:
    """What `caller` returns, and how often it came from the cache."""
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    value, hits = output.split()
    return int(value), int(hits)


def test_a_change_of_the_file_of_a_callee_is_noticed(package: Path) -> None:
    assert answer(start(package)) == (20, 0)
    assert answer(start(package)) == (20, 1)
    (package / "leaf.py").write_text(LEAF.replace("x + 1", "x + 2"))
    assert answer(start(package)) == (30, 0)
    assert answer(start(package)) == (30, 1)


def test_several_processes_fill_one_cache_at_once(package: Path) -> None:
    together = [start(package) for _ in range(3)]
    assert [answer(process)[0] for process in together] == [20, 20, 20]
    assert answer(start(package)) == (20, 1)


def test_a_package_that_cannot_be_written_has_its_cache_elsewhere(package: Path, tmp_path: Path) -> None:
    """A file in the place of the cache folder stands for missing permission, which root does not lack."""
    (package / "compiled" / "__pycache__").touch()
    home = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "home")}
    assert answer(start(package, **home)) == (20, 0)
    assert answer(start(package, **home)) == (20, 1)
    named = {"NUMBA_CACHE_DIR": str(tmp_path / "named")}
    assert answer(start(package, **named)) == (20, 0)
    assert answer(start(package, **named)) == (20, 1)
    assert not (package / "compiled" / "__pycache__").is_dir()


@pytest.mark.parametrize("changed", FILES, ids=[str(path.relative_to(SOURCES.parent)) for path in FILES])
def test_every_file_of_the_cpu_is_in_the_stamp(changed: Path, tmp_path: Path) -> None:
    """A change of any of them, or a file that is added, makes compiled code anew."""
    folder = shutil.copytree(SOURCES.parent, tmp_path / "cpu", ignore=shutil.ignore_patterns("__pycache__"))
    before = hash_sources(folder)
    assert before == hash_sources(SOURCES.parent)
    with (folder / changed.relative_to(SOURCES.parent)).open("a") as source:
        source.write("# one more line")
    assert hash_sources(folder) != before


def test_the_stamp_sees_new_and_moved_files(package: Path) -> None:
    stamps = [hash_sources(package)]
    (package / "compiled" / "more").mkdir()
    (package / "compiled" / "more" / "new.py").write_text("x = 1")
    stamps.append(hash_sources(package))
    (package / "compiled" / "more" / "new.py").rename(package / "new.py")
    stamps.append(hash_sources(package))
    assert len(set(stamps)) == 3
