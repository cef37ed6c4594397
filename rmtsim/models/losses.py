"""Losses on the logits of a network, theory.md section 1."""

from .linear_outputs import LinearOutputs
from .named import Named
from .outputs import Outputs
from .softmax_outputs import SoftmaxOutputs


class Loss(Named):
    """A loss.

    Attributes
    ----------
    label : str
        Its name in words.
    outputs : type of Outputs
        What it makes of the logits.
    couples_classes : bool
        Whether its Hessian B_n with respect to the logits has entries off the diagonal.
    """

    label: str
    outputs: type[Outputs]

    def __new__(cls, name: str, label: str, outputs: type[Outputs]) -> "Loss":
        loss = cls.make(name)
        loss.label, loss.outputs = label, outputs
        return loss

    @property
    def couples_classes(self) -> bool:
        """Whether its Hessian B_n with respect to the logits has entries off the diagonal."""
        return self.outputs.couples_classes


MEAN_SQUARE = Loss("mse", "mean square", LinearOutputs)
"""(1/2N) sum_n |z_n - onehot(y_n)|^2."""
CROSS_ENTROPY = Loss("ce", "cross-entropy", SoftmaxOutputs)
"""(1/N) sum_n [logsumexp(z_n) - z_n[y_n]]."""
LOSSES: dict[str, Loss] = Loss.known
