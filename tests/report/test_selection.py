"""What is asked of `plot` is drawn, and nothing else is solved or written."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest

pytest.importorskip("matplotlib")

from rmtsim import Experiment
from rmtsim.compare import block_laws
from rmtsim.report import figures
from rmtsim.report.figures.drawing import Drawings
from rmtsim.report.grid import sheets
from rmtsim.report.index import Entry, index_page
from rmtsim.report.selection import KINDS, Selection
from rmtsim.results import MemoryStore
from rmtsim.sampling import pilot_edges, run_trial

EXPERIMENT = Experiment.from_mapping(
    {
        "name": "chosen",
        "seed": 12,
        "trials": 2,
        "model": {"architecture": ["linear", "hidden"], "loss": "mse"},
        "grid": {"n_features": [8, 12], "aspect_ratio": 0.3, "n_classes": [3, 6], "n_hidden": 3},
        "measure": {"bins": 10},
    }
)
"""Cells 0 to 3 are linear, 4 to 7 hidden; C changes fastest."""
MANY = replace(EXPERIMENT, grid=replace(EXPERIMENT.grid, n_hidden=(2, 3, 4)))
"""4 linear and 12 hidden cells: more than have a figure each."""


def _filled(experiment, cells):
    store = MemoryStore(experiment)
    for cell in cells:
        edges = pilot_edges(experiment, cell)
        store.set_edges(cell.index, edges)
        store.write(cell.index, 0, [run_trial(experiment, cell, trial, edges) for trial in range(2)])
    return store


@pytest.fixture(scope="module")
def store():
    return _filled(EXPERIMENT, EXPERIMENT.cells)


@pytest.fixture
def solved(monkeypatch):
    """Cells and blocks whose laws are solved."""
    names = []
    solve = block_laws._block_law
    monkeypatch.setattr(
        block_laws,
        "_block_law",
        lambda trials, block, *rest: names.append((trials.cell.index, block)) or solve(trials, block, *rest),
    )
    return names


def _drawn(store, directory, only=None, cells=None, blocks=None):
    selection = Selection.parse(store.experiment, only, cells, blocks)
    paths = figures.save_all(store, directory, selection=selection)
    return [path.stem for path in paths if path.name != "index.html"]


def test_hessians_need_no_law_and_no_trial(store, tmp_path, solved):
    names = ["hessian_hidden_mse_m3", "hessian_linear_mse"]
    assert _drawn(store, tmp_path, only="hessian") == names
    assert _drawn(MemoryStore(EXPERIMENT), tmp_path, only="hessian") == names
    assert not solved


def test_ratios_of_masses_need_no_law(store, tmp_path, solved):
    assert _drawn(store, tmp_path, only="ratio") == ["ratios"]
    assert not solved


@pytest.mark.parametrize(
    ("cells", "blocks", "expected"),
    [
        ("5", None, {(5, "ww_diag"), (5, "ww_off")}),
        ("0,5-6", "ww_off", {(5, "ww_off"), (6, "ww_off")}),
        ("n_classes=6,architecture=linear", None, {(1, "vv_diag"), (3, "vv_diag")}),
        ("0-6,n_features=8,n_features=12.0,n_classes=6", "ww_diag", {(5, "ww_diag")}),
        ("aspect_ratio=0.3,n_hidden=3", "ww_off", {(k, "ww_off") for k in (4, 5, 6, 7)}),
    ],
)
def test_laws_of_chosen_cells_and_blocks_alone_are_solved(store, tmp_path, solved, cells, blocks, expected):
    names = set(_drawn(store, tmp_path, "spectrum", cells, blocks))
    assert set(solved) == expected
    assert len(solved) == len(expected)
    without_law = {name for name in names if name.endswith("vv_diag") and int(name[9:13]) > 3}
    assert names - without_law == {f"spectrum_{cell:04d}_{block}" for cell, block in expected}


def test_series_are_those_of_the_chosen_cells(store, tmp_path):
    assert _drawn(store, tmp_path, "convergence,ratio", "0,2") == ["convergence"]
    assert _drawn(store, tmp_path, "convergence,ratio", "4-5") == ["ratios"]


def test_many_cells_are_drawn_in_panels(tmp_path):
    store = _filled(
        MANY, MANY.cells[:7]
    )  # of the hidden cells, those with d = 8 and m = 2 and one with m = 3
    assert _drawn(store, tmp_path, "spectrum", blocks="ww_off,vv_diag") == [
        "spectra_hidden_mse_vv_diag_1",
        "spectra_hidden_mse_ww_off_1",
        "spectra_linear_mse_vv_diag",
    ]
    assert _drawn(store, tmp_path, "spectrum", "3") == ["spectrum_0003_vv_diag"]


def test_panels_say_where_no_trial_is_finished():
    store = _filled(MANY, MANY.cells[4:7])
    cells = Selection(kinds=("spectrum",), blocks=("ww_off",))
    (drawing,) = Drawings(store, cells, 1, lambda done, total: None)
    unfinished = [
        axes for axes in drawing.figure.axes if "no finished trial" in [t.get_text() for t in axes.texts]
    ]
    assert (len(drawing.figure.axes), len(unfinished)) == (6, 3)
    drawing.figure.draw_without_rendering()
    width, height = drawing.figure.bbox.width, drawing.figure.bbox.height
    boxes = [text.get_window_extent() for text in drawing.figure.texts if text.get_text()]
    boxes.append(drawing.figure.legends[0].get_window_extent())
    assert all(0 <= box.x0 < box.x1 <= width and 0 <= box.y0 < box.y1 <= height for box in boxes)


def test_rows_and_columns_of_sheets_are_values_of_the_grid():
    hidden = MANY.cells[4:]
    pages = list(sheets(MANY, hidden))
    assert sorted(cell.index for page in pages for cell in page.members) == [c.index for c in hidden]
    for page in pages:
        assert all(len(row) == len(page.cells[0]) for row in page.cells)
    page = pages[0]
    assert page.above[0] == ("$C$ = 3", "$C$ = 6")
    assert page.beside == ("$m$ = 2", "$m$ = 3", "$m$ = 4")
    assert page.shared == "$d$ = 8, $\\gamma$ = 0.3"
    assert [[(c.n_hidden, c.n_classes) for c in row] for row in page.cells] == [
        [(m, C) for C in (3, 6)] for m in (2, 3, 4)
    ]


def test_a_single_size_goes_on_from_row_to_row():
    experiment = replace(
        EXPERIMENT, grid=replace(EXPERIMENT.grid, n_features=8, n_classes=tuple(range(2, 25)))
    )
    first, second = sheets(experiment, experiment.cells[:23])
    assert [len(row) for row in first.cells] == [4, 4, 4]
    assert [len(row) for row in second.cells] == [4, 4, 3]
    assert [cell.n_classes for cell in first.members + second.members] == list(range(2, 25))
    assert second.above[0][0] == "$C$ = 14"


class _Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.links = []

    def handle_starttag(self, tag, attrs):
        self.links += [unquote(value) for name, value in attrs if name in ("href", "src")]


def test_index_links_to_every_figure(store, tmp_path):
    paths = figures.save_all(store, tmp_path, formats=("png", "pdf"))
    links = _Links()
    links.feed((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert set(links.links) == {path.name for path in paths} - {"index.html"}
    assert all((tmp_path / link).is_file() for link in links.links)


def test_index_escapes_text_and_names(tmp_path):
    entries = [Entry("a < b", 'say "<script>"', [tmp_path / "a & #1.png"])]
    page = index_page("<name>", entries, [("<cell>",), (None,)])
    assert not re.search(r"<(script|name|cell)>", page)
    assert 'src="a%20%26%20%231.png"' in page


def test_cells_that_are_not_finished_are_left_out(tmp_path):
    running = _filled(EXPERIMENT, EXPERIMENT.cells[4:5])
    assert _drawn(running, tmp_path, "spectrum", None, "ww_diag") == ["spectrum_0004_ww_diag"]
    with pytest.raises(ValueError, match="cells: expected at least one finished trial, got none"):
        _drawn(running, tmp_path, None, "0-3")


@pytest.mark.parametrize(
    ("only", "cells", "blocks", "sentence"),
    [
        ("spectra", None, None, 'only: expected one of "spectrum", "ratio"'),
        ("", None, None, "only: expected one of"),
        (None, "8", None, "cells: expected indices from 0 to 7"),
        (None, "0-99999999999999", None, "cells: expected indices from 0 to 7"),
        (None, "5-3", None, "cells: expected indices from 0 to 7"),
        (None, "", None, "cells: expected indices from 0 to 7"),
        (None, "n_class=3", None, 'cells: expected one of "architecture"'),
        (None, "n_classes=7", None, 'cells: expected n_classes to be one of 3, 6, got "7"'),
        (None, "0,n_classes=6", None, "cells: expected at least one cell, got none"),
        (None, None, "ww", 'blocks: expected one of "ww_diag"'),
        (None, "0-3", "ww_off", "blocks: expected some of vv_diag, vv_off, got ww_off"),
        ("spectrum", None, "vv_off", "only: expected figures that these cells and blocks have"),
        ("ratio", "4", None, "only: expected figures that these cells and blocks have"),
    ],
)
def test_refusals(store, tmp_path, only, cells, blocks, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        _drawn(store, tmp_path, only, cells, blocks)


def test_indices_out_of_range_are_refused_in_python(store, tmp_path):
    with pytest.raises(ValueError, match="cells: expected indices from 0 to 7, got -1"):
        figures.save_all(store, tmp_path, selection=Selection(cells=(-1,)))
    assert Selection().kinds == KINDS
