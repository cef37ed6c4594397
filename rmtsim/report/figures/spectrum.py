"""Histogram of a block's eigenvalues with the density of its limit law."""

from collections.abc import Iterator, Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...compare.curves import SpectrumCurve
from .. import labels
from . import style

HEADROOM = 1.12
"""Height of the axes over what is shown; a hard edge, where the law is infinite, runs out of the frame."""


def plot_spectrum(curve: SpectrumCurve) -> Figure:
    """Draw the pooled spectrum of a block, its law if it has one, and the atom at zero."""
    figure, axes = style.new_axes(6.4, 4.2)
    axes.set(xlim=x_range(curve), ylim=(0, height(curve)))
    names = _names(curve)
    for kind, artist in draw_curve(axes, curve).items():
        artist.set_label(names[kind])
    style.dress(axes, title(curve), labels.sizes(curve.cell, "$"), x_label(curve), "density")
    _note_outside(axes, curve)
    style.legend(axes, loc="upper left" if leans_right(axes, curve) else "upper right")
    return figure


def draw_curve(axes: Axes, curve: SpectrumCurve, size: float = 6.0) -> dict[str, Artist]:
    """Draw a spectrum with its law into axes; return what was drawn by kind.

    The atom is an arrow whose height means nothing. Predicted outliers are marked below the axis, and the
    mean extreme eigenvalues that lie outside on it. ``size``: of the marks in points.
    """
    bars = axes.stairs(curve.density, curve.edges, fill=True, color=style.FILL)
    drawn: dict[str, Artist] = {"eigenvalues": bars}
    if curve.x.size:
        (drawn["law"],) = axes.plot(curve.x, curve.law_density, color=style.VERMILION, lw=1.4)
    if curve.atom > 0:
        ends = [0, 0.9 * axes.get_ylim()[1]]
        look: dict[str, Any] = {"color": style.BLUE, "lw": 1.4, "marker": "^", "markevery": [1], "ms": size}
        (drawn["atom"],) = axes.plot([0, 0], ends, **look)
    marks: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "clip_on": False, "ls": ""}
    if curve.predicted:
        below = [-0.015] * len(curve.predicted)
        look = {"color": style.VERMILION, "marker": "^", "ms": size}
        (drawn["predicted"],) = axes.plot(curve.predicted, below, **look, **marks)
    if curve.observed:
        above = [0.015] * len(curve.observed)
        look = {"color": style.BLUE, "marker": "o", "mfc": "white", "ms": size - 1}
        (drawn["observed"],) = axes.plot(curve.observed, above, **look, **marks)
    return drawn


def marks(curve: SpectrumCurve) -> Iterator[str]:
    """Yield the kinds of what `draw_curve` draws."""
    occurs = {
        "eigenvalues": True,
        "law": curve.x.size > 0,
        "atom": curve.atom > 0,
        "predicted": bool(curve.predicted),
        "observed": bool(curve.observed),
    }
    return (kind for kind, present in occurs.items() if present)


def _names(curve: SpectrumCurve) -> dict[str, str]:
    """Entries of the legend, with the numbers of this curve."""
    return {
        "eigenvalues": f"eigenvalues, {curve.trials} trial{'' if curve.trials == 1 else 's'}",
        "law": law_label(curve),
        "atom": f"eigenvalues at 0: {curve.at_zero:.4f}, law: {curve.atom:.4f}",
        "predicted": _outlier_label(curve.predicted),
        "observed": "mean extreme eigenvalue",
    }


def title(curve: SpectrumCurve) -> str:
    """Name the block and its model."""
    return f"Block ${curve.block.label}$ of the {curve.cell.architecture} model, {curve.cell.loss.label}"


def law_label(curve: SpectrumCurve) -> str:
    """Name the law, and say so if it is a mean over the laws of several trials."""
    return f"{curve.law_name}" if curve.shared else f"{curve.law_name}\n(mean over the V of these trials)"


def x_label(curve: SpectrumCurve) -> str:
    """Name the eigenvalue and its unit."""
    index = labels.scale_index(curve.cell, curve.block)
    return "eigenvalue of $H$" if index is None else f"eigenvalue of $H / S_{{{index}}}$,  $S = V^T V$"


def height(curve: SpectrumCurve) -> float:
    """Upper end of the axis of the density: above the bins, and above a law that is not much higher."""
    bins, law = (float(each.max(initial=0.0)) for each in (curve.density, curve.law_density))
    return HEADROOM * (law if bins < law < 2 * bins else bins) or 1.0


def x_range(curve: SpectrumCurve) -> tuple[float, float]:
    """Show what has eigenvalues or a visible law, not the margin of empty bins around it."""
    filled = curve.density.nonzero()[0]
    ends = [curve.edges[filled[0]], curve.edges[filled[-1] + 1]] if filled.size else [*curve.edges[[0, -1]]]
    if curve.atom > 0:
        ends.append(0.0)
    ends += curve.predicted + curve.observed
    margin = 0.04 * (max(ends) - min(ends))
    return float(min(ends) - margin), float(max(ends) + margin)


def leans_right(axes: Axes, curve: SpectrumCurve) -> bool:
    """Whether the highest bin is in the right half of the axes."""
    highest = int(curve.density.argmax())
    return bool(curve.edges[highest : highest + 2].mean() > sum(axes.get_xlim()) / 2)


def _outlier_label(locations: Sequence[float]) -> str:
    if len(locations) > 2:
        return "predicted outliers"
    return "predicted outlier" + "s" * (len(locations) - 1) + ": " + ", ".join(f"{x:.4g}" for x in locations)


def _note_outside(axes: Axes, curve: SpectrumCurve) -> None:
    if curve.outside > 0:
        axes.annotate(
            f"{curve.outside:.2%} of the eigenvalues outside of the bins",
            (1, 1), (0, 4), xycoords="axes fraction", textcoords="offset points", ha="right",
            color=style.GREY, fontsize=style.SMALL,
        )  # fmt: skip
