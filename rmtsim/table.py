"""Plain text in columns: every table that the program prints is made here. Nothing heavy is imported."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Column(NamedTuple):
    """One column of a table.

    Attributes
    ----------
    title : str
    form : str
        Format specification of the values, such as ".3f". A column of form "s" begins at its left edge; any
        other, such as ">" for texts, ends at its right edge.
    width : int
        Least width in characters: a table that is printed piece by piece needs one for every piece.
    """

    title: str
    form: str = "s"
    width: int = 0


def columns(*descriptions: str) -> tuple[Column, ...]:
    """Return columns from texts "title:form"; without a form they hold texts."""
    parts = (description.partition(":") for description in descriptions)
    return tuple(Column(title, form or "s") for title, _, form in parts)


def table(columns: Sequence[Column], rows: Iterable[Sequence[object]], indent: int = 0) -> list[str]:
    """Return the lines of a table, its titles first; each column is as wide as its widest entry.

    Parameters
    ----------
    columns : sequence of Column
    rows : iterable of sequences
        A value for each column. A text stays as it is whatever the form of the column; None becomes "-".
    indent : int
        Number of spaces before each line.
    """
    titles = [column.title for column in columns]
    texts = [[_text(value, column) for value, column in zip(row, columns, strict=True)] for row in rows]
    lines = [titles, *texts]
    widths = [max(column.width, *(len(line[k]) for line in lines)) for k, column in enumerate(columns)]
    return [
        " " * indent
        + "  ".join(
            text.ljust(width) if column.form == "s" else text.rjust(width)
            for text, column, width in zip(line, columns, widths, strict=True)
        ).rstrip()
        for line in lines
    ]


def pairs(items: Iterable[tuple[str, object]], indent: int = 0) -> list[str]:
    """Return a line for each name and its value, the values below one another."""
    return table((Column(""), Column("")), items, indent)[1:]


def _text(value: object, column: Column) -> str:
    if value is None:
        return "-"
    return str(value) if column.form == "s" or isinstance(value, str) else format(value, column.form)
