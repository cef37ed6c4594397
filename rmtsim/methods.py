"""How the trials of a cell are computed: dense matrices, or the exact structured models where they exist."""

from collections.abc import Collection

from ._validation import ExperimentError

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
    expected = _obstacle(architecture, loss, statistics)
    if expected is None:
        return "structured"
    if asked == "structured":
        raise ExperimentError("measure.method", f'"structured" with {expected}', f'"{asked}"')
    return "dense"


def _obstacle(architecture: str, loss: str, statistics: Collection[str]) -> str | None:
    """Say what an experiment would have to be to have a structured model; None if it has one."""
    if loss != "mse":
        return f'loss "mse" for the {architecture} model'
    if architecture == "hidden" and "masses" in statistics:
        return 'no "masses" among the statistics of the hidden model'
    return None
