"""The contests of `rmtsim bench`, each built when its turn comes."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from .. import kernels, sampling
from ..batch import Batch, batch_size, run_batches
from ..batch.executors import default_workers
from ..experiment import Experiment
from ..experiment.streams import Role, stream
from ..models import HiddenModel
from . import peers, plain, whole
from .alternation import BASE, Contender, Contest

NUMBERS = 1 << 20
STATISTICS = ["histogram", "moments", "extremes"]
PRECISIONS = ("float64", "float32")
STRUCTURED_BLOCKS = ("vv_diag", "ww_diag", "ww_off")
"""Of the linear model, and of the hidden one."""


def linear_experiment(
    d: int, gamma: float = 0.5, precision: str = "float64", block: str = "vv_diag", **model: Any
) -> Experiment:
    """A linear ce experiment with one block, N = d / gamma and C = d, or another model."""
    hidden = model.get("architecture") == "hidden"
    return Experiment.from_mapping(
        {
            "name": "bench",
            "seed": 1,
            "trials": 1024,
            "model": {"architecture": "linear", "loss": "ce", **model},
            "grid": {
                "n_features": d,
                "aspect_ratio": gamma,
                "n_classes": d,
                **({"n_hidden": 8} if hidden else {}),
            },
            "measure": {
                "blocks": [block],
                "statistics": STATISTICS,
                "precision": precision,
                "method": "dense",
            },
        }
    )


def _trials(experiment: Experiment) -> Contender:
    """Batches of trials as a run measures them, from streams to records."""
    cell = experiment.cells[0]
    edges = sampling.pilot_edges(experiment, cell)
    count = batch_size(experiment, cell)
    return Contender(lambda: sampling.run_trials(experiment, cell, range(count), edges), count)


def normals(precision: str) -> Contest:
    """Counter-based normal numbers against NumPy's generator."""
    ops, rng, words = kernels.load("cpu"), np.random.default_rng(0), stream(1, 0, 0, Role.X)
    dtype: Any = np.dtype(precision)
    out = np.empty(NUMBERS, dtype)
    contenders = {
        BASE: Contender(lambda: ops.normals(words, 0, NUMBERS, dtype, out=out), NUMBERS),
        "numpy": Contender(lambda: rng.standard_normal(out=out, dtype=dtype), NUMBERS),
    }
    return Contest(f"normals, {precision}", "number", contenders)


def trial(d: int, precision: str) -> Contest:
    """A linear ce trial against plain NumPy, and against BLAS and LAPACK alone."""
    experiment = linear_experiment(d, precision=precision)
    cell = experiment.cells[0]
    sizes = cell.n_samples, cell.n_features, cell.n_classes
    edges = sampling.pilot_edges(experiment, cell)[0]
    contenders = {
        BASE: _trials(experiment),
        "plain": Contender(plain.trial(*sizes, precision, edges)),
        "floor": Contender(plain.floor(*sizes, precision)),
    }
    return Contest(f"linear ce trial, d = {d}, {precision}", "trial", contenders)


def precision(d: int) -> Contest:
    """Double against single precision."""
    contenders = {
        BASE: _trials(linear_experiment(d, precision="float32")),
        "float64": _trials(linear_experiment(d, precision="float64")),
    }
    return Contest(f"linear ce trial in float32, d = {d}", "trial", contenders)


def few_samples(d: int) -> Contest:
    """Fewer samples than features: the dual problem against plain NumPy."""
    experiment = linear_experiment(d, gamma=4.0)
    cell = experiment.cells[0]
    edges = sampling.pilot_edges(experiment, cell)[0]
    run = plain.trial(cell.n_samples, cell.n_features, cell.n_classes, "float64", edges)
    contenders = {BASE: _trials(experiment), "plain": Contender(run)}
    return Contest(f"linear ce trial, N = d / 4, d = {d}", "trial", contenders)


