"""Figures of results. They draw what other modules computed; only this package imports matplotlib."""

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path

from matplotlib.figure import Figure

from ...compare.block_laws import LAW_TRIALS, BlockLaw
from ...compare.blocks import distance_points
from ...compare.comparison import solve_cells
from ...compare.curves import spectrum_curve
from ...compare.families import varies_classes, varies_features
from ...compare.rates import DistancePoint, distance_series
from ...compare.ratios import Point, ratio_findings, ratio_series
from ...compare.trials import Trials
from ..portrait import hessian_portrait, portrait_panels
from ...models.architectures import Block
from ...results import Results
from .style import save
from .convergence import plot_convergence
from .heatmap import plot_hessians
from .ratio import plot_ratios
from .spectrum import plot_spectrum

__all__ = ["plot_convergence", "plot_hessians", "plot_ratios", "plot_spectrum", "save_all"]

FORMATS = ("png", "svg", "pdf")


def save_all(
    results: Results,
    directory: str | PathLike[str],
    formats: Sequence[str] = ("png",),
    law_trials: int = LAW_TRIALS,
) -> list[Path]:
    """Draw every figure of a results file into a directory, made if it is missing.

    Figures are ``spectrum_CELL_BLOCK`` for each cell and block with eigenvalues or histograms,
    ``convergence`` if they were measured at more than one d, ``ratios`` if a ratio was measured at more than
    one C, and ``hessian_MODEL`` for each model.

    Parameters
    ----------
    results : Results
    directory : path
    formats : sequence of {"png", "svg", "pdf"}
    law_trials : int
        Trials shown where each trial has a law of its own (laws given V with V drawn per trial).

    Returns
    -------
    list of Path
        The files written, in the order of their names.

    Raises
    ------
    ValueError
        If a format is unknown, or no trial is finished.
    OSError
        If the directory cannot be made or written to; the message names it.
    """
    if unknown := set(formats) - set(FORMATS):
        raise ValueError(f"formats: expected some of {', '.join(FORMATS)}, got {sorted(unknown)}")
    if not any(results.done(cell.index).any() for cell in results.cells):
        raise ValueError("results: expected at least one finished trial, got none")
    target = _made_directory(Path(directory))
    return sorted(
        save(figure, target / f"{name}.{suffix}")
        for name, figure in _figures(results, law_trials)
        for suffix in formats
    )


def _made_directory(directory: Path) -> Path:
    if directory.exists() and not directory.is_dir():
        raise NotADirectoryError(f"directory: expected a folder for the figures, got a file: {directory}")
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _figures(results: Results, law_trials: int) -> Iterator[tuple[str, Figure]]:
    yield from _hessian_figures(results)
    distances: list[DistancePoint] = []
    ratios: list[Point] = []
    for trials, solved in solve_cells(results, law_trials):
        yield from _spectrum_figures(trials, solved)
        if varies_features(trials.cell, results.cells):
            distances += distance_points(trials, solved)
        if varies_classes(trials.cell, results.cells):
            ratios += ((trials.cell, ratio) for ratio in ratio_findings(trials, solved))
    if any(len(points) > 1 for points in distance_series(distances)):
        yield "convergence", plot_convergence(distances)
    if any(len(points) > 1 for points in ratio_series(ratios)):
        yield "ratios", plot_ratios(ratios)


def _spectrum_figures(trials: Trials, solved: Mapping[Block, BlockLaw]) -> Iterator[tuple[str, Figure]]:
    for block in trials.cell.blocks:
        curve = spectrum_curve(trials, block, solved.get(block))
        if curve is not None:
            yield f"spectrum_{trials.cell.index:04d}_{block}", plot_spectrum(curve)


def _hessian_figures(results: Results) -> Iterator[tuple[str, Figure]]:
    for name, cells in portrait_panels(results.cells).items():
        yield f"hessian_{name}", plot_hessians([hessian_portrait(results.experiment, cell) for cell in cells])
