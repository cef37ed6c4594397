"""How models, sizes, losses and blocks are named to people, in text and in figures."""

from ..experiment import Cell

LOSSES = {"ce": "cross-entropy", "mse": "mean square"}

BLOCKS = {
    "ww_diag": "H[w_0, w_0]",
    "ww_off": "H[w_0, w_1]",
    "vv_diag": "H[v_0, v_0]",
    "vv_off": "H[v_0, v_1]",
}
"""The blocks that are measured, as mathematical text."""

SCALE_INDICES = {"ww_diag": "00", "ww_off": "01"}
"""The indices of the entry of S = V^T V that is the scale of a block of the W-layer under mse."""


def model(cell: Cell) -> str:
    """Name the model of a cell, such as "hidden ce"."""
    return f"{cell.architecture} {cell.loss}"


def sizes(cell: Cell, quote: str = "") -> str:
    """Return the sizes of a cell in the field's letters, each between `quote`, which is "$" in figures."""
    letters = {"d": cell.n_features, "N": cell.n_samples, "C": cell.n_classes, "m": cell.n_hidden}
    return ", ".join(f"{quote}{letter}{quote} = {n}" for letter, n in letters.items() if n is not None)


def scale_index(cell: Cell, block: str) -> str | None:
    """Return the indices i j where the scale of a block is S_ij = (V^T V)_ij, None where it is 1."""
    return SCALE_INDICES.get(block) if (cell.architecture, cell.loss) == ("hidden", "mse") else None
