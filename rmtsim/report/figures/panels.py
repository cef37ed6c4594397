"""A row of panels, each with a legend of its own below: series that would crowd one pair of axes."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import style as _style

PANEL, LEFT, GAP, RIGHT = 3.6, 0.8, 0.65, 0.15
"""Inches: side of a panel, and what is left, between and right of them."""
BELOW, ABOVE, LINE = 0.65, 1.0, 0.2
"""Inches below and above a panel, and for one entry of its legend."""
LEAST_WIDTH = 5.4
"""Inches that the heading takes."""


def panel_row(count: int, entries: int, heading: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """Return a figure with a row of panels that have legends of at most ``entries``, under a heading.

    The first line of the heading is the title.
    """
    legend = LINE * (entries + 1)
    width = max(LEFT + count * (PANEL + GAP) - GAP + RIGHT, LEAST_WIDTH)
    height = BELOW + PANEL + ABOVE + legend
    figure = _style.new_figure(width, height)
    for row, text in enumerate(heading):
        size, colour = (_style.SMALL, _style.GREY) if row else (_style.TITLE, _style.BLACK)
        y = 1 - (0.12 + 0.19 * row) / height
        figure.text(LEFT / width, y, text, fontsize=size, color=colour, va="top")
    boxes = [(LEFT + place * (PANEL + GAP), BELOW + legend, PANEL, PANEL) for place in range(count)]
    return figure, [_style.add_axes(figure, box) for box in boxes]


def dress_panel(axes: Axes, name: str, x_label: str, y_label: str) -> None:
    """Name a panel and its axes, and put the legend below."""
    axes.set_title(name, fontsize=_style.LABEL, loc="left")
    axes.set_xlabel(x_label, fontsize=_style.LABEL)
    axes.set_ylabel(y_label, fontsize=_style.LABEL)
    axes.tick_params(labelsize=_style.SMALL)
    axes.spines[["top", "right"]].set_visible(False)
    _style.legend(axes, loc="upper left", bbox_to_anchor=(-0.02, -0.15), borderaxespad=0.0)


def draw_series(
    axes: Axes, number: int, label: str, points: Sequence[tuple[float, float, float]], joined: bool
) -> str:
    """Draw points (x, y, error) where they are, open, so that points beneath can be seen; return the colour.

    ``number`` series came before in the panel. Lines and the legend have the line style of the series, points
    are joined by it if wanted.
    """
    colour, marker, style = _style.series_style(number)
    look: dict[str, Any] = {"color": colour, "marker": marker, "markerfacecolor": "none", "ms": 6, "lw": 1.1}
    x, y, error = zip(*points, strict=True)
    drawn = axes.errorbar(x, y, error, capsize=2.5, **{**look, "ls": style if joined else ""})
    drawn.set_label("_nolegend_")
    axes.plot([], [], ls=style, label=label, **look)
    return colour
