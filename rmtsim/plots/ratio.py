"""Off-diagonal over diagonal block mass against the number of classes."""

from collections import Counter
from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from ..cells import Cell
from ..compare import RatioFinding
from ..compare.ratios import ORDER, Point, ratio_series
from . import _style

STYLES = {
    ("linear", "ce", "v"): (_style.BLACK, "o"),
    ("hidden", "mse", "w"): (_style.BLUE, "s"),
    ("hidden", "ce", "w"): (_style.VERMILION, "D"),
    ("hidden", "ce", "v"): (_style.GREEN, "^"),
}
"""Colour and marker of each model and layer whose ratio is not zero."""
MOST_INSIDE = 5
"""Series of which a legend has room among the data."""
DODGE = 1.06
"""Factor in C between series of the same model and layer, so that their markers lie side by side."""


def plot_ratios(points: Iterable[Point]) -> Figure:
    """Draw the measured ratios with error bars, their limits as lines, and guides of slope -1 and -2."""
    all_series = list(ratio_series(points))
    beside = len(all_series) > MOST_INSIDE
    figure, axes = _style.new_axes(9.6, 4.8, right=3.3) if beside else _style.new_axes(6.4, 4.8)
    axes.set(xscale="log", yscale="log")
    all_points: list[Point] = []
    drawn: Counter[tuple[str, str, str]] = Counter()
    for series in all_series:
        cell, ratio = series[0]
        key = (cell.architecture, cell.loss, ratio.layer)
        _draw_series(axes, series, key, drawn[key])
        drawn[key] += 1
        all_points += series
    _draw_guides(axes, all_points)
    _set_ticks(axes, sorted({cell.n_classes for cell, _ in all_points}))
    subtitle = "measured with standard error; lines: exact limit at each $C$ for $d, N \\to \\infty$"
    if max(drawn.values(), default=0) > 1:
        subtitle += "; markers of one colour side by side in the legend's order"
    title = "Off-diagonal over diagonal blocks of the Hessian"
    _style.dress(axes, title, subtitle, "number of classes $C$", "$E|H_{ij}|_F^2 \\,/\\, E|H_{ii}|_F^2$")
    if beside:
        _style.legend(axes, loc="center left", bbox_to_anchor=(1.0, 0.5))
    else:
        _style.legend(axes, loc="lower left")
    return figure


def _draw_series(axes: Axes, points: Sequence[Point], key: tuple[str, str, str], repeat: int) -> None:
    """Draw one series; ``repeat`` series of the same model and layer, at another d or m, came before."""
    cell, first = points[0]
    colour, marker = STYLES[key]
    classes = [cell.n_classes for cell, _ in points]
    axes.errorbar(
        [C * DODGE**repeat for C in classes],
        [ratio.measured.value for _, ratio in points],
        [ratio.measured.standard_error for _, ratio in points],
        color=colour,
        marker=marker,
        markerfacecolor=colour if first.layer == "w" else "white",
        ms=5,
        ls="",
        capsize=2.5,
        lw=1,
        label=_series_label(cell, first),
    )
    known = [(cell.n_classes, ratio.limit) for cell, ratio in points if ratio.limit is not None]
    style = _style.LINES[repeat % len(_style.LINES)]
    axes.plot([c for c, _ in known], [limit for _, limit in known], color=colour, lw=1.1, ls=style)


def _series_label(cell: Cell, ratio: RatioFinding) -> str:
    width = "" if cell.n_hidden is None else f", $m$ = {cell.n_hidden}"
    layer = f", {ratio.layer.upper()}-layer" if cell.architecture == "hidden" else ""
    return (
        f"{cell.architecture} {cell.loss}{layer}: $d$ = {cell.n_features}, "
        f"$\\gamma$ = {cell.aspect_ratio:.3g}{width}"
    )


def _draw_guides(axes: Axes, points: Sequence[Point]) -> None:
    """Draw a line of slope -1 and of -2 beside the data, above the first point of their layer."""
    classes = sorted({cell.n_classes for cell, _ in points})
    for power in sorted({ORDER[ratio.layer] for _, ratio in points}):
        top = max(r.measured.value * c.n_classes**power for c, r in points if ORDER[r.layer] == power)
        ends = [classes[0], classes[-1]]
        axes.plot(ends, [2.5 * top / c**power for c in ends], color=_style.GREY, lw=0.9, ls=":")
        middle = (ends[0] * ends[1] ** 3) ** 0.25
        axes.annotate(
            f"$C^{{-{power}}}$", (middle, 2.5 * top / middle**power), (5, 3),
            textcoords="offset points", color=_style.GREY, fontsize=_style.SMALL,
        )  # fmt: skip


def _set_ticks(axes: Axes, classes: Sequence[int]) -> None:
    """Mark the numbers of classes themselves where there are few; decades otherwise."""
    if len(classes) <= 6:
        axes.set_xticks(classes, [f"{C:,}" for C in classes])
        axes.xaxis.set_minor_locator(NullLocator())
