"""How the trials of a cell are computed: dense matrices, or the exact structured models where they exist."""

from collections.abc import Collection

from ..models.architectures import Architecture
from ..models.losses import MEAN_SQUARE, Loss
from ..statistics import MASSES, Statistic
from .validation import ExperimentError

METHODS = ("auto", "dense", "structured")


def resolve(asked: str, architecture: Architecture, loss: Loss, statistics: Collection[Statistic]) -> str:
    """Return "dense" or "structured", the method that a cell is computed by.

    "auto" takes the structured model wherever it gives everything that is measured: under mse, for every
    block, but not for the masses of the hidden model, which are sums over all of its blocks together.

    Parameters
    ----------
    asked : {"auto", "dense", "structured"}
    architecture : Architecture
    loss : Loss
    statistics : collection of Statistic

    Raises
    ------
    ExperimentError
        "structured" is asked for where there is no structured model.
    """
    if asked == "dense":
        return "dense"
    obstacle = _obstacle(architecture, loss, statistics)
    if obstacle is None:
        return "structured"
    if asked == "structured":
        raise ExperimentError("measure.method", f'"auto" or "dense", as {obstacle}', f'"{asked}"')
    return "dense"


def _obstacle(architecture: Architecture, loss: Loss, statistics: Collection[Statistic]) -> str | None:
    """Say why there is no structured model of what is measured; None if there is one."""
    if loss is not MEAN_SQUARE:
        return f'there is no structured model of the {architecture} model with loss "{loss}"'
    if architecture.is_hidden and MASSES in statistics:
        return 'a structured model has no "masses" of the hidden model (drop them from measure.statistics)'
    return None
