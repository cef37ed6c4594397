"""A page in HTML that shows figures with their captions. It links to their files and needs no script."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

SHOWN = (".png", ".svg")
"""Formats that browsers show within a page, those that show fastest first."""

STYLE = """\
body { font: 16px/1.45 sans-serif; color: #222; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
section { display: flex; flex-wrap: wrap; gap: 1.5rem; }
h2 { margin: 2rem 0 0.7rem; font-size: 1.2rem; }
figure { margin: 0; width: 23rem; }
img { box-sizing: border-box; max-width: 100%; max-height: 22rem; border: 1px solid #ddd; }
figcaption { font-size: 0.9rem; }
table { border-collapse: collapse; margin-top: 2rem; font-size: 0.9rem; }
td, th { padding: 0.15rem 0.8rem; text-align: right; border-bottom: 1px solid #ddd; }
"""


class Entry(NamedTuple):
    """A figure: the heading under which it stands, its caption, and its files in one folder."""

    heading: str
    caption: str
    files: Sequence[Path]


def index_page(title: str, entries: Iterable[Entry], table: Sequence[Sequence[object]]) -> str:
    """Return the page of some figures, and below them a table whose first row has the titles.

    Entries of one heading stand together. Text is escaped, and links are relative to the folder of the files.
    """
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        f'<head><meta charset="utf-8"><title>{escape(title)}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>\n{STYLE}</style></head>",
        f"<body>\n<h1>{escape(title)}</h1>",
        *_figures(entries),
        "<table>",
        *_rows(table),
        "</table>\n</body>\n</html>",
    ]
    return "\n".join(lines) + "\n"


def _figures(entries: Iterable[Entry]) -> Iterator[str]:
    for heading, members in groupby(entries, key=lambda entry: entry.heading):
        yield f"<h2>{escape(heading)}</h2>\n<section>"
        yield from map(_figure, members)
        yield "</section>"


def _figure(entry: Entry) -> str:
    shown = next((file for suffix in SHOWN for file in entry.files if file.suffix == suffix), None)
    image = ""
    if shown is not None:
        picture = f'<img src="{_link(shown)}" alt="{escape(entry.caption)}" loading="lazy">'
        image = f'<a href="{_link(shown)}">{picture}</a>'
    links = ", ".join(f'<a href="{_link(file)}">{escape(file.name)}</a>' for file in entry.files)
    return f"<figure>{image}<figcaption>{escape(entry.caption)}<br>{links}</figcaption></figure>"


def _link(file: Path) -> str:
    return escape(quote(file.name))


def _rows(table: Sequence[Sequence[object]]) -> Iterator[str]:
    for number, row in enumerate(table):
        tag = "td" if number else "th"
        cells = ("–" if value is None else escape(str(value)) for value in row)
        yield "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"
