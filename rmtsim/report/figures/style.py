"""Look of the figures: no global state, so that a caller's own settings stay as they are."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe & Ito (2008): told apart with every common colour blindness.
BLACK, ORANGE, SKY, GREEN, BLUE, VERMILION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
GREY, LIGHT = "#666666", "#BBBBBB"
FILL = "#C9D7E6"

DPI = 160
TITLE, LABEL, SMALL = 10.5, 10, 8.5
LINES = ("-", "--", "-.", (0, (5, 1, 1, 1, 1, 1)))
"""Line styles of series that share a colour."""
COLOURS = (BLUE, VERMILION, GREEN, BLACK, ORANGE, PURPLE, SKY)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*", "h")


def series_style(number: int) -> tuple[str, str, Any]:
    """Colour, marker and line style of a series: no two of the first 77 share both colour and marker."""
    return (
        COLOURS[number % len(COLOURS)],
        MARKERS[number % len(MARKERS)],
        LINES[number % len(LINES)],
    )


def new_figure(width: float, height: float) -> Figure:
    """Return a figure of a size in inches that no pyplot registry holds on to."""
    return Figure(figsize=(width, height), dpi=DPI)


def add_axes(figure: Figure, box: tuple[float, float, float, float]) -> Axes:
    """Add axes at (left, bottom, width, height) in inches; layouts of matplotlib take as long as drawing."""
    width, height = figure.get_size_inches()
    left, bottom, across, up = box
    return figure.add_axes((left / width, bottom / height, across / width, up / height))


def new_axes(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure with one pair of axes."""
    figure = new_figure(width, height)
    left, right, bottom, top = 0.75, 0.15, 0.6, 0.55
    return figure, add_axes(figure, (left, bottom, width - left - right, height - bottom - top))


def dress(axes: Axes, title: str, subtitle: str, x_label: str, y_label: str) -> None:
    """Set title, a second line in grey, labels, ticks and frame."""
    axes.set_title(subtitle, fontsize=SMALL, color=GREY, loc="left")
    axes.annotate(
        title, (0, 1), (0, 20), xycoords="axes fraction", textcoords="offset points", fontsize=TITLE
    )
    dress_frame(axes, x_label, y_label)


def dress_frame(axes: Axes, x_label: str, y_label: str) -> None:
    """Set labels, ticks and frame."""
    axes.set_xlabel(x_label, fontsize=LABEL)
    axes.set_ylabel(y_label, fontsize=LABEL)
    axes.tick_params(labelsize=SMALL)
    axes.spines[["top", "right"]].set_visible(False)


def legend(axes: Axes, **options: Any) -> None:
    """Add a legend without a frame."""
    axes.legend(fontsize=SMALL, frameon=False, **options)


def save(figure: Figure, path: Path) -> Path:
    """Write a figure in the format that its suffix names: .png, .svg or .pdf."""
    figure.savefig(path)
    return path
