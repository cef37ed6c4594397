"""Where the time of a trial goes: its stages one by one, on the arrays of a linear ce trial."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .. import kernels
from ..experiment.streams import Role, stream
from ..kernels.arguments.classes import default_tile
from ..kernels.cpu.compiled import classes, fill_normals
from ..kernels.cpu.compiled import gram as compiled_gram
from .alternation import BASE, Contender, Contest, measure

Stages = dict[str, Callable[[], object]]

STATISTICS, WHOLE = "moments, extremes, histogram", "whole trial"
BATCHED = (STATISTICS, WHOLE)
"""Stages that are timed for a batch of trials, as one call of an operation takes them."""


class Stage(NamedTuple):
    """Median milliseconds of one stage."""

    name: str
    milliseconds: float


def profile(d: int, precision: str = "float64", rounds: int = 5) -> list[Stage]:
    """Time the stages of a linear ce trial with N = 2d, C = d and one block; the whole trial comes last."""
    runs = _stages(d, np.dtype(precision))
    contenders = {
        BASE if name == WHOLE else name: Contender(run, _batch(d) if name in BATCHED else 1)
        for name, run in runs.items()
    }
    seconds = measure(Contest("stages", "trial", contenders), rounds).seconds
    stages = [Stage(name, 1e3 * float(np.median(times))) for name, times in seconds.items() if name != BASE]
    return [*stages, Stage(WHOLE, 1e3 * float(np.median(seconds[BASE])))]


def _batch(d: int) -> int:
    """Return how many trials one call takes; a single small one would show the time of the call itself."""
    return 16 if d <= 200 else 1


def _stages(d: int, dtype: np.dtype) -> Stages:
    ops, N, C = kernels.load("cpu"), 2 * d, d
    words, vectors = stream(1, 0, 0, Role.X), np.full((3, N), 0.5)
    X, V, scaled, gram = (np.empty(shape, dtype) for shape in ((N, d), (C, d), (N, d), (d, d)))
    work, form = (
        np.empty(compiled_gram.tridiagonal_work(d, dtype.itemsize), dtype),
        (np.empty((1, d)), np.empty((1, d - 1))),
    )
    tile = default_tile(N, C, dtype)
    logits, maxima, rescale = np.empty((tile, N), dtype), np.zeros(N, dtype), np.empty(N, dtype)
    starts, batch = range(0, C, tile), _batch(d)
    streams = np.array([[stream(1, 0, trial, role) for role in (Role.X, Role.V)] for trial in range(batch)])

    def softmax() -> None:
        for start in starts:
            classes.exponentiate(logits[: C - start], maxima, vectors[0], rescale)

    def products() -> None:
        for start in starts:
            part = V[start : start + tile]
            classes.tile_logits(X, part, logits[: len(part)])

    def reduction() -> None:
        np.copyto(gram, kept)
        compiled_gram.reduce_to_tridiagonal(gram, form[0][0], form[1][0], work)

    def draws() -> None:
        fill_normals(words, 0, 1.0, X.ravel())
        fill_normals(words, 0, d**-0.5, V.ravel())

    def whole() -> None:
        forms = ops.linear_forms(streams, (N, d, C), "ce", [[0, 0]], dtype).classes
        ops.spectral_statistics(forms.diagonals[:, 0], forms.off_diagonals[:, 0], np.ones(batch), edges)

    draws()
    compiled_gram.upper_gram(X, vectors[1], scaled, gram)
    kept = gram.copy()
    reduction()
    a, b = (np.repeat(part, batch, axis=0) for part in form)
    edges = np.linspace(0, ops.extremes(form[0][0], form[1][0])[1], 201)
    return {
        "draws": draws,
        "logits (GEMM)": products,
        "softmax": softmax,
        "weighted Gram (scaling, SYRK)": lambda: compiled_gram.upper_gram(X, vectors[1], scaled, gram),
        "tridiagonal form": reduction,
        STATISTICS: lambda: ops.spectral_statistics(a, b, np.ones(batch), edges),
        WHOLE: whole,
    }
