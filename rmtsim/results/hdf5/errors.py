"""Refusals of results files: which file and member, what was expected and what came."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class StoreError(ValueError):
    """A results file cannot be used; the message names it, what was expected and what was there instead.

    Attributes
    ----------
    path : str
    expected, got : str
    """

    def __init__(self, path: str | Path, expected: str, got: str) -> None:
        super().__init__(path, expected, got)
        self.path, self.expected, self.got = str(path), expected, got

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected}, got {self.got}"


@contextmanager
def os_errors_refused(path: Path, expected: str) -> Iterator[None]:
    """Turn an error of the operating system into a refusal of the file, with its reason."""
    try:
        yield
    except OSError as error:
        raise StoreError(path, expected, reason(error)) from error


@contextmanager
def damage_refused(path: Path, member: str) -> Iterator[None]:
    """Turn whatever h5py raises on damaged bytes into a refusal of the member that was read."""
    try:
        yield
    except StoreError:
        raise
    except (OSError, RuntimeError, LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise StoreError(path, f"a readable {member}", f"damage: {reason(error)}") from error


def reason(error: Exception) -> str:
    """Return the message of an error in one line."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else one_line(str(error.args[0] if error.args else error), 200)


def one_line(value: object, longest: int = 60) -> str:
    """Return a text, or the representation of another value, in one line of at most `longest` characters."""
    text = " ".join((value if isinstance(value, str) else repr(value)).split())
    return text if len(text) <= longest else text[: longest - 3] + "..."
