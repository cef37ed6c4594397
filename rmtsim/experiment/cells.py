"""Cells: the points of the grid of an experiment."""

from dataclasses import dataclass

from ..kernels import Network
from ..models.activations import RELU, Activation
from ..models.architectures import Architecture, Block
from ..models.losses import Loss


@dataclass(frozen=True)
class Cell:
    """One point of the grid of an experiment.

    Attributes
    ----------
    index : int
        Position in ``Experiment.cells``; it names the random streams of the cell.
    architecture : Architecture
        "linear" or "hidden".
    loss : Loss
        "mse" or "ce".
    n_features, n_samples, n_classes : int
        d, N and C.
    n_hidden : int or None
        m; None for the linear model.
    blocks : tuple of Block
        The blocks whose spectra are measured, in the order of those of the architecture.
    w_std, v_std : float
        Standard deviations of the entries of W (m, d) in units of d^-1/2, of V (C, k) in units of k^-1/2.
    activation : Activation
        phi of the hidden model.
    """

    index: int
    architecture: Architecture
    loss: Loss
    n_features: int
    n_samples: int
    n_classes: int
    n_hidden: int | None
    blocks: tuple[Block, ...]
    w_std: float = 1.0
    v_std: float = 1.0
    activation: Activation = RELU

    @property
    def aspect_ratio(self) -> float:
        """The ratio gamma = d/N of the integers used, not the one asked for."""
        return self.n_features / self.n_samples

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts along the axis of ``masses``."""
        return self.architecture.parts

    @property
    def output_width(self) -> int:
        """Columns of V: m of the hidden model, d of the linear one."""
        return self.n_features if self.n_hidden is None else self.n_hidden

    @property
    def network(self) -> Network:
        """What kernels have to know beside sizes and loss."""
        return Network(self.w_std, self.v_std, self.activation.name, self.activation.slope)

    def block_size(self, block: Block) -> int:
        """Order of a block: d in the W-layer, else the columns of V."""
        return self.n_features if block.layer == "w" else self.output_width
