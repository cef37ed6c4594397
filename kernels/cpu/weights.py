"""Sample weights of the blocks of a Hessian, compiled."""

from .compiled import weights

gated_weights = weights.gated_weights


def class_weights(p_row, p_col, same, complement):
    """Entries of B_n; 1 - p where it is known, and as a difference where not."""
    if same and complement is not None:
        return p_row * complement
    return weights.class_weights(p_row, p_col, same)
