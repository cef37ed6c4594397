"""Compiled code on disk: never older than any source, elsewhere where the package is read-only, shared."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rmtsim import kernels

SOURCES = Path(kernels.__file__).parent

LEAF = """
from ._jit import jit

@jit
def leaf(x):
    return x + 1
"""

CALLER = """
from ._jit import jit
from .leaf import leaf

@jit
def caller(x):
    return 10 * leaf(x)
"""

SCRIPT = "from package.caller import caller; print(caller(1), sum(caller.stats.cache_hits.values()))"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Two compiled functions in two files, under the policy of the kernels."""
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "__init__.py").touch()
    shutil.copy(SOURCES / "_jit.py", folder)
    (folder / "leaf.py").write_text(LEAF)
    (folder / "caller.py").write_text(CALLER)
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
    (package / "__pycache__").touch()
    home = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "home")}
    assert answer(start(package, **home)) == (20, 0)
    assert answer(start(package, **home)) == (20, 1)
    named = {"NUMBA_CACHE_DIR": str(tmp_path / "named")}
    assert answer(start(package, **named)) == (20, 0)
    assert answer(start(package, **named)) == (20, 1)
    assert not (package / "__pycache__").is_dir()
