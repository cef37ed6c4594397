"""Figures show what was computed, and the package leaves matplotlib's global state alone."""

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")

import rmtsim
from rmtsim import Experiment, HiddenModel, kernels
from rmtsim.compare import DistanceFinding, RatioFinding
from rmtsim.compare.comparison import solve_cells
from rmtsim.compare.curves import SpectrumCurve
from rmtsim.compare.estimates import Estimate
from rmtsim.compare.rates import DistancePoint
from rmtsim.compare.ratios import ratio_findings
from rmtsim.models import BLOCKS
from rmtsim.report import figures as plots
from rmtsim.report.portrait import Portrait, hessian_portrait, portrait_panels
from rmtsim.results import MemoryStore
from rmtsim.sampling import draws, pilot_edges, run_trial

EXPERIMENT = Experiment.from_mapping(
    {
        "name": "figures",
        "seed": 11,
        "trials": 4,
        "model": {"architecture": ["linear", "hidden"], "loss": "mse"},
        "grid": {"n_features": 12, "aspect_ratio": 0.5, "n_classes": [3, 6, 12, 24], "n_hidden": 3},
        "measure": {"bins": 20},
    }
)


SMALL = replace(
    EXPERIMENT,
    model=replace(EXPERIMENT.model, architecture=("hidden",)),
    grid=replace(EXPERIMENT.grid, n_classes=(3, 12)),
    measure=replace(EXPERIMENT.measure, blocks=("ww_diag", "ww_off", "vv_off")),
)


@pytest.fixture(scope="module")
def store():
    store = MemoryStore(SMALL)
    for cell in SMALL.cells:
        edges = pilot_edges(SMALL, cell)
        store.set_edges(cell.index, edges)
        store.write(cell.index, 0, [run_trial(SMALL, cell, trial, edges) for trial in range(4)])
    return store


def _curve(**changes):
    curve = SpectrumCurve(
        cell=EXPERIMENT.cells[4],
        block=BLOCKS["ww_off"],
        trials=7,
        edges=np.array([0.5, 1.0, 1.5, 2.0]),
        density=np.array([0.2, 0.6, 0.0]),
        at_zero=0.49,
        outside=0.0125,
        law_name="a law",
        x=np.array([0.4, 1.0, 1.6]),
        law_density=np.array([0.0, 0.5, 0.0]),
        atom=0.5,
        shared=True,
    )
    return replace(curve, **changes)


def _legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_spectrum_shows_histogram_law_and_atom():
    (axes,) = plots.plot_spectrum(_curve()).axes
    (steps,) = axes.patches
    assert steps.get_data().values.tolist() == [0.2, 0.6, 0.0]
    assert steps.get_data().edges.tolist() == [0.5, 1.0, 1.5, 2.0]
    law, atom = axes.lines
    assert law.get_ydata().tolist() == [0.0, 0.5, 0.0]
    assert list(atom.get_xdata()) == [0, 0]
    assert _legend(axes) == ["eigenvalues, 7 trials", "a law", "eigenvalues at 0: 0.4900, law: 0.5000"]
    texts = " ".join(text.get_text() for text in axes.texts)
    assert "$H[w_0, w_1]$ of the hidden model, mean square" in texts
    assert "1.25% of the eigenvalues outside" in texts
    assert axes.get_title(loc="left") == "$d$ = 12, $N$ = 24, $C$ = 3, $m$ = 3"
    assert "S_{01}" in axes.get_xlabel()
    low, high = axes.get_xlim()
    assert low < 0 < 1.5 < high < 2


def test_spectrum_without_a_law_or_an_atom():
    empty = np.empty(0)
    (axes,) = plots.plot_spectrum(_curve(law_name=None, x=empty, law_density=empty, atom=0.0)).axes
    assert not axes.lines
    assert _legend(axes) == ["eigenvalues, 7 trials"]


def test_mean_over_laws_is_named_as_such():
    (axes,) = plots.plot_spectrum(_curve(shared=False)).axes
    assert _legend(axes)[1] == "a law\n(mean over the V of these trials)"


def test_hard_edge_leaves_the_frame():
    (axes,) = plots.plot_spectrum(_curve(law_density=np.array([np.inf, 0.5, 0.0]))).axes
    assert axes.get_ylim() == (0, pytest.approx(1.12 * 0.6))