def threads(d: int) -> Contest:
    """All cores against one."""
    experiment = linear_experiment(d)
    cell, workers = experiment.cells[0], default_workers()
    size = batch_size(experiment, cell)
    # Some tenths of a second: starting and ending threads takes milliseconds, once to a run.
    batches = [Batch(cell, size * b, size) for b in range(workers * (64 if d < 100 else 8))]
    edges = {cell.index: sampling.pilot_edges(experiment, cell)}

    def run(count: int) -> None:
        for _ in run_batches(experiment, batches, edges, count):
            pass

    count = size * len(batches)
    contenders = {
        BASE: Contender(partial(run, workers), count),
        "1 worker": Contender(partial(run, 1), count),
    }
    return Contest(f"linear ce trials, d = {d}, {workers} workers", "trial", contenders)


def structured_trial(d: int, block: str) -> Contest:
    """Structured model of a mse block against our own dense path, in batches as a run takes them."""
    architecture = "linear" if block == "vv_diag" else "hidden"
    experiment = linear_experiment(d, block=block, architecture=architecture, loss="mse")
    cell = experiment.cells[0]
    edges = sampling.pilot_edges(experiment, cell)
    slow = Contender(lambda: sampling.run_trials(experiment, cell, [0], edges))
    exact = replace(experiment, measure=replace(experiment.measure, method="structured"))
    count = batch_size(exact, cell)
    contenders = {
        BASE: Contender(lambda: sampling.run_trials(exact, cell, range(count), edges), count),
        "dense": slow,
        **(peers.wishart(cell, edges[0]) if architecture == "linear" else {}),
    }
    once = frozenset({"dense"}) if d > 1000 else frozenset()
    work = f"{architecture} mse trial, structured {block}, d = {d}"
    return Contest(work, "trial", contenders, once)


def _drawn(N: int, d: int, m: int, C: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((N, d)), rng.integers(0, C, N)
    return X, y, rng.standard_normal((m, d)) / d**0.5, rng.standard_normal((C, m)) / m**0.5


def hessian(N: int, d: int, m: int, C: int) -> Contest:
    """Full Hessian of the hidden ce model against plain NumPy and automatic differentiation."""
    X, y, W, V = _drawn(N, d, m, C)
    model = HiddenModel(W, V)
    backward = peers.backward_hessian(X, y, W, V)
    contenders = {
        BASE: Contender(lambda: model.hessian(X, y)),
        "plain": Contender(lambda: plain.hidden_hessian(X, y, W, V)),
        **backward,
    }
    work = f"full Hessian, hidden ce, N = {N}, d = {d}, m = {m}, C = {C}"
    return Contest(work, "Hessian", contenders, frozenset(backward))


def hessian_product(N: int, d: int, m: int, C: int) -> Contest:
    """Product of the full Hessian with a vector, no block formed."""
    X, y, W, V = _drawn(N, d, m, C)
    operator = HiddenModel(W, V).linear_operator(X, y)
    direction = np.random.default_rng(1).standard_normal(operator.shape[1])
    contenders = {
        BASE: Contender(lambda: operator @ direction),
        **peers.hessian_products(X, y, W, V, direction),
    }
    work = f"Hessian-vector product, hidden ce, N = {N}, d = {d}, m = {m}, C = {C}"
    return Contest(work, "product", contenders)


Build = Callable[[], Contest]

CONTESTS: Mapping[str, Build] = {
    **{f"default-{name}": partial(whole.default_trial, name) for name in whole.DEFAULT_TRIALS},
    **{f"normals-{p}": partial(normals, p) for p in PRECISIONS},
    **{f"trial-{d}-{p}": partial(trial, d, p) for d, p in product((50, 200, 500, 1000), PRECISIONS)},
    "precision-1000": partial(precision, 1000),
    "few-samples-400": partial(few_samples, 400),
    "threads-50": partial(threads, 50),
    "threads-200": partial(threads, 200),
    **{f"structured-{block}-1000": partial(structured_trial, 1000, block) for block in STRUCTURED_BLOCKS},
    "hessian": partial(hessian, 2000, 200, 8, 100),
    "hessian-product": partial(hessian_product, 2000, 200, 8, 100),
}
"""By name; each is built when called."""

LARGE: Mapping[str, Build] = {
    **{f"structured-{block}-4000": partial(structured_trial, 4000, block) for block in STRUCTURED_BLOCKS},
    "job": whole.job,
    "hessian-paper": partial(hessian, 5000, 500, 8, 500),
}
"""Contests that take minutes and gigabytes."""
