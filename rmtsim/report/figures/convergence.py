"""Distance of the spectra from their limit laws against d."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from ...compare.rates import DistancePoint, distance_series, expected_rate
from ...experiment import Cell
from .. import labels
from .panels import draw_guide, draw_series, dress_panel, panel_row

Series = Sequence[DistancePoint]

_SIZES: dict[str, Callable[[Cell], float | None]] = {
    "\\gamma": lambda cell: float(f"{cell.aspect_ratio:.2g}"),
    "C": lambda cell: cell.n_classes,
    "m": lambda cell: cell.n_hidden,
}
"""The sizes in which series of one block may differ, by their symbols."""

GUIDES = {-0.5: "$d^{-1/2}$", -1.0: "$d^{-1}$"}


def plot_convergence(points: Iterable[DistancePoint]) -> Figure:
    """Draw Kolmogorov-Smirnov distances with error bars in a panel for each model, and the expected slope.

    No slope is expected where every size has a V, and so a law, of its own.
    """
    panels: dict[tuple[str, str], list[Series]] = defaultdict(list)
    for series in distance_series(points):
        if len(series) > 1:
            panels[series[0].cell.architecture, series[0].cell.loss].append(series)
    heading = (
        "Distance between the spectrum of a block and its limit law",
        "mean over trials with standard error",
        "dotted: expected rate",
    )
    figure, axes = panel_row(len(panels), max(map(len, panels.values())), heading)
    for one, members in zip(axes, panels.values(), strict=True):
        _draw_panel(one, members)
    return figure


def _draw_panel(axes: Axes, members: Sequence[Series]) -> None:
    axes.set(xscale="log", yscale="log")
    cell = members[0][0].cell
    varied = [name for name, size in _SIZES.items() if len({size(series[0].cell) for series in members}) > 1]
    for number, series in enumerate(members):
        distances = [(p.cell.n_features, p.distances.ks) for p in series]
        measured = [(d, ks.value, ks.standard_error) for d, ks in distances]
        draw_series(axes, number, _label(series[0], varied), measured, joined=True)
    own_v = any(point.own_v for series in members for point in series)
    if not own_v:
        _draw_guide(axes, members, expected_rate(cell))
    _set_ticks(axes, sorted({point.cell.n_features for series in members for point in series}))
    name = labels.model(cell) + (": another $V$, another law at each $d$" if own_v else "")
    dress_panel(axes, name, "$d$", "Kolmogorov–Smirnov distance")


def _label(point: DistancePoint, varied: Sequence[str]) -> str:
    """Name a series by its block and by the sizes that vary."""
    sizes = (f"${name}$ = {_SIZES[name](point.cell):g}" for name in varied)
    return ", ".join([point.block, *sizes])


def _draw_guide(axes: Axes, members: Sequence[Series], rate: float) -> None:
    """Draw a line of the expected slope above the highest series."""
    points = [point for series in members for point in series]
    sizes = [point.cell.n_features for point in points]
    top = 1.25 * max(point.distances.ks.value / point.cell.n_features**rate for point in points)
    draw_guide(axes, (min(sizes), max(sizes)), top, rate, GUIDES[rate])


def _set_ticks(axes: Axes, sizes: Sequence[int]) -> None:
    axes.set_xticks(sizes, [str(d) for d in sizes])
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())