def test_outliers_are_marked():
    (axes,) = plots.plot_spectrum(_curve(predicted=(0.31, 2.5), observed=(0.35,))).axes
    marks = {line.get_label(): line.get_xdata().tolist() for line in axes.lines}
    assert marks["predicted outliers: 0.31, 2.5"] == [0.31, 2.5]
    assert marks["mean extreme eigenvalue"] == [0.35]
    assert axes.get_xlim()[1] > 2.5
    (axes,) = plots.plot_spectrum(_curve(predicted=(0.1, 0.2, 0.3))).axes
    assert "predicted outliers" in _legend(axes)


def _ratios(values):
    return [
        (cell, RatioFinding("w", Estimate(value, 0.1 * value, 9), "all blocks", 1.1 * value, 0.0, "mean"))
        for cell, value in zip(EXPERIMENT.cells[4:], values, strict=True)
    ]


def _points(axes):
    """Measured points of each series: drawn markers that are not the entries of the legend."""
    return [container.lines[0].get_xydata() for container in axes.containers]


def test_ratios_show_measured_points_and_limits():
    (axes,) = plots.plot_ratios(_ratios([0.3, 0.2, 0.1, 0.05])).axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    (points,), (bars,) = _points(axes), axes.containers[0].lines[2]
    assert points.tolist() == [[3, 0.3], [6, 0.2], [12, 0.1], [24, 0.05]]
    assert bars.get_segments()[0][:, 1] == pytest.approx([0.27, 0.33])
    limits = [line for line in axes.lines if line.get_marker() == "None" and line.get_linestyle() == "-"]
    assert limits[0].get_ydata() == pytest.approx([0.33, 0.22, 0.11, 0.055])
    guide = axes.lines[-1].get_xydata()
    assert np.diff(np.log(guide), axis=0)[0] @ [1, 1] == pytest.approx(0)  # slope -1
    assert _legend(axes) == ["$d$ = 12, $\\gamma$ = 0.5, $m$ = 3"]


def _many_ratios(count, limit_kind="mean"):
    """Series of two models at several d."""
    return [
        (
            replace(cell, index=index, n_features=10 * (k + 1), n_samples=20 * (k + 1), loss=loss),
            RatioFinding("w", Estimate(1 / cell.n_classes, 0.01, 9), "all blocks", 1.0, 0.0, limit_kind),
        )
        for k in range(count)
        for loss in ("mse", "ce")
        for index, cell in enumerate(EXPERIMENT.cells[4:])
    ]


def test_points_of_every_series_stand_at_their_classes():
    for axes in plots.plot_ratios(_many_ratios(9)).axes:
        assert [points[:, 0].tolist() for points in _points(axes)] == [[3, 6, 12, 24]] * 9


def test_every_entry_of_a_legend_tells_its_series_apart():
    figure = plots.plot_ratios(_many_ratios(30))
    for axes in figure.axes:
        handles = axes.get_legend().legend_handles
        assert len(handles) == 30 == len(set(_legend(axes)))
        assert len({(handle.get_color(), handle.get_marker()) for handle in handles}) == 30
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "hidden mse, W-layer",
        "hidden ce, W-layer",
    ]


@pytest.mark.parametrize("kind", ["mean", "given V"])
@pytest.mark.parametrize("count", [1, 2, 8])
def test_all_text_is_inside_the_figure(count, kind):
    figure = plots.plot_ratios(_many_ratios(count, kind))
    figure.draw_without_rendering()
    across, up = figure.bbox.width, figure.bbox.height
    texts = [*figure.texts, *(text for axes in figure.axes for text in axes.get_legend().get_texts())]
    texts += [label for axes in figure.axes for label in (axes.title, axes.xaxis.label, axes.yaxis.label)]
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    assert all(0 <= box.x0 < box.x1 <= across and 0 <= box.y0 < box.y1 <= up for box in boxes)
    assert any("given the $V$" in text.get_text() for text in figure.texts) == (kind == "given V")


