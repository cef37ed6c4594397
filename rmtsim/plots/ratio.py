"""Off-diagonal over diagonal block mass against the number of classes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

from ..cells import Cell
from ..compare.ratios import GIVEN_V, ORDER, Point, ratio_series
from . import _style

Series = Sequence[Point]

PANEL, LEFT, GAP, RIGHT = 3.6, 0.8, 0.65, 0.15
"""Inches: side of a panel, and what is left and right of it."""
BELOW, ABOVE, LINE = 0.65, 1.0, 0.2
"""Inches below and above a panel, and for one entry of its legend."""
MOST_TICKS = 5


def plot_ratios(points: Iterable[Point]) -> Figure:
    """Draw the measured ratios with error bars at their C, their limits as lines, and a guide of their slope.

    Every model and layer has its panel; its series, which differ in d, gamma or m, have a colour, a marker
    and a line style each, named below.
    """
    panels: dict[tuple[str, str, str], list[Series]] = defaultdict(list)
    for series in ratio_series(points):
        cell, ratio = series[0]
        panels[cell.architecture, cell.loss, ratio.layer].append(series)
    legend = LINE * (max(map(len, panels.values())) + 1)
    width = LEFT + len(panels) * (PANEL + GAP) - GAP + RIGHT
    figure = _style.new_figure(max(width, 5.4), BELOW + PANEL + ABOVE + legend)
    for place, (key, members) in enumerate(panels.items()):
        box = (LEFT + place * (PANEL + GAP), BELOW + legend, PANEL, PANEL)
        _draw_panel(_style.add_axes(figure, box), key, members, first=place == 0)
    _write_heading(figure, [point for members in panels.values() for series in members for point in series])
    return figure


def _write_heading(figure: Figure, points: Sequence[Point]) -> None:
    """Write what all panels show, in lines as long as one panel is wide."""
    height = figure.get_size_inches()[1]
    left = LEFT / figure.get_size_inches()[0]
    lines = [
        ("Off-diagonal over diagonal blocks of the Hessian", _style.TITLE, _style.BLACK),
        ("points: measured, with standard error", _style.SMALL, _style.GREY),
        (_limit_line(points), _style.SMALL, _style.GREY),
    ]
    for row, (text, size, colour) in enumerate(lines):
        figure.text(left, 1 - (0.12 + 0.19 * row) / height, text, fontsize=size, color=colour, va="top")


def _limit_line(points: Sequence[Point]) -> str:
    kinds = {ratio.limit_kind for _, ratio in points if ratio.limit is not None}
    given = " given the $V$ of each cell" if kinds == {GIVEN_V} else ""
    if len(kinds) > 1:
        given = " (hidden: given $V$)"
    missing = "" if all(ratio.limit is not None for _, ratio in points) else "; none where it is not known"
    return f"lines: limit at each $C$ for $d, N \\to \\infty${given}{missing}"


def _draw_panel(axes: Axes, key: tuple[str, str, str], members: Sequence[Series], first: bool) -> None:
    architecture, loss, layer = key
    axes.set(xscale="log", yscale="log")
    for number, series in enumerate(members):
        _draw_series(axes, series, number)
    _draw_guide(axes, [point for series in members for point in series], ORDER[layer])
    _set_ticks(axes, sorted({cell.n_classes for series in members for cell, _ in series}))
    name = f"{architecture} {loss}" + (f", {layer.upper()}-layer" if architecture == "hidden" else "")
    axes.set_title(name, fontsize=_style.LABEL, loc="left")
    axes.set_xlabel("number of classes $C$", fontsize=_style.LABEL)
    if first:
        axes.set_ylabel("$E|H_{ij}|_F^2 \\,/\\, E|H_{ii}|_F^2$", fontsize=_style.LABEL)
    axes.tick_params(labelsize=_style.SMALL)
    axes.spines[["top", "right"]].set_visible(False)
    _style.legend(axes, loc="upper left", bbox_to_anchor=(-0.02, -0.15), borderaxespad=0.0)


def _draw_series(axes: Axes, points: Series, number: int) -> None:
    """Draw one series; ``number`` of them came before in its panel."""
    colour, marker, style = _style.series_style(number)
    axes.errorbar(
        [cell.n_classes for cell, _ in points],
        [ratio.measured.value for _, ratio in points],
        [ratio.measured.standard_error for _, ratio in points],
        color=colour, marker=marker, markerfacecolor="none", ms=6, ls="", capsize=2.5, lw=1,
    )  # fmt: skip
    known = [(cell.n_classes, ratio.limit) for cell, ratio in points if ratio.limit is not None]
    axes.plot([c for c, _ in known], [limit for _, limit in known], color=colour, lw=1.1, ls=style)
    axes.plot(
        [], [], color=colour, marker=marker, markerfacecolor="none", ms=6, lw=1.1, ls=style,
        label=_series_label(points[0][0]),
    )  # fmt: skip


def _series_label(cell: Cell) -> str:
    width = "" if cell.n_hidden is None else f", $m$ = {cell.n_hidden}"
    return f"$d$ = {cell.n_features}, $\\gamma$ = {cell.aspect_ratio:.3g}{width}"


def _draw_guide(axes: Axes, points: Sequence[Point], power: int) -> None:
    """Draw a line of the slope of the layer above its points."""
    classes = sorted({cell.n_classes for cell, _ in points})
    top = 2.0 * max(ratio.measured.value * cell.n_classes**power for cell, ratio in points)
    ends = [classes[0], classes[-1]]
    axes.plot(ends, [top / c**power for c in ends], color=_style.GREY, lw=0.9, ls=":")
    middle = (ends[0] * ends[1]) ** 0.5
    axes.annotate(
        f"$C^{{-{power}}}$", (middle, top / middle**power), (5, 3),
        textcoords="offset points", color=_style.GREY, fontsize=_style.SMALL,
    )  # fmt: skip


def _set_ticks(axes: Axes, classes: Sequence[int]) -> None:
    """Mark numbers of classes that are measured, as many as have room; decades otherwise."""
    axes.xaxis.set_minor_formatter(NullFormatter())
    if len(classes) > MOST_TICKS + 1 or classes[-1] > 10_000:
        return
    spread = classes[-1] / classes[0]
    shown = [C for k, C in enumerate(classes) if k == 0 or C / classes[k - 1] > spread ** (1 / 9)]
    axes.set_xticks(shown, [f"{C:,}" for C in shown])
    axes.xaxis.set_minor_locator(NullLocator())
