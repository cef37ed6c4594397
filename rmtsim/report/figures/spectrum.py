"""Histogram of a block's eigenvalues with the density of its limit law."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...compare.curves import SpectrumCurve
from .. import labels
from . import style

HEADROOM = 1.12
"""Height of the axes over the highest bin; a hard edge, where the law is infinite, runs out of the frame."""


def plot_spectrum(curve: SpectrumCurve) -> Figure:
    """Draw the pooled spectrum of a block, its law if it has one, and the atom at zero."""
    figure, axes = style.new_axes(6.4, 4.2)
    plural = "" if curve.trials == 1 else "s"
    axes.stairs(
        curve.density,
        curve.edges,
        fill=True,
        color=style.FILL,
        label=f"eigenvalues, {curve.trials} trial{plural}",
    )
    if curve.x.size:
        axes.plot(curve.x, curve.law_density, color=style.VERMILION, lw=1.4, label=law_label(curve))
    height = HEADROOM * float(curve.density.max(initial=0.0)) or 1.0
    axes.set_ylim(0, height)
    _set_x_range(axes, curve)
    if curve.atom > 0:
        _draw_atom(axes, curve, height)
    _draw_outliers(axes, curve)
    cell = curve.cell
    title = f"Block ${curve.block.label}$ of the {cell.architecture} model, {cell.loss.label}"
    style.dress(axes, title, labels.sizes(cell, "$"), x_label(curve), "density")
    _note_outside(axes, curve)
    style.legend(axes, loc="upper left" if _leans_right(axes, curve) else "upper right")
    return figure


def law_label(curve: SpectrumCurve) -> str:
    """Name the law, and say so if it is a mean over the laws of several trials."""
    return f"{curve.law_name}" if curve.shared else f"{curve.law_name}\n(mean over the V of these trials)"


def x_label(curve: SpectrumCurve) -> str:
    """Name the eigenvalue and its unit."""
    index = labels.scale_index(curve.cell, curve.block)
    return "eigenvalue of $H$" if index is None else f"eigenvalue of $H / S_{{{index}}}$,  $S = V^T V$"


def _set_x_range(axes: Axes, curve: SpectrumCurve) -> None:
    """Show what has eigenvalues or a visible law, not the margin of empty bins around it."""
    filled = curve.density.nonzero()[0]
    ends = [curve.edges[filled[0]], curve.edges[filled[-1] + 1]] if filled.size else [*curve.edges[[0, -1]]]
    if curve.atom > 0:
        ends.append(0.0)
    ends += curve.predicted + curve.observed
    margin = 0.04 * (max(ends) - min(ends))
    axes.set_xlim(min(ends) - margin, max(ends) + margin)


def _leans_right(axes: Axes, curve: SpectrumCurve) -> bool:
    """Whether the highest bin is in the right half of the axes."""
    highest = int(curve.density.argmax())
    return bool(curve.edges[highest : highest + 2].mean() > sum(axes.get_xlim()) / 2)


def _draw_atom(axes: Axes, curve: SpectrumCurve, height: float) -> None:
    """Mark the mass at zero by an arrow, whose height means nothing, and name it in the legend."""
    label = f"eigenvalues at 0: {curve.at_zero:.4f}, law: {curve.atom:.4f}"
    axes.plot(
        [0, 0], [0, 0.9 * height], color=style.BLUE, lw=1.4, marker="^", markevery=[1], ms=6, label=label
    )


def _draw_outliers(axes: Axes, curve: SpectrumCurve) -> None:
    """Mark predicted outliers below the axis, and the mean extreme eigenvalues that lie outside on it."""
    frame = axes.get_xaxis_transform()
    if curve.predicted:
        axes.plot(
            curve.predicted, [-0.015] * len(curve.predicted), transform=frame, clip_on=False, ls="",
            color=style.VERMILION, marker="^", ms=6, label=_outlier_label(curve.predicted),
        )  # fmt: skip
    if curve.observed:
        axes.plot(
            curve.observed, [0.015] * len(curve.observed), transform=frame, clip_on=False, ls="",
            color=style.BLUE, marker="o", mfc="white", ms=5, label="mean extreme eigenvalue",
        )  # fmt: skip


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
