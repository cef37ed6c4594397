"""Which exceptions are refusals of what the user gave, told in one line rather than by a traceback."""

from ..experiment import ExperimentError
from ..plots import PlotError
from ..store import StoreError


def is_refusal(error: Exception) -> bool:
    """Return whether the message of `error` is meant for the user of a command."""
    return isinstance(error, ExperimentError | StoreError | PlotError | OSError)
