"""How the trials of a cell are computed: dense matrices, or the exact structured models where they exist."""

from collections.abc import Collection

from .validation import ExperimentError

METHODS = ("auto", "dense", "structured")


def resolve(asked: str, architecture: str, loss: str, statistics: Collection[str]) -> str:
    """Return "dense" or "structured", the method that a cell is computed by.

    "auto" takes the structured model wherever it gives everything that is measured: under mse, for every
    block, but not for the masses of the hidden model, which are sums over all of its blocks together.

    Parameters
    ----------
    asked : {"auto", "dense", "structured"}
    architecture : {"linear", "hidden"}
    loss : {"mse", "ce"}
    statistics : collection of str

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


def _obstacle(architecture: str, loss: str, statistics: Collection[str]) -> str | None:
    """Say why there is no structured model of what is measured; None if there is one."""
    if loss != "mse":
        return f'there is no structured model of the {architecture} model with loss "{loss}"'
    if architecture == "hidden" and "masses" in statistics:
        return 'a structured model has no "masses" of the hidden model (drop them from measure.statistics)'
    return None
