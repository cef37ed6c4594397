"""Timing in alternation, reports, and the contenders: they do the same work."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rmtsim import HiddenModel, bench
from rmtsim.batch import batches
from rmtsim.bench import alternation, plain, report, stages, workers
from rmtsim.cli import main

from .. import rounding


def contest(**runs: int) -> alternation.Contest:
    counts = {name: [] for name in runs}  # type: dict[str, list[int]]
    contenders = {name: alternation.Contender(lambda name=name: counts[name].append(1)) for name in runs}
    return alternation.Contest("nothing", "call", contenders)


def test_ratios_are_those_of_each_round() -> None:
    seconds = {"rmtsim": (1.0, 2.0, 4.0), "plain": (2.0, 6.0, 4.0), "slow": (20.0,)}
    outcome = alternation.Outcome("work", "unit", seconds)
    assert outcome.ratios("plain") == (1.0, 2.0, 3.0)
    assert outcome.ratios("slow") == (10.0, 10.0, 10.0)


def test_contenders_alternate_and_slow_ones_run_once() -> None:
    order: list[str] = []
    contenders = {
        name: alternation.Contender(lambda name=name: order.append(name)) for name in ("rmtsim", "a", "b")
    }
    outcome = alternation.measure(alternation.Contest("w", "u", contenders, frozenset({"b"})), rounds=3)
    assert order.count("b") == 1
    assert order[-1] == "b"
    changes = [name for name, before in zip(order[1:], order, strict=False) if name != before]
    assert changes[-7:] == ["rmtsim", "a", "rmtsim", "a", "rmtsim", "a", "b"]
    assert [len(outcome.seconds[name]) for name in ("rmtsim", "a", "b")] == [3, 3, 1]


def test_refusals_name_the_argument() -> None:
    with pytest.raises(ValueError, match="contenders: expected one named 'rmtsim', got a"):
        alternation.measure(contest(a=1))
    with pytest.raises(ValueError, match="rounds: expected at least 1, got 0"):
        alternation.measure(contest(rmtsim=1), rounds=0)


def test_plain_closed_forms_are_the_hessian_of_the_model() -> None:
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(30, 5)), rng.integers(0, 4, 30)
    W, V = rng.normal(size=(3, 5)), rng.normal(size=(4, 3))
    expected = HiddenModel(W, V).hessian(X, y)
    h = np.maximum(X @ W.T, 0)
    # Each entry is a mean of products of p, of V twice, and of X twice, each of which rounds.
    terms = (np.abs(X).max() * (1 + np.abs(V).max())) ** 2 * max(np.abs(h).max(), 1) ** 2
    bound = (4 * rounding.probabilities(h, V) + 2 * 30 * rounding.EPS) * terms
    np.testing.assert_allclose(plain.hidden_hessian(X, y, W, V), expected, rtol=0, atol=bound)


def test_a_plain_trial_counts_every_eigenvalue() -> None:
    assert plain.trial(40, 20, 20, "float32", np.array([-1.0, 0.0, 100.0]))().sum() == 20


def test_stages_add_up_to_about_the_trial() -> None:
    *parts, whole = stages.profile(60, rounds=1)
    assert whole.name == "whole trial"
    assert all(stage.milliseconds > 0 for stage in (*parts, whole))


def test_a_report_names_the_machine_and_goes_to_json() -> None:
    made = bench.run({"nothing": lambda: contest(rmtsim=1, other=1)}, rounds=2)
    assert made.machine["processor"]
    assert "numpy" in made.machine["packages"]
    mapping = json.loads(json.dumps(made.to_mapping()))
    assert len(mapping["comparisons"]["nothing"]["ratios"]["other"]) == 3


def test_the_command_makes_the_comparisons_named(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rmtsim", "bench"]
    options = ["normals-float32", "--rounds", "1", "--json", "out.json"]
    done = subprocess.run(
        command + options, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True
    )
    assert "normals, float32" in done.stdout
    assert set(json.loads((tmp_path / "out.json").read_text())["comparisons"]) == {"normals-float32"}
    refused = subprocess.run([*command, "nothing"], capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 2
    assert "NAME: expected one of default-linear-ce" in refused.stderr


def test_scaling_of_a_cell_with_workers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    small = {"architecture": "linear", "loss": "mse", "n_features": 20, "n_classes": 5}
    monkeypatch.setattr(workers, "CELLS", {"a small cell": small})
    monkeypatch.setattr(workers, "default_workers", lambda: 2)
    monkeypatch.setattr(workers, "BATCH_SECONDS", 0.2)
    monkeypatch.setattr(batches, "BATCH_SECONDS", 0.005)
    (scaling,) = workers.scalings(rounds=1)
    assert scaling.trials > 1
    assert scaling.serial > 0
    assert scaling.seconds > 0
    assert 1 <= scaling.modelled <= 2 + 1e-9
    assert scaling.modelled <= scaling.many <= 64 + 1e-9
    assert scaling.measured > 0
    assert main(["bench", "--workers", "--rounds", "1"]) == 0
    assert "a small cell" in capsys.readouterr().out
    assert main(["bench", "--workers", "normals-float64"]) == 2


def test_a_table_has_one_width_whoever_wins() -> None:
    lines = report.HEADER.splitlines()
    for seconds in ((2e-9, 3e-9), (0.5, 400.0)):
        outcome = alternation.Outcome("the work", "trial", {"rmtsim": seconds[:1], "plain": seconds[1:]})
        lines += report.format_outcome(outcome).splitlines()
    assert [line.rstrip()[58:] for line in lines] == [
        "          time   times the time of rmtsim",
        "        median      min   median      max",
        "",
        "          2 ns",
        "          3 ns     1.50     1.50     1.50",
        "",
        "        500 ms",
        "        400 s    800.00   800.00   800.00",
    ]
