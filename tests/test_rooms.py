"""The architecture: which room may import which, as CONTRIBUTING.md describes the rooms.

A room is a folder of ``rmtsim``, or ``kernels``. A new room or a new direction is an entry of `MAY_IMPORT`.
"""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]

_SIMULATION = {"sampling", "experiment", "statistics", "models", "kernels"}

MAY_IMPORT: dict[str, set[str]] = {
    "kernels": set(),
    "models": {"kernels"},
    "statistics": {"models", "kernels"},
    "experiment": {"statistics", "models", "kernels"},
    "sampling": {"experiment", "statistics", "models", "kernels"},
    "results": {"experiment", "statistics", "models", "kernels"},
    "batch": {"results", *_SIMULATION},
    "laws": set(),
    "compare": {"laws", "results", *_SIMULATION},
    "report": {"compare", "laws", "results", *_SIMULATION},
    "verify": {"batch", "results", *_SIMULATION},
    "bench": {"report", "compare", "batch", "laws", "results", *_SIMULATION},
    "cli": {"report", "verify", "bench", "compare", "batch", "laws", "results", *_SIMULATION},
}
"""Room -> the other rooms that it may import."""

FOR_ALL = {"blas", "lazy", "table", "unfinished"}
"""Modules that every room may import; they import nothing of the project themselves."""

OUTSIDE = {
    "kernels": set(),
    "laws": {"blas", "lazy"},
}
"""Rooms that may import only these of the modules for all."""

FACADE = {"__init__", "__main__"}
"""Modules of the package itself, which name what lies in the rooms; of them a room may import its version."""


class Import(NamedTuple):
    """One name that a module imports from the project, both by their place below ``rmtsim``."""

    module: str
    """The module that imports, such as "results.hdf5.reader"."""
    source: str
    """The module that it imports from, such as "results.contract"."""
    name: str

    def __str__(self) -> str:
        return f"rmtsim.{self.module} imports {self.name} from rmtsim.{self.source}"


def modules() -> dict[str, Path]:
    """Return the files of the project by their place below ``rmtsim``, such as "laws.limit"."""
    files = {}
    for folder, prefix in ((ROOT / "rmtsim", ()), (ROOT / "kernels", ("kernels",))):
        for path in folder.rglob("*.py"):
            parts = (*prefix, *path.relative_to(folder).with_suffix("").parts)
            if prefix or parts[0] not in ("kernels", "data"):  # links to the folders beside the package
                files[".".join(parts)] = path
    return files


MODULES = modules()


def imports(module: str) -> Iterator[Import]:
    """Yield what a module imports from the project, wherever in the file, for type checkers too."""
    parts = module.split(".")
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = parts[: len(parts) - node.level]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "rmtsim":
            base = []
        else:
            assert not isinstance(node, ast.Import) or not any(
                alias.name.split(".")[0] == "rmtsim" for alias in node.names
            ), f"rmtsim.{module}: expected relative imports within the project"
            continue
        inside = (node.module or "").split(".")
        inside = inside[0 if node.level else 1 :] if node.module else []
        for alias in node.names:
            source = ".".join([*base, *inside])
            deeper = f"{source}.{alias.name}".lstrip(".")
            is_module = deeper in MODULES or f"{deeper}.__init__" in MODULES
            yield Import(module, deeper if is_module else source, alias.name)


def room(module: str) -> str:
    return module.split(".")[0]


IMPORTS = [one for module in MODULES for one in imports(module)]
BETWEEN_ROOMS = [
    one
    for one in IMPORTS
    if room(one.module) not in FACADE | FOR_ALL
    and room(one.source) != room(one.module)
    and one.name != "__version__"
]


def test_every_folder_is_a_room() -> None:
    rooms = {room(module) for module in MODULES} - FACADE - FOR_ALL
    assert rooms == set(MAY_IMPORT)


def test_imports_are_found() -> None:
    """A fault of the reader of imports would let everything pass."""
    assert Import("compare.comparison", "results", "Results") in IMPORTS
    assert Import("results.hdf5.creation", "unfinished", "UnfinishedFile") in IMPORTS
    assert Import("cli.law", "laws", "laws") in IMPORTS
    assert len(BETWEEN_ROOMS) > 50


@pytest.mark.parametrize("importer", sorted(MAY_IMPORT))
def test_a_room_imports_only_what_it_may(importer: str) -> None:
    for one in BETWEEN_ROOMS:
        if room(one.module) == importer:
            allowed = room(one.source) in MAY_IMPORT[importer]
            for_all = one.source in OUTSIDE.get(importer, FOR_ALL)
            assert allowed or for_all, str(one)


def test_modules_for_all_import_nothing_of_the_project() -> None:
    assert [str(one) for one in IMPORTS if one.module in FOR_ALL] == []


def test_rooms_import_each_other_in_no_circle() -> None:
    TopologicalSorter(MAY_IMPORT).prepare()  # the table itself
    used: dict[str, set[str]] = {name: set() for name in MAY_IMPORT}
    for one in BETWEEN_ROOMS:
        if one.source not in FOR_ALL:
            used[room(one.module)].add(room(one.source))
    TopologicalSorter(used).prepare()


def test_no_room_uses_a_private_name_of_another() -> None:
    private = [
        str(one)
        for one in BETWEEN_ROOMS
        if any(part.startswith("_") for part in (*one.source.split("."), one.name))
    ]
    assert private == []


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_private_attribute_of_a_module_of_another_room(module: str) -> None:
    borrowed = {one.name for one in imports(module) if room(one.source) != room(module)}
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in borrowed:
            public = not node.attr.startswith("_") or node.attr.endswith("__")
            assert public, f"rmtsim.{module} uses {node.value.id}.{node.attr}"
