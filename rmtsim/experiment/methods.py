"""How the trials of a cell are computed: dense matrices, or the exact structured models where they exist."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from ..models.architectures import Architecture
from ..models.losses import MEAN_SQUARE, Loss
from ..statistics import MASSES, Statistic
from .validation import ExperimentError

if TYPE_CHECKING:
    from .settings import Measure

METHODS = ("auto", "dense", "structured")


def resolve(measure: "Measure", architecture: Architecture, loss: Loss, activation: str) -> str:
    """Return "dense" or "structured", the method that a cell is computed by.

    "auto" takes the structured model wherever it gives everything that is measured: under mse, for every
    block, but not for the masses of the hidden model, which are sums over all of its blocks together.

    Parameters
    ----------
    measure : Measure
        What is measured, and the method asked for.
    architecture : Architecture
    loss : Loss
    activation : str
        Of the hidden model.

    Raises
    ------
    ExperimentError
        "structured" is asked for where there is no structured model.
    """
    method = measure.method
    if method == "dense":
        return "dense"
    obstacle = _obstacle(architecture, loss, measure.statistics, activation)
    if obstacle is None:
        return "structured"
    if method == "structured":
        raise ExperimentError("measure.method", f'"auto" or "dense", as {obstacle}', f'"{method}"')
    return "dense"


def _obstacle(
    architecture: Architecture, loss: Loss, statistics: Collection[Statistic], activation: str
) -> str | None:
    """Say why there is no structured model of what is measured; None if there is one."""
    if loss is not MEAN_SQUARE:
        return f'there is no structured model of the {architecture} model with loss "{loss}"'
    if architecture.is_hidden and activation != "relu":
        return f'there is no structured model with activation "{activation}"'
    if architecture.is_hidden and MASSES in statistics:
        return 'a structured model has no "masses" of the hidden model (drop them from measure.statistics)'
    return None
