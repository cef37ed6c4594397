"""Compiled code on disk: never older than its sources, elsewhere where the package is read-only, shared."""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec, resolve_name
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

from rmtsim.kernels.cpu import compiled
from rmtsim.kernels.cpu.compiled import stamps

SOURCES = Path(compiled.__file__).parent
FILES = sorted(SOURCES.glob("*.py"))
ROOT = "rmtsim"

LEAF = """
from .compiled.jit import jit
from .constants import (  # in a file that is not compiled
    ONE,
)

@jit
def leaf(x):
    return x + ONE
"""

CALLER = """
from ..leaf import leaf
from .jit import jit

@jit
def caller(x):
    return 10 * leaf(x)
"""

OTHER = """
from .jit import jit

@jit
def other(pair):
    return pair.first - pair.second
"""

PAIR = """
from typing import NamedTuple

class Pair(NamedTuple):
    first: int
    second: int
"""

SCRIPT = """
from package.compiled.caller import caller
from package.compiled.other import other
from package.leaf import leaf
from package.pair import Pair
print(caller(1), leaf(2), other(Pair(first=5, second=3)))
print(*(sum(each.stats.cache_hits.values()) for each in (caller, leaf, other)))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Compiled functions in two folders, under the policy of the kernels, as these lie in kernels/cpu."""
    folder = tmp_path / "package"
    (folder / "compiled").mkdir(parents=True)
    for place in (folder, folder / "compiled"):
        (place / "__init__.py").touch()
    for name in ("jit.py", "stamps.py"):
        shutil.copy(SOURCES / name, folder / "compiled")
    (folder / "leaf.py").write_text(LEAF)
    (folder / "constants.py").write_text("ONE = 1")
    (folder / "pair.py").write_text(PAIR)
    (folder / "compiled" / "other.py").write_text(OTHER)
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


def answer(process: subprocess.Popen[str]) -> tuple[list[int], list[int]]:
    """What `caller`, `leaf` and `other` return, and how often each of them came from the cache."""
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    values, hits = ([int(word) for word in line.split()] for line in output.splitlines())
    return values, hits


ANEW, CACHED = [0, 0, 0], [1, 1, 1]


@pytest.mark.parametrize(
    ("file", "old", "new", "values", "hits"),
    [
        ("leaf.py", "x + ONE", "x + 2 * ONE", [30, 4, 2], [0, 0, 1]),
        ("constants.py", "1", "3", [40, 5, 2], [0, 0, 1]),
        ("compiled/caller.py", "10", "20", [40, 3, 2], [0, 1, 1]),
        ("compiled/other.py", "first - pair", "first + pair", [20, 3, 8], [1, 1, 0]),
        ("compiled/jit.py", "POLICY: ", "POLICY:  ", [20, 3, 2], ANEW),
        # `other` need not import the class of its argument, in which two numbers of one type change places.
        (
            "pair.py",
            "    first: int\n    second: int",
            "    second: int\n    first: int",
            [20, 3, 2],
            [1, 1, 0],
        ),
    ],
)
def test_a_change_makes_anew_what_depends_on_it_and_nothing_else(
    package: Path, file: str, old: str, new: str, values: list[int], hits: list[int]
) -> None:
    assert answer(start(package)) == ([20, 3, 2], ANEW)
    assert answer(start(package)) == ([20, 3, 2], CACHED)
    text = (package / file).read_text()
    assert old in text
    (package / file).write_text(text.replace(old, new))
    assert answer(start(package)) == (values, hits)
    assert answer(start(package)) == (values, CACHED)


def test_several_processes_fill_one_cache_at_once(package: Path) -> None:
    together = [start(package) for _ in range(3)]
    assert [answer(process)[0] for process in together] == [[20, 3, 2]] * 3
    assert answer(start(package)) == ([20, 3, 2], CACHED)


