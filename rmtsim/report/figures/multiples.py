"""Spectra of one block over a grid of cells, as small panels that share what can be shared."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from math import ceil
from operator import itemgetter
from typing import NamedTuple

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ...compare.curves import SpectrumCurve
from ..grid import Sheet
from . import style
from .panels import add_heading
from .spectrum import draw_curve, height, law_label, leans_right, marks, title, x_label, x_range

ACROSS, UP = 1.5, 1.2
"""Inches: width and height of a panel."""
GAP, NUMBERS, NAME = 0.14, (0.42, 0.24), 0.18
"""Inches between panels: bare, with numbers at the vertical or horizontal axis, for the name above one."""
LEFT, RIGHT, BELOW, ABOVE, LINE = 0.7, 0.35, 0.6, 0.95, 0.2
"""Inches around the panels, and for a line of the legend."""
LEAST_WIDTH, ENTRY = 5.4, 1.75
"""Inches that the heading takes, and an entry of the legend."""
TINY = 7.0
MARGINS = 0.03, 0.12
"""Share of an axis at its ends without numbers, which would run into those of the next panel."""

NAMES = {
    "eigenvalues": "eigenvalues",
    "law": "limit law",
    "atom": "eigenvalues at 0",
    "predicted": "predicted outliers",
    "observed": "mean extreme eigenvalue",
}
Place = tuple[int, int]
Interval = tuple[float, float]
Boxes = dict[Place, tuple[float, float, float, float]]


class _Scale(NamedTuple):
    """Intervals that panels show along one axis, and the group with which each shares its own."""

    intervals: Mapping[Place, Interval]
    groups: Mapping[Place, Hashable]

    def numbered(self, step: Place) -> set[Place]:
        """Panels that need numbers of their own, as the neighbour one step away does not share theirs."""
        neighbours = {(row, column): (row + step[0], column + step[1]) for row, column in self.groups}
        shared = {place for place, other in neighbours.items() if other in self.groups}
        return {p for p in self.groups if p not in shared or self.groups[p] != self.groups[neighbours[p]]}


def plot_multiples(sheet: Sheet, curves: Mapping[int, SpectrumCurve]) -> Figure:
    """Draw spectra with their laws in panels, which share an axis where each fills half of what is shown.

    Parameters
    ----------
    sheet : Sheet
    curves : mapping of int to SpectrumCurve
        By the index of their cell; at least one. The panel of a cell without one says so.
    """
    panels = {
        (row, column): curves.get(cell.index)
        for row, cells in enumerate(sheet.cells)
        for column, cell in enumerate(cells)
        if cell is not None
    }
    shown = {place: curve for place, curve in panels.items() if curve is not None}
    x = _scale({place: x_range(curve) for place, curve in shown.items()}, itemgetter(1))
    y = _scale({place: (0.0, height(curve)) for place, curve in shown.items()}, itemgetter(0))
    x_numbers, y_numbers = x.numbered((1, 0)), y.numbered((0, -1))
    kinds = _kinds(shown.values())
    figure, boxes = _page(sheet, x_numbers, y_numbers, len(kinds))
    _label_page(figure, sheet, boxes, list(shown.values()))
    handles: dict[str, Artist] = {}
    for place, curve in panels.items():
        axes = style.add_axes(figure, boxes[place])
        axes.set_title(sheet.above[place[0]][place[1]], fontsize=style.SMALL, pad=3)
        axes.tick_params(labelsize=TINY, length=2.5, pad=2)
        axes.spines[["top", "right"]].set_visible(False)
        if curve is None:
            axes.set(xticks=(), yticks=())
            _write(axes, 0.5, "no finished trial", "center")
            continue
        _set_axis(axes, "x", x.intervals[place], place in x_numbers)
        _set_axis(axes, "y", y.intervals[place], place in y_numbers)
        handles = draw_curve(axes, curve, size=4.0) | handles
        _note(axes, curve)
    _add_legend(figure, {kind: handles[kind] for kind in kinds})
    return figure


def _scale(own: Mapping[Place, Interval], line_of: Callable[[Place], Hashable]) -> _Scale:
    """Share intervals in the whole page, else in each line of panels, else not at all."""
    choices: tuple[Callable[[Place], Hashable], ...] = (lambda place: "page", line_of, lambda place: place)
    for group_of in choices:
        groups: dict[Hashable, list[Interval]] = defaultdict(list)
        for place, interval in own.items():
            groups[group_of(place)].append(interval)
        union = {group: (min(a for a, _ in each), max(b for _, b in each)) for group, each in groups.items()}
        if all(_fills_half(part, union[group]) for group, each in groups.items() for part in each):
            break
    return _Scale({p: union[group_of(p)] for p in own}, {p: group_of(p) for p in own})


def _fills_half(part: Interval, whole: Interval) -> bool:
    return 2 * (part[1] - part[0]) >= whole[1] - whole[0]


def _kinds(curves: Iterable[SpectrumCurve]) -> list[str]:
    """Kinds of marks that occur, in the order of the legend."""
    kinds = {kind for curve in curves for kind in marks(curve)}
    return [kind for kind in NAMES if kind in kinds]


def _page(sheet: Sheet, x_numbers: set[Place], y_numbers: set[Place], entries: int) -> tuple[Figure, Boxes]:
    """Return a figure and the box of every panel, with room between them for what stands there."""
    rows, columns = len(sheet.cells), len(sheet.cells[0])
    across = NUMBERS[0] if any(column > 0 for _, column in y_numbers) else GAP
    up = NUMBERS[1] if any(row < rows - 1 for row, _ in x_numbers) else GAP
    up += NAME if any(name for names in sheet.above[1:] for name in names) else 0
    used = LEFT + columns * (ACROSS + across) - across + RIGHT
    low = BELOW + _legend_height(max(used, LEAST_WIDTH), entries)
    tall = low + rows * (UP + up) - up + ABOVE
    boxes = {
        (row, column): (
            LEFT + column * (ACROSS + across),
            low + (rows - 1 - row) * (UP + up),
            ACROSS,
            UP,
        )
        for row in range(rows)
        for column in range(columns)
    }
    return style.new_figure(max(used, LEAST_WIDTH), tall), boxes


def _label_page(figure: Figure, sheet: Sheet, boxes: Boxes, curves: Sequence[SpectrumCurve]) -> None:
    """Write the heading, the names of the rows, and those of the axes once for all panels."""
    width, tall = figure.get_size_inches()
    add_heading(figure, LEFT, [title(curves[0]), _trials_line(sheet, curves), _law_line(curves)])
    right, low = max(box[0] for box in boxes.values()) + ACROSS, min(box[1] for box in boxes.values())
    top = max(box[1] for box in boxes.values()) + UP
    for row, name in enumerate(sheet.beside):
        middle = boxes[row, 0][1] + UP / 2
        figure.text(
            (right + 0.1) / width, middle / tall, name, fontsize=style.SMALL, rotation=270, va="center"
        )
    middle = (LEFT + right) / 2 / width
    figure.text(middle, (low - 0.43) / tall, x_label(curves[0]), fontsize=style.LABEL, ha="center")
    middle = (low + top) / 2 / tall
    figure.text(0.16 / width, middle, "density", fontsize=style.LABEL, rotation=90, va="center", ha="center")


def _trials_line(sheet: Sheet, curves: Sequence[SpectrumCurve]) -> str:
    counts = sorted({curve.trials for curve in curves})
    trials = " to ".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))
    plural = "" if counts[-1] == 1 else "s"
    outside = "out: outside of the bins" if any(curve.outside > 0 for curve in curves) else ""
    return ", ".join(filter(None, [sheet.shared, f"{trials} trial{plural} in each panel", outside]))


def _law_line(curves: Sequence[SpectrumCurve]) -> str:
    laws = dict.fromkeys(law_label(curve).replace("\n", " ") for curve in curves if curve.law_name)
    return f"line: {'; '.join(laws)}" if laws else ""


def _set_axis(axes: Axes, axis: str, interval: Interval, numbered: bool) -> None:
    """Set an interval and its ticks."""
    ticks = _ticks(interval)
    numbers = [f"{tick:.6g}".replace("-", "\N{MINUS SIGN}") if numbered else "" for tick in ticks]
    axes.set(**{f"{axis}lim": interval})
    (axes.set_xticks if axis == "x" else axes.set_yticks)(ticks, numbers)


def _ticks(interval: Interval) -> list[float]:
    """Return few round numbers, but two at least, not near the ends; zero may be at the lower end."""
    low, high = interval
    first, last = low + MARGINS[0] * (high - low), high - MARGINS[1] * (high - low)
    for bins in range(3, 10):
        ticks = MaxNLocator(bins, steps=[1, 2, 5, 10]).tick_values(low, high)
        # Zero is added as it may have a sign.
        inside = [tick + 0.0 for tick in ticks if first <= tick <= last or tick == low == 0]
        if len(inside) > 1:
            break
    return inside if len(inside) < 4 else inside[::2]


def _note(axes: Axes, curve: SpectrumCurve) -> None:
    """Write shares of eigenvalues where the spectrum leaves room."""
    lines = []
    if curve.atom > 0:
        lines += [f"at 0: {curve.at_zero:.3f}", f"law: {curve.atom:.3f}"]
    if curve.outside > 0:
        lines.append(f"out: {curve.outside:.2%}")
    if lines:
        left = leans_right(axes, curve)
        _write(axes, 0.03 if left else 0.99, "\n".join(lines), "left" if left else "right", top=0.99)


def _write(axes: Axes, x: float, text: str, side: str, top: float = 0.6) -> None:
    axes.text(
        x, top, text, transform=axes.transAxes, ha=side, va="top", fontsize=TINY, color=style.GREY
    )  # fmt: skip


def _legend_columns(width: float) -> int:
    return max(1, min(len(NAMES), int((width - LEFT) / ENTRY)))


def _legend_height(width: float, entries: int) -> float:
    return LINE * ceil(entries / _legend_columns(width))


def _add_legend(figure: Figure, handles: Mapping[str, Artist]) -> None:
    width, tall = figure.get_size_inches()
    figure.legend(
        list(handles.values()), [NAMES[kind] for kind in handles], loc="upper left", frameon=False,
        fontsize=style.SMALL, ncols=_legend_columns(width), borderaxespad=0.0, columnspacing=1.2,
        bbox_to_anchor=(LEFT / width - 0.01, (0.1 + _legend_height(width, len(handles))) / tall),
    )  # fmt: skip