def test_ratios_of_one_v_a_cell_have_their_limits(tmp_path):
    experiment = replace(SMALL, model=replace(SMALL.model, loss=("ce",), v_draw="cell"))
    experiment = replace(experiment, measure=replace(SMALL.measure, blocks=None, statistics=("masses",)))
    store = MemoryStore(experiment)
    for cell in experiment.cells:
        store.write(cell.index, 0, [run_trial(experiment, cell, trial) for trial in range(4)])
    points = [
        (trials.cell, ratio)
        for trials, solved in solve_cells(store, 1)
        for ratio in ratio_findings(trials, solved)
    ]
    for axes in plots.plot_ratios(points).axes:
        (limits,) = (
            line for line in axes.lines if line.get_marker() == "None" and line.get_linestyle() == "-"
        )
        assert limits.get_xdata().tolist() == [3, 12]
        # Given V the limit is near what was measured at d = 12, within the bias of O(1/d).
        assert np.abs(np.log(limits.get_ydata() / _points(axes)[0][:, 1])).max() < 1


def test_ratio_of_zero_is_left_out():
    (axes,) = plots.plot_ratios(_ratios([0.0, 0.2, 0.1, 0.05])).axes
    assert axes.containers[0].lines[0].get_xdata().tolist() == [6, 12, 24]


def _distance(cell, block, ks):
    found = DistanceFinding(Estimate(ks, 0.1 * ks, 9), Estimate(ks, 0.1 * ks, 9), False, 0.0, 0.0, 1e-5)
    return DistancePoint(cell, block, found)


def test_convergence_shows_distances_and_expected_rates():
    cell = EXPERIMENT.cells[4]
    sizes = [replace(cell, index=k, n_features=d, n_samples=2 * d) for k, d in enumerate((50, 100, 200))]
    points = [_distance(one, "ww_off", 2 / one.n_features**0.5) for one in sizes]
    alone = _distance(replace(cell, n_hidden=5), "ww_off", 0.3)
    (axes,) = plots.plot_convergence([*points, alone]).axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert _legend(axes) == ["ww_off"]
    assert axes.get_title(loc="left") == "hidden mse"
    (line,), (bars,) = _points(axes), axes.containers[0].lines[2]
    assert line == pytest.approx(np.array([[d, 2 / d**0.5] for d in (50, 100, 200)]))
    assert bars.get_segments()[0][:, 1] == pytest.approx([0.9 * 2 / 50**0.5, 1.1 * 2 / 50**0.5])
    guide = np.log(axes.lines[-1].get_xydata())
    assert np.diff(guide, axis=0)[0] @ [0.5, 1] == pytest.approx(0)  # slope -1/2


def test_convergence_has_no_rate_where_every_size_has_another_v():
    cell = replace(EXPERIMENT.cells[4], loss="ce")
    sizes = [replace(cell, index=k, n_features=d, n_samples=2 * d) for k, d in enumerate((50, 100))]
    points = [_distance(one, "ww_off", 0.1)._replace(own_v=True) for one in sizes]
    (axes,) = plots.plot_convergence(points).axes
    assert "another law at each $d$" in axes.get_title(loc="left")
    assert not any(line.get_linestyle() == ":" for line in axes.lines)


def test_series_of_one_block_are_named_by_what_varies():
    cell = EXPERIMENT.cells[4]
    points = [
        _distance(replace(cell, n_features=d, n_samples=N * d, n_classes=C), "ww_off", 0.1)
        for d in (50, 100)
        for N in (2, 4)
        for C in (3, 6)
    ]
    (axes,) = plots.plot_convergence(points).axes
    assert len(set(_legend(axes))) == 4
    assert "ww_off, $\\gamma$ = 0.25, $C$ = 6" in _legend(axes)


def test_hessian_gives_every_block_the_same_side():
    values = np.arange(25.0).reshape(5, 5)
    portrait = Portrait(EXPERIMENT.cells[4], (("w", 0), ("w", 1), ("v", 0)), (2, 2, 1), values)
    figure = plots.plot_hessians([portrait, portrait])
    first, second, bar = figure.axes
    (mesh,) = (c for c in first.collections if c.get_array() is not None and c.get_array().size == 25)
    assert np.unique(mesh.get_coordinates()[0, :, 0]).tolist() == [0, 0.5, 1, 1.5, 2, 3]
    assert mesh.get_array().ravel()[1:].tolist() == list(range(1, 25))
    assert mesh.get_array().ravel()[0] > 0
    assert (first.get_xlim(), first.get_ylim()) == ((0, 3), (3, 0))
    assert [tick.get_text() for tick in first.get_xticklabels()] == ["w₀", "w₁", "v₀"]
    assert first.get_xlabel() == "first 1 of 3 classes shown"
    assert mesh.norm is second.collections[0].norm
    assert "diagonal blocks" in bar.get_ylabel()