def test_a_package_that_cannot_be_written_has_its_cache_elsewhere(package: Path, tmp_path: Path) -> None:
    """A file in the place of the cache folder stands for missing permission, which root does not lack."""
    (package / "compiled" / "__pycache__").touch()
    home = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "home")}
    assert answer(start(package, **home)) == ([20, 3, 2], ANEW)
    assert answer(start(package, **home)) == ([20, 3, 2], CACHED)
    named = {"NUMBA_CACHE_DIR": str(tmp_path / "named")}
    assert answer(start(package, **named)) == ([20, 3, 2], ANEW)
    assert answer(start(package, **named)) == ([20, 3, 2], CACHED)
    assert not (package / "compiled" / "__pycache__").is_dir()


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCES).with_suffix("").parts
    return ".".join((compiled.__name__, *(part for part in parts if part != "__init__")))


def parsed_imports(path: Path) -> Iterator[str]:
    """Yield the names of all modules that a file imports, by Python's own reading of it."""
    name = module_name(path)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                full = f"{module}.{alias.name}"
                yield full if isinstance(sys.modules.get(full), ModuleType) else module


def source_of(module: str) -> Path | None:
    spec = find_spec(module) if module.split(".")[0] == ROOT else None
    return None if spec is None or spec.origin is None else Path(spec.origin)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_all_imports_of_a_file_are_read_from_its_text(path: Path) -> None:
    import_module(module_name(path))
    wanted = {source for name in parsed_imports(path) if (source := source_of(name))}
    assert wanted <= stamps.imported(path) | {path}
    assert "import_module" not in path.read_text()
    assert "__import__" not in path.read_text()


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.name != "__init__.py"], ids=lambda path: path.name
)
def test_the_stamp_covers_all_that_compiled_functions_name(path: Path) -> None:
    """Whatever a name of the module stands for, the file that it is from is in the stamp."""
    module = import_module(module_name(path))
    used = {
        getattr(value, "__module__", None) if not isinstance(value, ModuleType) else value.__name__
        for value in vars(module).values()
        if isinstance(value, ModuleType | FunctionType | type) or hasattr(value, "py_func")
    }
    assert {source for name in used if name and (source := source_of(name))} <= stamps.sources(path)


def test_a_stamp_leaves_out_what_is_not_imported() -> None:
    assert SOURCES / "sturm.py" in stamps.sources(SOURCES / "spectra.py")
    assert SOURCES / "sturm.py" not in stamps.sources(SOURCES / "trials.py")
    assert SOURCES / "trials.py" not in stamps.sources(SOURCES / "spectra.py")


def test_no_name_of_the_package_hides_a_module() -> None:
    """`from . import name` is read as the module of that name, where there is one."""
    hidden = {path.stem for path in FILES} & set(compiled.__all__)
    assert not hidden


IMPORTS = """
from . import a, b as renamed
from .c import (  # first
    one,  # of them
    two as other,
)
    from ..pack.d import x
import project.pack.e
import numpy, project.f as f
from project.pack import g; from .h import \\
    name
"""


def test_every_way_to_import_is_read(tmp_path: Path) -> None:
    pack = tmp_path / "project" / "pack"
    pack.mkdir(parents=True)
    for folder in (pack, pack.parent):
        (folder / "__init__.py").touch()
    for name in "abcdegh":
        (pack / f"{name}.py").touch()
    (pack.parent / "f.py").touch()
    (pack / "m.py").write_text(IMPORTS)
    found = {path.name for path in stamps.imported(pack / "m.py")}
    assert found >= {f"{name}.py" for name in "abcdefgh"}


def test_a_function_that_compiled_code_calls_can_be_called_from_python_too(package: Path) -> None:
    """Its code within other code has no wrapper for Python, and Python never gets that one."""
    code = (
        "from package.compiled.caller import caller; from package.leaf import leaf\n"
        "print(leaf(3), caller(3), leaf(3), caller(3))"
    )
    for _ in range(2):  # compiled, and from the cache
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=package.parent, capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == ["4", "40", "4", "40"]
