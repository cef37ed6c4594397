"""The wheel holds every package and every data file, and imports at run time only what it declares."""

import ast
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def sources() -> list[Path]:
    return [path for folder in ("rmtsim", "kernels") for path in (ROOT / folder).rglob("*.py")]


def imported(path: Path) -> set[str]:
    """Top-level modules that a file imports, relative imports apart."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names)


def test_imports_are_declared() -> None:
    names = PROJECT["project"]["dependencies"] + [
        name for extra in PROJECT["project"]["optional-dependencies"].values() for name in extra
    ]
    declared = {name.split(">")[0].split("=")[0].split(";")[0].split("[")[0].strip() for name in names}
    # llvmlite comes with numba, of whose compiler it is the part that registers symbols.
    known = {"cupy" if name.startswith("cupy") else name for name in declared} | {"llvmlite", "rmtsim"}
    for path in sources():
        assert imported(path) <= known, path


@pytest.mark.parametrize(
    ("module", "only"), [("h5py", {"hdf5"}), ("matplotlib", {"figures"}), ("cupy", {"kernels"})]
)
def test_a_library_is_imported_in_one_place(module: str, only: set[str]) -> None:
    for path in sources():
        if module in imported(path):
            parts = set(path.relative_to(ROOT).parts)
            assert parts & only, f"{path} imports {module}"


def test_laws_import_nothing_of_the_simulation() -> None:
    """Theory and simulation that shared code would prove nothing by agreeing."""
    for path in (ROOT / "rmtsim" / "laws").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                depth = len(path.relative_to(ROOT / "rmtsim" / "laws").parts)
                # how many threads, and properties computed once: no mathematics
                outside = node.level > depth and node.module not in ("blas", "lazy")
                assert not outside, f"{path} imports from outside laws"
        assert imported(path) <= {"numpy", "scipy"}, path


@pytest.mark.slow
def test_the_wheel_holds_every_file(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    expected = {f"rmtsim/{p.relative_to(ROOT / 'rmtsim')}" for p in (ROOT / "rmtsim").rglob("*.py")}
    expected |= {
        f"rmtsim/kernels/{p.relative_to(ROOT / 'kernels')}" for p in (ROOT / "kernels").rglob("*.py")
    }
    expected |= {f"rmtsim/kernels/gpu/cuda/{p.name}" for p in (ROOT / "kernels" / "gpu" / "cuda").iterdir()}
    expected |= {f"rmtsim/data/experiments/{p.name}" for p in (ROOT / "data" / "experiments").iterdir()}
    expected |= {"rmtsim/theory.md", "rmtsim/py.typed", "rmtsim/data/known_answers/philox4x32.txt"}
    assert expected <= inside
    assert not [name for name in inside if not name.startswith("rmtsim")]