def test_portrait_is_the_hessian_of_the_model():
    experiment = replace(EXPERIMENT, model=replace(EXPERIMENT.model, loss=("ce",)))
    cell = experiment.cells[5]
    portrait = hessian_portrait(experiment, cell, trial=2, n_features=8)
    small = replace(cell, n_features=8, n_samples=16)
    assert portrait.cell == small
    ops = kernels.load("cpu")
    W, V = draws.parameters(ops, experiment, small, 2)
    X, y = draws.inputs(ops, experiment, small, 2), draws.labels(ops, experiment, small, 2)
    H = np.abs(HiddenModel(W, V, "ce").hessian(X, y))
    assert portrait.sizes == (8, 8, 8, 3, 3, 3, 3, 3, 3)
    unit_w = np.sqrt(np.mean([np.mean(H[k : k + 8, k : k + 8] ** 2) for k in (0, 8, 16)]))
    unit_v = np.sqrt(np.mean([np.mean(H[k : k + 3, k : k + 3] ** 2) for k in range(24, 42, 3)]))
    # The same entries; units are roots of means of squares, 3 times 64 and 6 times 9, in another order.
    bound = 2 * (3 * 64 + 6 * 9) * np.finfo(np.float64).eps
    units = np.sqrt([unit_w] * 24 + [unit_v] * 18)
    assert portrait.values == pytest.approx(H / np.outer(units, units), rel=bound)


def test_portrait_shows_the_first_classes_of_many():
    portrait = hessian_portrait(EXPERIMENT, EXPERIMENT.cells[3], n_classes=5)
    assert portrait.blocks == tuple(("v", c) for c in range(5))
    assert portrait.values.shape == (60, 60)


def test_panels_are_few_classes_many_and_between():
    panels = portrait_panels(EXPERIMENT.cells)
    assert {name: [cell.n_classes for cell in cells] for name, cells in panels.items()} == {
        "linear_mse": [3, 12, 24],
        "hidden_mse_m3": [3, 12, 24],
    }


def test_save_all_names_its_files(store, tmp_path):
    directory = tmp_path / "new" / "figures"
    paths = plots.save_all(store, directory, formats=("png", "svg"))
    assert paths == sorted(paths)
    assert [path.name for path in paths if path.suffix == ".png"] == [
        "hessian_hidden_mse_m3.png",
        "ratios.png",
        "spectrum_0000_ww_diag.png",
        "spectrum_0000_ww_off.png",
        "spectrum_0001_ww_diag.png",
        "spectrum_0001_ww_off.png",
    ]  # the zero blocks vv_off have no figure
    assert sorted(directory.iterdir()) == paths
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths if path.suffix == ".png")
    assert all(b"<svg" in path.read_bytes() for path in paths if path.suffix == ".svg")


def test_refusals(store, tmp_path):
    with pytest.raises(ValueError, match=r"formats.*gif"):
        plots.save_all(store, tmp_path, formats=("gif",))
    with pytest.raises(ValueError, match="finished trial"):
        plots.save_all(MemoryStore(EXPERIMENT), tmp_path / "none")
    assert not (tmp_path / "none").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        plots.save_all(store, tmp_path / "file" / "figures")


def test_pyplot_is_never_imported():
    code = "import sys, rmtsim.report.figures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _imports_matplotlib(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if any(name.split(".")[0] == "matplotlib" for name in names):
            return True
    return False


def test_only_plots_imports_matplotlib():
    root = Path(rmtsim.__file__).parent
    importing = [path for path in root.rglob("*.py") if _imports_matplotlib(path)]
    assert importing
    assert {path.parent.name for path in importing} == {"figures"}


@pytest.mark.parametrize(("density", "side"), [([0.9, 0.1, 0.1], "right"), ([0.1, 0.1, 0.9], "left")])
def test_legend_keeps_clear_of_the_mass(density, side):
    figure = plots.plot_spectrum(_curve(density=np.array(density), atom=0.0))
    (axes,) = figure.axes
    figure.draw_without_rendering()
    box = axes.get_legend().get_window_extent().transformed(axes.transAxes.inverted())
    assert (box.x0 + box.x1 > 1) == (side == "right")
