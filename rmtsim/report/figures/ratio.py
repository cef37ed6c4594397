"""Off-diagonal over diagonal block mass against the number of classes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

from ...compare.ratios import GIVEN_V, ORDER, Point, ratio_series
from ...experiment import Cell
from . import style
from .panels import draw_guide, draw_series, dress_panel, panel_row

Series = Sequence[Point]

MOST_TICKS = 6
"""Up to this many numbers of classes are marked themselves, otherwise the powers of ten."""


def plot_ratios(points: Iterable[Point]) -> Figure:
    """Draw the measured ratios with error bars at their C, their limits as lines, and a guide of their slope.

    Every model and layer has its panel; its series, which differ in d, gamma or m, have a colour, a marker
    and a line style each, named below.
    """
    panels: dict[tuple[str, str, str], list[Series]] = defaultdict(list)
    for series in ratio_series(points):
        cell, ratio = series[0]
        panels[cell.architecture, cell.loss, ratio.layer].append(series)
    heading = (
        "Off-diagonal over diagonal blocks of the Hessian",
        "points: measured, with standard error",
        _limit_line([point for members in panels.values() for series in members for point in series]),
    )
    figure, axes = panel_row(len(panels), max(map(len, panels.values())), heading)
    for one, (key, members) in zip(axes, panels.items(), strict=True):
        _draw_panel(one, key, members)
    return figure


def _limit_line(points: Sequence[Point]) -> str:
    kinds = {ratio.limit_kind for _, ratio in points if ratio.limit is not None}
    condition = ""
    if GIVEN_V in kinds:
        condition = " given the $V$ of each cell" if kinds == {GIVEN_V} else ", hidden models given $V$"
    missing = "" if all(ratio.limit is not None for _, ratio in points) else "; none where it is not known"
    return f"lines: limit at each $C$ for $d, N \\to \\infty${condition}{missing}"


def _draw_panel(axes: Axes, key: tuple[str, str, str], members: Sequence[Series]) -> None:
    architecture, loss, layer = key
    axes.set(xscale="log", yscale="log")
    for number, series in enumerate(members):
        _draw_series(axes, series, number)
    _draw_guide(axes, [point for series in members for point in series], ORDER[layer])
    _set_ticks(axes, sorted({cell.n_classes for series in members for cell, _ in series}))
    name = f"{architecture} {loss}" + (f", {layer.upper()}-layer" if architecture == "hidden" else "")
    dress_panel(axes, name, "number of classes $C$", "$E|H_{ij}|_F^2 \\,/\\, E|H_{ii}|_F^2$")


def _draw_series(axes: Axes, points: Series, number: int) -> None:
    measured = [(c.n_classes, r.measured.value, r.measured.standard_error) for c, r in points]
    colour = draw_series(axes, number, _series_label(points[0][0]), measured, joined=False)
    known = [(cell.n_classes, ratio.limit) for cell, ratio in points if ratio.limit is not None]
    line = style.series_style(number)[2]
    axes.plot([c for c, _ in known], [limit for _, limit in known], color=colour, lw=1.1, ls=line)


def _series_label(cell: Cell) -> str:
    width = "" if cell.n_hidden is None else f", $m$ = {cell.n_hidden}"
    return f"$d$ = {cell.n_features}, $\\gamma$ = {cell.aspect_ratio:.3g}{width}"


def _draw_guide(axes: Axes, points: Sequence[Point], power: int) -> None:
    """Draw a line of the slope of the layer above its points."""
    classes = [cell.n_classes for cell, _ in points]
    top = 2.0 * max(ratio.measured.value * cell.n_classes**power for cell, ratio in points)
    draw_guide(axes, (min(classes), max(classes)), top, -power, f"$C^{{-{power}}}$")


def _set_ticks(axes: Axes, classes: Sequence[int]) -> None:
    """Mark the numbers of classes that were measured, from the largest down as far as they have room."""
    axes.xaxis.set_minor_formatter(NullFormatter())
    if len(classes) > MOST_TICKS or classes[-1] > 10_000:
        return
    shown, least_quotient = [classes[-1]], (classes[-1] / classes[0]) ** (1 / 8)
    for C in reversed(classes):
        if shown[-1] / C > least_quotient:
            shown.append(C)
    axes.set_xticks(shown, [f"{C:,}" for C in shown])
    axes.xaxis.set_minor_locator(NullLocator())
