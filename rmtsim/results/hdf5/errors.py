"""Refusals of results files: which file and member, what was expected and what came."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class StoreError(ValueError):
    """A results file that cannot be used: says which, what was expected and what was found.

    Attributes
    ----------
    path : str
    expected, got : str
    """

    def __init__(self, path: str, expected: str, got: str) -> None:
        super().__init__(path, expected, got)
        self.path, self.expected, self.got = path, expected, got

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected}, got {self.got}"


@contextmanager
def explained(path: Path, expected: str) -> Iterator[None]:
    """Turn an error of the operating system into a refusal with its reason."""
    try:
        yield
    except OSError as error:
        raise StoreError(str(path), expected, reason(error)) from error


@contextmanager
def readable(path: Path, member: str) -> Iterator[None]:
    """Turn whatever h5py meets in damaged bytes into a refusal that names the member."""
    try:
        yield
    except StoreError:
        raise
    except (OSError, RuntimeError, LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise StoreError(str(path), f"a readable {member}", f"damage: {reason(error)}") from error


def reason(error: Exception) -> str:
    """Say in one line what an error says."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else show(str(error.args[0] if error.args else error), 200)


def show(value: object, longest: int = 60) -> str:
    """Describe a value in one line."""
    text = " ".join((value if isinstance(value, str) else repr(value)).split())
    return text if len(text) <= longest else text[: longest - 3] + "..."
