"""Distance of the spectra from their limit laws against d."""

from collections import Counter
from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from ..cells import Cell
from ..compare.rates import DistancePoint, distance_series, expected_rate
from . import _style

STYLES = {
    ("linear", "mse", "vv_diag"): (_style.BLACK, "o"),
    ("linear", "ce", "vv_diag"): (_style.ORANGE, "s"),
    ("linear", "ce", "vv_off"): (_style.ORANGE, "D"),
    ("hidden", "mse", "ww_diag"): (_style.BLUE, "s"),
    ("hidden", "mse", "ww_off"): (_style.BLUE, "D"),
    ("hidden", "ce", "ww_diag"): (_style.VERMILION, "s"),
    ("hidden", "ce", "ww_off"): (_style.VERMILION, "D"),
}
"""Colour and marker of each block with a law; markers of off-diagonal blocks are open."""
GUIDES = {-0.5: "$d^{-1/2}$", -1.0: "$d^{-1}$"}


def plot_convergence(points: Iterable[DistancePoint]) -> Figure:
    """Draw Kolmogorov-Smirnov distances with error bars, and guides of slope -1/2 and -1."""
    series = [points for points in distance_series(points) if len(points) > 1]
    several = len({each[0].cell.n_classes for each in series}) > 1
    figure, axes = _style.new_axes(*((8.2, 5.6) if several else (7.4, 4.8)), right=2.7 if several else 1.9)
    axes.set(xscale="log", yscale="log")
    drawn: Counter[tuple[str, str, str]] = Counter()
    for each in series:
        cell, block, _ = each[0]
        _draw_series(axes, each, drawn[cell.architecture, cell.loss, block], several)
        drawn[cell.architecture, cell.loss, block] += 1
    for rate in GUIDES:
        _draw_guide(axes, [each for each in series if expected_rate(each[0].cell) == rate], rate)
    _set_ticks(axes, sorted({point.cell.n_features for each in series for point in each}))
    subtitle = "mean over trials with standard error; dotted: expected rates"
    title = "Distance between the spectrum of a block and its limit law"
    _style.dress(axes, title, subtitle, "$d$", "Kolmogorov–Smirnov distance")
    _style.legend(axes, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _label(cell: Cell, block: str, several: bool) -> str:
    """Name a series, with the number of classes where there are `several`."""
    classes = f", $C$ = {cell.n_classes}" if several else ""
    return f"{cell.architecture} {cell.loss}, {block}{classes}"


def _draw_series(axes: Axes, points: Sequence[DistancePoint], repeat: int, several: bool) -> None:
    """Draw one series; ``repeat`` series of the same block, at another number of classes, came before."""
    cell, block, _ = points[0]
    colour, marker = STYLES[cell.architecture, cell.loss, block]
    axes.errorbar(
        [point.cell.n_features for point in points],
        [point.distances.ks.value for point in points],
        [point.distances.ks.standard_error for point in points],
        color=colour,
        marker=marker,
        markerfacecolor="white" if block.endswith("off") else colour,
        ms=5,
        lw=1,
        ls=_style.LINES[repeat % len(_style.LINES)],
        capsize=2.5,
        label=_label(cell, block, several),
    )


def _draw_guide(axes: Axes, series: Sequence[Sequence[DistancePoint]], rate: float) -> None:
    """Draw a line of the expected slope above the highest of its series."""
    if not series:
        return
    ends = [series[0][0].cell.n_features, series[0][-1].cell.n_features]
    top = 1.25 * max(p.distances.ks.value / p.cell.n_features**rate for each in series for p in each)
    axes.plot(ends, [top * d**rate for d in ends], color=_style.GREY, lw=0.9, ls=":")
    middle = (ends[0] * ends[1]) ** 0.5
    axes.annotate(
        GUIDES[rate], (middle, top * middle**rate), (5, 3),
        textcoords="offset points", color=_style.GREY, fontsize=_style.SMALL,
    )  # fmt: skip


def _set_ticks(axes: Axes, sizes: Sequence[int]) -> None:
    axes.set_xticks(sizes, [str(d) for d in sizes])
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())
