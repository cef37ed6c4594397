"""rmtsim: a random-matrix simulator for the block structure of neural-network Hessians.

Draws Gaussian data and weights, assembles Hessian blocks of linear and one-hidden-layer ReLU
networks from closed forms, streams eigenvalue statistics of many trials to HDF5, and holds them
against limit laws. The mathematics is in ``rmtsim/theory.md``; after Dong, Zhang, Yao, Sun,
"Towards Quantifying the Hessian Structure of Neural Networks", arXiv:2505.02809.

The names below are loaded on first use, so that ``import rmtsim`` and ``rmtsim --help`` stay fast.
"""

from importlib import import_module

TYPE_CHECKING = False  # typing's own takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

    from . import kernels, laws
    from .batch import run
    from .experiment import Experiment
    from .models import HiddenModel, LinearModel
    from .results import open_results
    from .sampling import pilot_edges, run_trial

__version__ = "0.1.0"

_HOME = {
    "Experiment": "experiment",
    "HiddenModel": "models",
    "LinearModel": "models",
    "open_results": "results",
    "pilot_edges": "sampling",
    "run": "batch",
    "run_trial": "sampling",
}

__all__ = [
    "Experiment", "HiddenModel", "LinearModel", "kernels", "laws", "open_results",
    "pilot_edges", "run", "run_trial",
]  # fmt: skip


def __getattr__(name: str) -> "Any":
    if name in ("kernels", "laws"):
        return import_module(f".{name}", __name__)
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
