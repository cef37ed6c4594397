"""Rooms of laws depend on each other in one direction, and what is public comes from `rmtsim.laws`."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "rmtsim"
BENEATH = {"solver": set(), "averages": {"solver"}, "weights": {"solver", "averages"}}


def _imports(path):
    """(levels up, module, names) of the relative imports of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield node.level, (node.module or "").split("."), [alias.name for alias in node.names]


@pytest.mark.parametrize("room", BENEATH)
def test_a_room_imports_only_those_beneath_it(room):
    for path in (ROOT / "laws" / room).glob("*.py"):
        for level, module, _ in _imports(path):
            if level == 2:
                assert module[0] in BENEATH[room], f"{path} imports {module}"
            assert level < 3 or module in (["blas"], ["lazy"])


def test_no_underscore_name_leaves_its_file():
    for path in (ROOT / "laws").rglob("*.py"):
        for _, module, names in _imports(path):
            assert not any(name.startswith("_") for name in [*module, *names]), path


def test_the_others_import_from_the_package_alone():
    for path in ROOT.rglob("*.py"):
        if "laws" not in path.relative_to(ROOT).parts:
            for _, module, _ in _imports(path):
                assert "laws" not in module[:-1], f"{path} imports {module}"
