"""|Hessian| of one trial as a map of its blocks."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from .. import labels
from ..portrait import Portrait
from . import style

LOWEST, HIGHEST = 1e-3, 2.0
"""Range of the colours, in units of the r.m.s. entry of the diagonal blocks; beyond it they end."""

LEFT, PITCH, GAP, RIGHT, LOW, HIGH = 0.4, 3.4, 0.4, 0.85, 0.5, 0.65
"""Inches: the margins, and from one panel to the next."""
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def plot_hessians(portraits: Sequence[Portrait]) -> Figure:
    """Draw |H| of one or several models side by side on one colour scale.

    Every block has the same side whatever its number of parameters, so that the W-layer (d x d blocks)
    and the V-layer (m x m) weigh the same. Black lines bound the layers, grey ones the blocks.
    """
    width = LEFT + PITCH * len(portraits) + RIGHT
    side = PITCH - GAP
    figure = style.new_figure(width, LOW + side + HIGH)
    panels = [style.add_axes(figure, (LEFT + PITCH * k, LOW, side, side)) for k in range(len(portraits))]
    norm = LogNorm(LOWEST, HIGHEST)
    meshes = [_draw(axes, portrait, norm) for axes, portrait in zip(panels, portraits, strict=True)]
    scale = style.add_axes(figure, (LEFT + PITCH * len(portraits), LOW + 0.1 * side, 0.14, 0.8 * side))
    bar = figure.colorbar(meshes[-1], cax=scale, extend="both")
    bar.set_label("|entry| over the r.m.s. entry of the diagonal blocks", fontsize=style.SMALL)
    bar.ax.tick_params(labelsize=style.SMALL)
    cell = portraits[0].cell
    title = f"|Hessian| of one trial drawn at small d: {cell.architecture} model, {cell.loss}"
    figure.suptitle(title, fontsize=style.TITLE)
    return figure


def _draw(axes: Axes, portrait: Portrait, norm: LogNorm) -> QuadMesh:
    sides = np.concatenate([k + np.arange(size) / size for k, size in enumerate(portrait.sizes)])
    edges = np.append(sides, len(portrait.sizes))
    # Zero has no logarithm, but the colour of everything small.
    values = np.maximum(portrait.values, LOWEST)
    mesh = axes.pcolormesh(edges, edges, values, norm=norm, cmap="Blues", rasterized=True)
    _draw_borders(axes, portrait)
    axes.set(aspect="equal", xlim=(0, len(portrait.sizes)), ylim=(len(portrait.sizes), 0))
    axes.set_title(labels.sizes(portrait.cell, "$"), fontsize=style.LABEL)
    return mesh


def _draw_borders(axes: Axes, portrait: Portrait) -> None:
    count = len(portrait.sizes)
    layers = [layer for layer, _ in portrait.blocks]
    for k in range(1, count):
        boundary = layers[k] != layers[k - 1]
        colour, width = (style.BLACK, 1.4) if boundary else (style.LIGHT, 0.4)
        axes.axhline(k, color=colour, lw=width)
        axes.axvline(k, color=colour, lw=width)
    names = [layer + str(index).translate(SUBSCRIPTS) for layer, index in portrait.blocks]
    for set_ticks in (axes.set_xticks, axes.set_yticks):
        set_ticks(np.arange(count) + 0.5, names, fontsize=7)
    axes.tick_params(length=0)
    shown = layers.count("v")
    if shown < portrait.cell.n_classes:
        axes.set_xlabel(f"first {shown} of {portrait.cell.n_classes} classes shown", fontsize=style.SMALL)
