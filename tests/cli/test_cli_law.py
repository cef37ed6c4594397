"""``rmtsim law`` in one process: what it prints, tabulates and draws."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from rmtsim.cli import main
from rmtsim.laws import MarchenkoPastur


def test_prints_the_marchenko_pastur_law(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["law", "linear-mse", "--block", "vv_diag", "--aspect-ratio", "0.25"]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines() == [
        "linear-mse vv_diag, aspect ratio d/N = 0.25",
        "support    [0.25, 2.25]",
        "atom at 0  0",
        "moments    m_1 1  m_2 1.25  m_3 1.8125  m_4 2.890625",
        "outliers   none",
    ]


def test_prints_the_outliers_of_gated_samples(capsys: pytest.CaptureFixture[str]) -> None:
    """Edge 0.52361 and outlier 0.53769 at gamma = 0.05: theory.md (3.5)."""
    assert main(["law", "hidden-mse", "--block", "ww_off", "--aspect-ratio", "0.05"]) == 0
    printed = capsys.readouterr().out
    assert "0.52360" in printed
    assert "0.53769" in printed


def test_v_may_be_given_or_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["law", "hidden-ce", "--block", "ww_diag", "--aspect-ratio", "0.5"]
    assert main([*common, "--classes", "3", "--hidden", "2", "--seed", "4"]) == 0
    drawn = capsys.readouterr().out
    np.save(tmp_path / "V.npy", np.random.default_rng(1).normal(size=(3, 2)))
    assert main([*common, "--V", str(tmp_path / "V.npy")]) == 0
    assert capsys.readouterr().out != drawn
    assert main(common) == 2
    assert "expected --classes and --hidden to draw V, or --V" in capsys.readouterr().err
    (tmp_path / "V.txt").write_text("1 2 3")
    assert main([*common, "--V", str(tmp_path / "V.txt")]) == 2
    assert "--V: expected a file written by numpy.save, got" in capsys.readouterr().err


UNFIT = {
    "complex": (
        np.ones((3, 2)) + 1j,
        [],
        "expected a matrix (C, m) of real numbers, got complex128 of shape",
    ),
    "words": (
        np.array(["a", "b"]),
        [],
        "--V: expected a matrix (C, m) of real numbers, got <U1 of shape (2,)",
    ),
    "classes": (np.eye(3, 2), ["--classes", "4"], "--classes: expected none beside --V, or its 3, got 4"),
    "infinite": (
        np.eye(3, 2),
        ["--classes", "inf"],
        "--classes: expected none beside --V, or its 3, got inf",
    ),
    "width": (np.eye(3, 2), ["--hidden", "3"], "--hidden: expected none beside --V, or its 2, got 3"),
    "one unit": (np.eye(3, 1), [], "--block: expected ww_diag of 1 hidden unit, ww_off is of two"),
}


@pytest.mark.parametrize("case", UNFIT)
def test_a_v_that_does_not_fit_is_refused(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    array, options, message = UNFIT[case]
    np.save(tmp_path / "V.npy", array)
    common = [
        "law",
        "hidden-ce",
        "--block",
        "ww_off",
        "--aspect-ratio",
        "0.5",
        "--V",
        str(tmp_path / "V.npy"),
    ]
    assert main([*common, *options]) == 2
    assert message in capsys.readouterr().err


def test_help_and_refusal_of_infinitely_many_classes_agree(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["law", "--help"])
    assert "inf for linear-ce alone" in " ".join(capsys.readouterr().out.split())
    common = ["--aspect-ratio", "0.5", "--classes", "inf"]
    assert main(["law", "hidden-ce", "--block", "ww_off", "--hidden", "4", *common]) == 2
    assert "finite number for hidden-ce" in (error := capsys.readouterr().err)
    assert "inf is for linear-ce" in error
    assert main(["law", "linear-ce", "--block", "vv_off", *common]) == 0
    assert "of C H_cc (diagonal) or -C^2 H_ce (off-diagonal)" in capsys.readouterr().out
    # The law of an mse model does not depend on C and has no such units.
    assert main(["law", "hidden-mse", "--block", "ww_off", *common]) == 0
    assert "C H_cc" not in capsys.readouterr().out


def test_a_v_beyond_memory_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    common = ["law", "hidden-ce", "--block", "ww_off", "--aspect-ratio", "0.5", "--hidden", "4"]
    assert main([*common, "--classes", str(10**14)]) == 2
    assert "--classes: expected a V that fits into memory" in capsys.readouterr().err


def test_the_point_mass_has_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["law", "linear-mse", "--block", "vv_off", "--aspect-ratio", "0.5"]
    assert main(common) == 0
    assert "support    none" in capsys.readouterr().out
    assert main([*common, "--table", str(tmp_path / "x.csv")]) == 2
    assert "--table: expected a law with a density" in capsys.readouterr().err
    assert not (tmp_path / "x.csv").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--draw", "2", "--table", "x.csv"], "not allowed with"),
        (["--draw", "2", "--seed", "-1"], "--seed: expected an integer of at least 0"),
    ],
)
def test_options_that_cannot_be_are_refused(
    options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refusal:
        main(["law", "linear-mse", "--block", "vv_diag", "--aspect-ratio", "0.5", *options])
    assert refusal.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["csv", "h5"])
def test_tables_hold_the_density_and_the_cdf(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"law.{suffix}"
    common = ["law", "linear-mse", "--block", "vv_diag", "--aspect-ratio", "2", "--table", str(path)]
    assert main([*common, "--points", "50"]) == 0
    if suffix == "csv":
        x, density, cdf = np.loadtxt(path, delimiter=",", skiprows=1, unpack=True)
        assert path.read_text().splitlines()[0] == "x,density,cdf"
    else:
        with h5py.File(path) as file:
            x, density, cdf = (file[name][:] for name in ("x", "density", "cdf"))
            assert file.attrs["atom"] == 0.5
    law = MarchenkoPastur(2)
    np.testing.assert_allclose(density, law.pdf(x), rtol=1e-15)
    np.testing.assert_allclose(cdf, law.cdf(x), rtol=1e-15)
    before = path.read_bytes()
    assert main(common) == 2
    assert path.read_bytes() == before


def test_draws_follow_the_law(capfd: pytest.CaptureFixture[str]) -> None:
    common = ["law", "linear-mse", "--block", "vv_diag", "--aspect-ratio", "0.5"]
    assert main([*common, "--draw", "400", "--seed", "7"]) == 0
    draws = np.array(capfd.readouterr().out.split(), dtype=float)
    # Mean 1 and variance gamma of the law: five standard errors.
    assert len(draws) == 400
    assert abs(draws.mean() - 1) < 5 * np.sqrt(0.5 / 400)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["linear-ce", "--block", "vv_diag"], "--classes"),
        (["linear-mse", "--block", "ww_off"], "block"),
        (["linear-mse", "--block", "vv_diag", "--table", "x.txt"], "--table"),
    ],
)
def test_bad_requests_are_refused(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["law", *arguments, "--aspect-ratio", "0.5"]) == 2
    assert words in capsys.readouterr().err


def test_a_ratio_that_is_not_positive_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["law", "linear-mse", "--block", "vv_diag", "--aspect-ratio", "0"]) == 2
    assert "aspect_ratio: expected" in capsys.readouterr().err


def test_laws_of_other_activations_and_scales(capsys: pytest.CaptureFixture[str]) -> None:
    """Weights of the linear model grow like the scale for few classes; those of tanh have both signs."""
    common = ["law", "hidden-mse", "--block", "ww_diag", "--aspect-ratio", "0.5", "--activation", "tanh"]
    assert main([*common, "--classes", "5", "--hidden", "2", "--w-std", "1.5"]) == 0
    support = capsys.readouterr().out.split("support")[1].split("]")[0]
    assert float(support.split("[")[1].split(",")[0]) < 0
    assert main(common) == 2
    assert "V: expected the output weights" in capsys.readouterr().err
    linear = ["law", "linear-ce", "--block", "vv_diag", "--aspect-ratio", "0.5", "--classes", "10"]
    assert main([*linear, "--activation", "tanh"]) == 2
    assert "--activation: expected none of a linear model, got tanh" in capsys.readouterr().err
    assert main([*linear, "--v-std", "2"]) == 0
