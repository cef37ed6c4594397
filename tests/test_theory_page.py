"""Every equation number that the sources cite stands on the theory page, once."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "rmtsim" / "theory.md").read_text(encoding="utf-8")
DEFINED = re.findall(r"^\*\*\((\d+\.\d+[a-z]?)\)\*\*", PAGE, flags=re.MULTILINE)
SOURCES = sorted(
    path
    for folder, pattern in (("rmtsim", "**/*.py"), ("kernels", "**/*.py"), ("data", "**/*.toml"))
    for path in (ROOT / folder).glob(pattern)
)
# a number in brackets after a space or a quote: prose, and no call f(1.0)
NUMBER = r"(?<=[\s\"`])\(([1-8]\.\d+[a-z]?)\)"


def test_numbers_are_unique_and_ascending():
    keys = [(int(n[0]), int(re.match(r"\d+", n[2:])[0]), n[-1]) for n in DEFINED]
    assert keys == sorted(set(keys))


def test_the_page_refers_only_to_its_own_equations():
    assert set(re.findall(NUMBER, PAGE)) <= set(DEFINED)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_cited_equations_exist(path):
    assert set(re.findall(NUMBER, path.read_text(encoding="utf-8"))) <= set(DEFINED)
