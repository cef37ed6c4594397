"""A row of panels, each with a legend of its own below: series that would crowd one pair of axes."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import style

PANEL, LEFT, GAP, RIGHT = 3.6, 0.8, 0.65, 0.15
"""Inches: side of a panel, and what is left, between and right of them."""
BELOW, ABOVE, LINE = 0.65, 1.0, 0.2
"""Inches below and above a panel, and for one entry of its legend."""
LEAST_WIDTH = 5.4
"""Inches that the heading takes."""


def panel_row(count: int, entries: int, heading: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """Return a figure with a row of panels under a heading, and the axes of the panels.

    Parameters
    ----------
    count : int
        Number of panels.
    entries : int
        Largest number of entries in a legend, for which room is left below the panels.
    heading : sequence of str
        Its first line is the title.
    """
    legend = LINE * (entries + 1)
    width = max(LEFT + count * (PANEL + GAP) - GAP + RIGHT, LEAST_WIDTH)
    height = BELOW + PANEL + ABOVE + legend
    figure = style.new_figure(width, height)
    add_heading(figure, LEFT, heading)
    boxes = [(LEFT + place * (PANEL + GAP), BELOW + legend, PANEL, PANEL) for place in range(count)]
    return figure, [style.add_axes(figure, box) for box in boxes]


def add_heading(figure: Figure, left: float, heading: Sequence[str]) -> None:
    """Write a title and smaller lines below it, beginning so many inches from the left edge."""
    width, height = figure.get_size_inches()
    for row, text in enumerate(heading):
        size, colour = (style.SMALL, style.GREY) if row else (style.TITLE, style.BLACK)
        y = 1 - (0.12 + 0.19 * row) / height
        figure.text(left / width, y, text, fontsize=size, color=colour, va="top")


def dress_panel(axes: Axes, name: str, x_label: str, y_label: str) -> None:
    """Name a panel and its axes, and put the legend below."""
    axes.set_title(name, fontsize=style.LABEL, loc="left")
    style.dress_frame(axes, x_label, y_label)
    style.legend(axes, loc="upper left", bbox_to_anchor=(-0.02, -0.15), borderaxespad=0.0)


def draw_series(
    axes: Axes, number: int, label: str, points: Sequence[tuple[float, float, float]], joined: bool
) -> str:
    """Draw points (x, y, error) by open markers, through which others can be seen; return their colour.

    Parameters
    ----------
    axes, label, points
    number : int
        How many series the panel has already; it decides colour, marker and line style.
    joined : bool
        Whether a line in the style of the series joins its points; the entry in the legend always has it.
    """
    colour, marker, line = style.series_style(number)
    look: dict[str, Any] = {"color": colour, "marker": marker, "markerfacecolor": "none", "ms": 6, "lw": 1.1}
    x, y, error = zip(*points, strict=True)
    drawn = axes.errorbar(x, y, error, capsize=2.5, **{**look, "ls": line if joined else ""})
    drawn.set_label("_nolegend_")
    axes.plot([], [], ls=line, label=label, **look)
    return colour


def draw_guide(axes: Axes, ends: tuple[float, float], top: float, power: float, name: str) -> None:
    """Draw the line y = top x^power between two x, dotted, and name it in its middle."""
    axes.plot(ends, [top * x**power for x in ends], color=style.GREY, lw=0.9, ls=":")
    middle = (ends[0] * ends[1]) ** 0.5
    axes.annotate(
        name, (middle, top * middle**power), (5, 3),
        textcoords="offset points", color=style.GREY, fontsize=style.SMALL,
    )  # fmt: skip
