"""Figures of results. They draw what other modules computed; only this package imports matplotlib."""

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path

from ...compare.block_laws import LAW_TRIALS
from ...results import Results
from .. import labels
from ..index import Entry, index_page
from ..selection import Selection
from .convergence import plot_convergence
from .drawing import Drawings
from .heatmap import plot_hessians
from .multiples import plot_multiples
from .ratio import plot_ratios
from .spectrum import plot_spectrum
from .style import save

__all__ = ["plot_convergence", "plot_hessians", "plot_multiples", "plot_ratios", "plot_spectrum", "save_all"]

FORMATS = ("png", "svg", "pdf")


def save_all(
    results: Results,
    directory: str | PathLike[str],
    formats: Sequence[str] = ("png",),
    law_trials: int = LAW_TRIALS,
    selection: Selection = Selection(),  # noqa: B008 - frozen
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Path]:
    """Draw the figures of a results file into a directory, made if it is missing, and an index of them.

    Figures are ``hessian_MODEL`` for each model; ``convergence`` if spectra were measured at more than one d,
    ``ratios`` if a ratio was measured at more than one C, and of each block with eigenvalues or histograms
    ``spectrum_CELL_BLOCK`` for each cell or, of more than 12 cells, ``spectra_MODEL_BLOCK``: pages of small
    panels, numbered if there are several. ``index.html`` shows the figures of this call with captions.

    Parameters
    ----------
    results : Results
        Also of a run that goes on: cells without a finished trial are left out.
    directory : path
    formats : sequence of {"png", "svg", "pdf"}
    law_trials : int
        Trials shown where each trial has a law of its own (laws given V with V drawn per trial).
    selection : Selection
        Kinds of figures, cells and blocks. Laws are solved for what is drawn alone.
    progress : callable
        Called with the numbers of cells that are read, their laws solved, and of all.

    Returns
    -------
    list of Path
        The files written, in the order of their names.

    Raises
    ------
    ValueError
        If a format is unknown, no trial is finished, a selected cell or block does not exist, or nothing that
        was selected can be drawn.
    OSError
        If the directory cannot be made or written to; the message names it.
    """
    if unknown := set(formats) - set(FORMATS):
        raise ValueError(f"formats: expected some of {', '.join(FORMATS)}, got {sorted(unknown)}")
    drawings = Drawings(results, selection, law_trials, progress)
    _check_finished(results, drawings)
    target = _made_directory(Path(directory))
    entries = [
        Entry(heading, caption, [save(figure, target / f"{name}.{suffix}") for suffix in formats])
        for name, heading, caption, figure in drawings
    ]
    if not entries:
        raise ValueError(
            f"only: expected figures that these cells and blocks have, got {', '.join(selection.kinds)}: a"
            " spectrum needs eigenvalues or histograms of a block that is not zero, convergence two sizes d,"
            " and ratios masses at two numbers of classes"
        )
    index = target / "index.html"
    index.write_text(index_page(results.experiment.name, entries, _cell_table(results)), encoding="utf-8")
    return sorted([index, *(file for entry in entries for file in entry.files)])


def _check_finished(results: Results, drawings: Drawings) -> None:
    """Refuse cells without a finished trial, but for Hessians alone, which need none."""
    finished = any(results.done(cell.index).any() for cell in drawings.cells)
    if not finished and drawings.selection.kinds != ("hessian",):
        where = "results" if drawings.selection.cells is None else "cells"
        raise ValueError(f"{where}: expected at least one finished trial, got none")


def _made_directory(directory: Path) -> Path:
    if directory.exists() and not directory.is_dir():
        raise NotADirectoryError(f"directory: expected a folder for the figures, got a file: {directory}")
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _cell_table(results: Results) -> list[tuple[object, ...]]:
    """Rows of the table of all cells."""
    sizes = ((c.n_features, c.n_samples, c.n_classes, c.n_hidden) for c in results.cells)
    rows = [
        (cell.index, labels.model(cell), *size, len(results.trials(cell.index)))
        for cell, size in zip(results.cells, sizes, strict=True)
    ]
    return [("cell", "model", "d", "N", "C", "m", "finished trials"), *rows]
