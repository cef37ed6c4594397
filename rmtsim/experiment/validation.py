"""Checks of single values of an experiment; every refusal names the key, what was expected and what came."""

import difflib
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, TypeVar

T = TypeVar("T")

_KINDS = {
    bool: "the boolean", int: "the integer", float: "the float", str: "the string", list: "the array",
    tuple: "the array", dict: "the table",
}  # fmt: skip


class ExperimentError(ValueError):
    """An experiment that cannot be: says which key, what was expected there and what came.

    Attributes
    ----------
    key : str
        Dotted key, such as ``grid.n_features``.
    expected, got : str
    source : str or None
        File that the experiment was read from.
    """

    def __init__(self, key: str, expected: str, got: str, source: str | None = None) -> None:
        super().__init__(key, expected, got, source)
        self.key, self.expected, self.got, self.source = key, expected, got, source

    def __str__(self) -> str:
        where = self.key if self.source is None else f"{self.source}: {self.key}"
        return f"{where}: expected {self.expected}, got {self.got}"


def show(value: object) -> str:
    """Describe a value in the words of TOML, shortened to one line."""
    text = json.dumps(value) if isinstance(value, bool | str) else repr(value)
    return f"{_KINDS.get(type(value), type(value).__name__)} {shortened(text)}"


def shortened(text: str) -> str:
    """Cut a text to 60 characters."""
    return text if len(text) <= 60 else text[:57] + "..."


def one_of(known: Iterable[str]) -> str:
    """List the known words."""
    return "one of " + ", ".join(f'"{word}"' for word in known)


def check_keys(table: str, keys: Iterable[str], known: Sequence[str]) -> None:
    """Refuse the first key of a table that is not a known one."""
    for key in keys:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            expected = f'"{close[0]}"' if close else one_of(known)
            raise ExperimentError(
                dotted(table, shortened(key)), expected, f'the unknown key "{shortened(key)}"'
            )


def dotted(table: str, key: str) -> str:
    """Name a key with its table; the keys outside all tables have the table ""."""
    return f"{table}.{key}" if table else key


def integer(key: str, value: object, low: int, high: int) -> int:
    """Check an integer from ``low`` to ``high``; booleans and floats are none."""
    if isinstance(value, Integral) and not isinstance(value, bool) and low <= int(value) <= high:
        return int(value)
    raise ExperimentError(key, f"an integer from {low} to {high}", show(value))


def _finite(value: object) -> float | None:
    if not isinstance(value, Real) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:  # an integer beyond the range of floats
        return None
    return number if math.isfinite(number) else None


def real(key: str, value: object) -> float:
    """Check a finite number; integers are converted."""
    number = _finite(value)
    if number is None:
        raise ExperimentError(key, "a finite number", show(value))
    return number


def positive(key: str, value: object) -> float:
    """Check a finite number above zero; integers are converted."""
    number = _finite(value)
    if number is None or number <= 0:
        raise ExperimentError(key, "a finite number above 0", show(value))
    return number


def choice(key: str, value: object, known: Sequence[str]) -> str:
    """Check one of the known words."""
    if isinstance(value, str) and value in known:
        return value
    raise ExperimentError(key, one_of(known), show(value))


def named(key: str, value: object, known: Mapping[str, T]) -> T:
    """Return the object of a known name."""
    return known[choice(key, value, tuple(known))]


def several(key: str, value: Any, check: Callable[[str, object], T]) -> tuple[T, ...]:
    """Check a scalar or a list of different scalars; a tuple comes back either way."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        return (check(key, value),)
    if not value:
        raise ExperimentError(key, "at least one value", "an empty array")
    checked = tuple(check(key, v) for v in value)
    if len(set(checked)) < len(checked):
        twice = next(v for v, count in Counter(checked).items() if count > 1)
        raise ExperimentError(key, "different values", f"{twice!r} twice")
    return checked
