"""Experiments that contests and measurements run."""

from collections.abc import Mapping
from typing import Any

from ..experiment import Experiment


def experiment_of(described: Mapping[str, Any], trials: int, **measure: Any) -> Experiment:
    """Return an experiment with N = 2d and, unless it is described, m = 8 in the hidden model.

    Parameters
    ----------
    described : mapping
        "architecture", "loss", and sizes by the names of the grid.
    trials : int
    **measure
        Keys of the table of that name.
    """
    model = {key: described[key] for key in ("architecture", "loss")}
    sizes = {key: size for key, size in described.items() if key not in model}
    hidden = {"n_hidden": 8} if model["architecture"] == "hidden" else {}
    grid = {**hidden, **sizes, "aspect_ratio": 0.5}
    return Experiment.from_mapping(
        {"name": "bench", "seed": 1, "trials": trials, "model": model, "grid": grid, "measure": measure}
    )
