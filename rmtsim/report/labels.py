"""How models and sizes are named to people, in text and in figures."""

from ..experiment import Cell
from ..models.activations import RELU
from ..models.architectures import Block


def model(cell: Cell) -> str:
    """Name the model of a cell, such as "hidden ce", with what of it is not as in the paper."""
    others = [
        f"{name} = {value:.4g}"
        for name, value in (("w_std", cell.w_std), ("v_std", cell.v_std))
        if value != 1
    ]
    if cell.activation != RELU:
        slope = f" {cell.activation.slope:g}" if cell.activation.name == "leaky_relu" else ""
        others.insert(0, cell.activation.name + slope)
    return " ".join([cell.architecture, cell.loss]) + (f" ({', '.join(others)})" if others else "")


def sizes(cell: Cell, quote: str = "") -> str:
    """Return the sizes of a cell in the field's letters, each between `quote`, which is "$" in figures."""
    letters = {"d": cell.n_features, "N": cell.n_samples, "C": cell.n_classes, "m": cell.n_hidden}
    return ", ".join(f"{quote}{letter}{quote} = {n}" for letter, n in letters.items() if n is not None)


def scale_index(cell: Cell, block: Block) -> str | None:
    """Return the indices i j where the scale of a block is S_ij = (V^T V)_ij, None where it is 1."""
    if block.layer == "v" or cell.loss.couples_classes:
        return None
    return "{}{}".format(*block.pair)
