"""Stamps of source files: the hash of a file and of all files of its project that it imports, at any depth.

Code of other files is compiled into a function, which it can only have by importing them. What a file imports
is read from its text, as the start of a program has no time to parse it; all imports stand in statements.
"""

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_NAMES = r"(\([^)]*\)|[^\n;]*)"
_IMPORT = re.compile(
    rf"(?:^|;)[ \t]*(?:from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+{_NAMES}|import[ \t]+{_NAMES})", re.MULTILINE
)


def stamp(path: Path) -> str:
    """Return the hash of the names and contents of a file and of what it imports."""
    digest, top = hashlib.sha256(), _top(path)
    for file in sorted(sources(path)):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(top)} {len(content)} ".encode() + content)
    return digest.hexdigest()


def sources(path: Path) -> set[Path]:
    """Return a file and all files of its project that it imports, directly or not."""
    reached, waiting = set[Path](), [path]
    while waiting:
        file = waiting.pop()
        if file not in reached:
            reached.add(file)
            waiting.extend(imported(file))
    return reached


@cache
def imported(path: Path) -> frozenset[Path]:
    """Return the files of the project that a file names in its imports."""
    files = set[Path | None]()
    for dots, module, names, modules in _IMPORT.findall(path.read_text("utf-8").replace("\\\n", " ")):
        if modules:
            files.update(file for name in _names(modules) for file in _along(_folder(path, name), name))
        else:
            parent = _folder(path, module) if not dots else path.parents[len(dots) - 1]
            place = parent.joinpath(*module.split(".")) if module else parent
            files.update(_file(place / name) or _file(place) for name in _names(names))
    return frozenset(file for file in files if file)


def _names(text: str) -> list[str]:
    """Return the names of a list such as "a, b as c", in parentheses or not."""
    parts = re.sub(r"#[^\n]*|[()]", " ", text).split(",")
    return [part.split()[0] for part in parts if part.split()]


def _along(folder: Path, module: str) -> Iterator[Path | None]:
    """Yield the files of a dotted name and of the packages above it."""
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        yield _file(folder.joinpath(*parts[:depth]))


def _folder(path: Path, module: str) -> Path:
    """Return the folder in which a dotted name begins; one that is not there if the name is of elsewhere."""
    top = _top(path)
    return top.parent if module.split(".")[0] == top.name else top / "of-elsewhere"


def _file(place: Path) -> Path | None:
    """Return the source of a module or package of this place, if there is one."""
    files = (place.with_name(f"{place.name}.py"), place / "__init__.py")
    return next((file for file in files if file.is_file()), None)


@cache
def _top(path: Path) -> Path:
    """Return the folder of the outermost package that a file belongs to."""
    folders = [folder for folder in path.parents if (folder / "__init__.py").is_file()]
    return folders[-1] if folders else path.parent
