"""The Hessian of one small trial, block by block, for a picture of its structure."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .. import kernels
from ..experiment import Cell, Experiment
from ..models import BLOCKS, HiddenModel, LinearModel
from ..sampling import draws
from ..sampling.cell_draw import draw_model

PORTRAIT_FEATURES = 20
"""At most this d: single entries can still be seen."""
PORTRAIT_CLASSES = 8
"""At most this many of the C classes are shown, so that panels of any C compare block by block."""

BlockIndex = tuple[str, int]


@dataclass(frozen=True)
class Portrait:
    """Entries of a Hessian in units that make its diagonal blocks equally bright.

    Attributes
    ----------
    cell : Cell
        With the d and N that were used.
    blocks : tuple of (layer, index)
        The parameter blocks shown, ("w", i) then ("v", c).
    sizes : tuple of int
        Parameters in each block.
    values : array, shape (sum(sizes), sum(sizes))
        \\|H\\| over the root mean square entry of the diagonal blocks of its layer; between layers, over the
        geometric mean of the two.
    """

    cell: Cell
    blocks: tuple[BlockIndex, ...]
    sizes: tuple[int, ...]
    values: NDArray[np.float64]


def hessian_portrait(
    experiment: Experiment,
    cell: Cell,
    trial: int = 0,
    n_features: int = PORTRAIT_FEATURES,
    n_classes: int = PORTRAIT_CLASSES,
) -> Portrait:
    """Draw a trial of a cell at small d, with its C, m and aspect ratio, and return its Hessian.

    Parameters
    ----------
    experiment, cell, trial
        They name the random streams.
    n_features : int
        Largest d; N shrinks with it.
    n_classes : int
        Largest number of classes whose blocks are computed and shown; the model has all C of them.
    """
    small = _shrink(cell, n_features)
    model, X, y = _draw(experiment, small, trial)
    blocks = tuple(_shown_blocks(small, n_classes))
    sizes = tuple(small.block_size(BLOCKS[f"{layer * 2}_diag"]) for layer, _ in blocks)
    H = _assemble(model, X, y, blocks)
    unit = _entry_units(H, blocks, sizes)
    return Portrait(small, blocks, sizes, np.abs(H) / np.outer(unit, unit))


def _shrink(cell: Cell, n_features: int) -> Cell:
    d = min(n_features, cell.n_features)
    return replace(cell, n_features=d, n_samples=max(1, round(d / cell.aspect_ratio)))


def _draw(
    experiment: Experiment, cell: Cell, trial: int
) -> tuple[LinearModel | HiddenModel, NDArray, NDArray[np.int64]]:
    ops = kernels.load("cpu")
    model = draw_model(experiment, cell, trial, precision="float64")
    return model, draws.inputs(ops, experiment, cell, trial), draws.labels(ops, experiment, cell, trial)


def _shown_blocks(cell: Cell, n_classes: int) -> Iterator[BlockIndex]:
    yield from (("w", i) for i in range(cell.n_hidden or 0))
    yield from (("v", c) for c in range(min(n_classes, cell.n_classes)))


def _assemble(
    model: LinearModel | HiddenModel, X: NDArray, y: NDArray[np.int64], blocks: Sequence[BlockIndex]
) -> NDArray[np.float64]:
    """Compute the blocks of the upper triangle and mirror them."""
    pieces = [[np.empty((0, 0))] * len(blocks) for _ in blocks]
    for i, row in enumerate(blocks):
        for j, column in enumerate(blocks[i:], start=i):
            pieces[i][j] = model.block(X, row, column, y)
            pieces[j][i] = pieces[i][j].T
    return np.block(pieces)


def _entry_units(
    H: NDArray[np.float64], blocks: Sequence[BlockIndex], sizes: Sequence[int]
) -> NDArray[np.float64]:
    """Square root of the root mean square entry of the diagonal blocks of each parameter's layer."""
    starts = np.cumsum((0, *sizes))
    squares: dict[str, list[float]] = {}
    for (layer, _), start, stop in zip(blocks, starts[:-1], starts[1:], strict=True):
        squares.setdefault(layer, []).append(float(np.mean(H[start:stop, start:stop] ** 2)))
    unit = {layer: np.mean(values) ** 0.25 or 1.0 for layer, values in squares.items()}
    return np.repeat([unit[layer] for layer, _ in blocks], sizes)


def portrait_panels(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """Return the cells whose portraits are shown side by side, by the name of their model.

    They have the smallest, the middle and the largest C; of cells that differ in d and N the first is taken.
    """
    families: dict[Cell, dict[int, Cell]] = defaultdict(dict)
    for cell in cells:
        network = replace(cell, index=-1, n_features=0, n_samples=0, n_classes=0)
        families[network].setdefault(cell.n_classes, cell)
    return {_portrait_name(network): _spread(members) for network, members in families.items()}


def _portrait_name(network: Cell) -> str:
    width = "" if network.n_hidden is None else f"_m{network.n_hidden}"
    return f"{network.architecture}_{network.loss}{width}"


def _spread(members: dict[int, Cell]) -> list[Cell]:
    classes = sorted(members)
    chosen = sorted({classes[0], classes[len(classes) // 2], classes[-1]})
    return [members[c] for c in chosen]
