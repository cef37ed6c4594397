"""Experiments: what is accepted, what is refused and how, and that text, digest and grid are canonical."""

import hashlib
import pickle
import random
import time
import tomllib
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from rmtsim.batch import plan as capacity
from rmtsim.experiment import Experiment, ExperimentError, Grid, Measure, Networks
from rmtsim.experiment.toml import dumps
from rmtsim.models import ARCHITECTURES, BLOCKS
from rmtsim.statistics import STATISTICS

TEXT = """
name = "static-force"
seed = 20250505
trials = 200

[model]
architecture = ["linear", "hidden"]
loss = ["mse", "ce"]

[grid]
n_features = [200, 400]
aspect_ratio = 0.5
n_classes = [10, 100, 1000]
n_hidden = [8, 16]

[measure]
blocks = ["ww_diag", "vv_diag", "vv_off"]
statistics = ["histogram", "moments"]
bins = 50
method = "auto"
precision = "float64"
range = { vv_diag = [0, 2.5] }
"""

CANONICAL = """\
name = "static-force"
seed = 20250505
trials = 200

[model]
architecture = ["linear", "hidden"]
loss = ["mse", "ce"]
v_draw = "trial"

[grid]
n_features = [200, 400]
n_classes = [10, 100, 1000]
aspect_ratio = 0.5
n_hidden = [8, 16]

[measure]
blocks = ["ww_diag", "vv_diag", "vv_off"]
statistics = ["histogram", "moments"]
bins = 50
method = "auto"
precision = "float64"

[measure.range]
vv_diag = [0.0, 2.5]
"""

LINEAR = {
    "name": "linear",
    "seed": 1,
    "trials": 3,
    "model": {"architecture": "linear", "loss": "ce"},
    "grid": {"n_features": 6, "n_samples": 9, "n_classes": 4},
}
EXPERIMENTS = sorted((Path(__file__).parents[2] / "data" / "experiments").glob("*.toml"))


def linear(**tables):
    """Build the linear experiment with some values replaced, or left out where None."""
    mapping = {key: dict(value) if isinstance(value, dict) else value for key, value in LINEAR.items()}
    for name, change in tables.items():
        if isinstance(change, dict):
            mapping[name] = {k: v for k, v in {**mapping.get(name, {}), **change}.items() if v is not None}
        else:
            mapping[name] = change
    return Experiment.from_mapping(mapping)


# ---- text, digest -------------------------------------------------------------------------------


def test_canonical_text():
    experiment = Experiment.from_text(TEXT)
    assert experiment.to_toml() == CANONICAL
    assert experiment.digest == hashlib.sha256(CANONICAL.encode()).hexdigest()
    assert Experiment.from_text(CANONICAL) == experiment


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "aspect_ratio = 0.5\nn_classes = [10, 100, 1000]",
            "n_classes = [10, 100, 1000]\naspect_ratio = [0.5]",
        ),
        ('["ww_diag", "vv_diag", "vv_off"]', '["vv_off", "ww_diag", "vv_diag"]'),
        ('["histogram", "moments"]', '["moments", "histogram"]'),
        ('method = "auto"\nprecision = "float64"', ""),
        ("[0, 2.5]", "[0.0, 2.50]"),
    ],
)
def test_same_content_has_the_same_digest(old, new):
    assert old in TEXT
    assert Experiment.from_text(TEXT.replace(old, new)).digest == Experiment.from_text(TEXT).digest


@pytest.mark.parametrize(
    ("old", "new"), [("20250505", "20250506"), ("trials = 200", "trials = 201"), ("[8, 16]", "[16, 8]")]
)
def test_other_content_has_another_digest(old, new):
    assert old in TEXT
    assert Experiment.from_text(TEXT.replace(old, new)).digest != Experiment.from_text(TEXT).digest


def test_random_experiments_read_back():
    rng = random.Random(1)
    for _ in range(100):
        sizes = {key: rng.sample(range(2, 5000), rng.randint(1, 4)) for key in ("n_features", "n_classes")}
        ratio = rng.choice(
            [{"n_samples": rng.sample(range(1, 99), 2)}, {"aspect_ratio": rng.lognormvariate(0, 2)}]
        )
        experiment = Experiment(
            name=f"r{rng.random()}",
            seed=rng.randrange(2**64),
            trials=rng.randint(1, 2**32 - 16),
            model=Networks(("hidden",), tuple(rng.sample(["mse", "ce"], 2)), rng.choice(["trial", "cell"])),
            grid=Grid(**sizes, **ratio, n_hidden=rng.randint(2, 9)),
            measure=Measure(
                rng.sample(list(BLOCKS), 3), rng.sample(list(STATISTICS), 2), rng.randint(1, 999)
            ),
        )
        again = Experiment.from_text(experiment.to_toml())
        assert again == experiment
        assert again.digest == experiment.digest
        assert again.cells == experiment.cells


def test_experiments_survive_pickling():
    experiment = Experiment.from_text(TEXT)
    assert pickle.loads(pickle.dumps(experiment)) == experiment
    assert hash(experiment) == hash(Experiment.from_text(TEXT))


def test_toml_writer_against_the_standard_reader():
    table = {
        "text": 'quote " backslash \\ tab \t é',
        "small": 5e-324,
        "large": 1.7976931348623157e308,
        "third": 1 / 3,
        "big": 2**64 - 1,
        "flag": True,
        "list": [1, 2.5, -3],
        "table": {"a": 1, "inner": {"b": [False]}},
    }
    assert tomllib.loads(dumps(table)) == table


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_shipped_experiments(path):
    experiment = Experiment.from_toml(path)
    assert experiment.name == path.stem
    assert path.read_text().startswith("# ")
    assert Experiment.from_text(experiment.to_toml()) == experiment


def test_shipped_experiments_are_all_there():
    expected = {"quickstart", "linear-ce", "hidden-mse", "hidden-ce", "class-scaling"}
    assert expected <= {path.stem for path in EXPERIMENTS}
    seeds = [Experiment.from_toml(path).seed for path in EXPERIMENTS]
    assert len(set(seeds)) == len(seeds)  # else two experiments would share random numbers


# ---- grid, cells, schema ------------------------------------------------------------------------


def test_cells_are_the_product_in_declared_order():
    cells = Experiment.from_text(TEXT).cells
    expected = []
    for architecture, loss, d in product(["linear", "hidden"], ["mse", "ce"], [200, 400]):
        for C in [10, 100, 1000]:
            for m in [None] if architecture == "linear" else [8, 16]:
                expected.append((architecture, loss, d, 2 * d, C, m))
    found = [(c.architecture, c.loss, c.n_features, c.n_samples, c.n_classes, c.n_hidden) for c in cells]
    assert found == expected
    assert [c.index for c in cells] == list(range(len(expected)))
    assert {c.blocks for c in cells if c.architecture == "linear"} == {("vv_diag", "vv_off")}
    assert {c.blocks for c in cells if c.architecture == "hidden"} == {("ww_diag", "vv_diag", "vv_off")}


@pytest.mark.parametrize(
    ("d", "gamma", "N"), [(10, 3.0, 3), (10, 4.0, 2), (10, 20.5, 1), (1, 100.0, 1), (7, 0.3, 23), (3, 2.0, 2)]
)
def test_samples_are_rounded_and_the_cell_keeps_the_real_ratio(d, gamma, N):
    (cell,) = linear(grid={"n_features": d, "aspect_ratio": gamma, "n_samples": None}).cells
    assert cell.n_samples == N
    assert cell.aspect_ratio == d / N


def test_numpy_scalars_are_numbers():
    experiment = Experiment(
        name="numpy",
        seed=np.uint64(3),
        trials=np.int32(2),
        model=Networks("linear", "mse"),
        grid=Grid(n_features=[np.int64(4)], n_classes=2, aspect_ratio=np.float32(0.5)),
    )
    assert Experiment.from_text(experiment.to_toml()) == experiment


def test_default_blocks_are_those_that_exist():
    assert linear().cells[0].blocks == ARCHITECTURES["linear"].blocks
    assert linear(grid={"n_classes": [1, 5]}).measure.blocks == ("vv_diag",)
    hidden = {"model": {"architecture": "hidden"}}
    assert linear(**hidden, grid={"n_hidden": 3}).cells[0].blocks == ARCHITECTURES["hidden"].blocks
    assert linear(**hidden, grid={"n_hidden": [1, 3]}).cells[1].blocks == ("ww_diag", "vv_diag", "vv_off")


def test_schema():
    experiment = linear(
        model={"architecture": ["linear", "hidden"]},
        grid={"n_hidden": 3},
        measure={"statistics": list(STATISTICS), "bins": 7},
    )
    in_linear, in_hidden = (experiment.schema(cell) for cell in experiment.cells)
    assert {name: tuple(field[:3]) for name, field in in_linear.items()} == {
        "scale": ((2,), "float64", ("block",)),
        "moments": ((2, 4), "float64", ("block", "moment")),
        "extremes": ((2, 2), "float64", ("block", "extreme")),
        "histogram": ((2, 7), "int64", ("block", "bin")),
        "outside": ((2, 2), "int64", ("block", "side")),
        "eigenvalues_vv_diag": ((6,), "float64", ("index_vv_diag",)),
        "eigenvalues_vv_off": ((6,), "float64", ("index_vv_off",)),
        "masses": ((2,), "float64", ("part",)),
        "log_determinant": ((2,), "float64", ("block",)),
    }
    assert in_hidden["histogram"].shape == (4, 7)
    assert in_hidden["masses"].shape == (5,)
    assert in_hidden["eigenvalues_ww_off"].shape == (6,)  # d
    assert in_hidden["eigenvalues_vv_off"].shape == (3,)  # m
    only = linear(measure={"statistics": "masses"})
    assert list(only.schema(only.cells[0])) == ["scale", "masses"]


def test_coordinates_label_every_axis():
    experiment = linear(measure={"statistics": list(STATISTICS), "bins": 7})
    (cell,) = experiment.cells
    labels = experiment.coordinates(cell)
    for shape, _, dimensions, _ in experiment.schema(cell).values():
        assert [len(labels[name]) for name in dimensions] == list(shape)
    assert len(labels["edge"]) == 8


def test_differences_name_the_keys():
    base = linear()
    assert base.differences(linear()) == {}
    other = linear(trials=4, grid={"n_classes": [4, 5]})
    assert base.differences(other) == {"trials": (3, 4), "grid.n_classes": (4, [4, 5])}
    ratio = linear(grid={"n_samples": None, "aspect_ratio": 2.0})
    assert base.differences(ratio) == {"grid.n_samples": (9, None), "grid.aspect_ratio": (None, 2.0)}


# ---- refusals -----------------------------------------------------------------------------------

HIDDEN = {"architecture": "hidden"}
BOTH = {"architecture": ["linear", "hidden"]}
BAD = [
    # change, key, expected, got
    ({"name": ""}, "name", "letters, digits", 'string ""'),
    ({"name": "a/b"}, "name", "letters, digits", '"a/b"'),
    ({"name": 3}, "name", "letters, digits", "integer 3"),
    ({"seed": -1}, "seed", "from 0 to 18446744073709551615", "integer -1"),
    ({"seed": 2**64}, "seed", "from 0 to 18446744073709551615", "18446744073709551616"),
    ({"seed": 1.0}, "seed", "an integer", "float 1.0"),
    ({"trials": 0}, "trials", "from 1 to 4294967280", "integer 0"),
    ({"trials": 2**32}, "trials", "from 1 to 4294967280", "4294967296"),
    ({"trials": True}, "trials", "an integer", "boolean true"),
    ({"trials": [1]}, "trials", "an integer", "array [1]"),
    ({"trails": 3}, "trails", '"trials"', 'unknown key "trails"'),
    ({"xyzzy": 3}, "xyzzy", 'one of "name", "seed"', 'unknown key "xyzzy"'),
    ({"model": 3}, "model", "a table", "integer 3"),
    ({"model": {"loss": None}}, "model.loss", "a value", "none"),
    ({"model": {"loss": "mae"}}, "model.loss", 'one of "mse", "ce"', 'string "mae"'),
    ({"model": {"loss": "xyzzy"}}, "model.loss", 'one of "mse", "ce"', '"xyzzy"'),
    ({"model": {"loss": ["ce", 1]}}, "model.loss", "one of", "integer 1"),
    ({"model": {"loss": ["ce", "ce"]}}, "model.loss", "different values", "'ce' twice"),
    ({"model": {"architecture": "hiden"}}, "model.architecture", 'one of "linear", "hidden"', '"hiden"'),
    ({"model": {"architecture": []}}, "model.architecture", "at least one value", "an empty array"),
    ({"model": {"bias": True}}, "model.bias", "one of", 'unknown key "bias"'),
    ({"model": {"activation": "tanh"}}, "model.activation", "none, the model is linear", '"tanh"'),
    ({"model": {"activation": "swish"}}, "model.activation", 'one of "relu"', '"swish"'),
    ({"model": {"slope": 0.1}}, "model.slope", "none", "0.1"),
    ({"model": {"v_draw": "once"}}, "model.v_draw", 'one of "trial", "cell"', '"once"'),
    ({"model": {"v_draw": "cell"}}, "model.v_draw", '"trial", the model is linear', '"cell"'),
    ({"grid": {"n_feature": 3}}, "grid.n_feature", '"n_features"', 'unknown key "n_feature"'),
    ({"grid": {"n_features": 0}}, "grid.n_features", "from 1 to", "integer 0"),
    ({"grid": {"n_features": -5}}, "grid.n_features", "from 1 to", "integer -5"),
    ({"grid": {"n_features": 2**32}}, "grid.n_features", "to 4294967295", "4294967296"),
    ({"grid": {"n_features": "200"}}, "grid.n_features", "an integer", 'string "200"'),
    ({"grid": {"n_features": [6, 7.0]}}, "grid.n_features", "an integer", "float 7.0"),
    ({"grid": {"n_features": []}}, "grid.n_features", "at least one value", "an empty array"),
    ({"grid": {"n_features": [6, 7, 6]}}, "grid.n_features", "different values", "6 twice"),
    ({"grid": {"n_features": [[6]]}}, "grid.n_features", "an integer", "array [6]"),
    ({"grid": {"n_features": None}}, "grid.n_features", "a value", "none"),
    ({"grid": {"n_classes": 0}}, "grid.n_classes", "from 1 to", "integer 0"),
    ({"grid": {"n_classes": 2**32 - 1}}, "grid.n_classes", "to 16777216", "4294967295"),
    ({"grid": {"n_classes": True}}, "grid.n_classes", "an integer", "boolean true"),
    ({"grid": {"n_hidden": 8}}, "grid.n_hidden", "no width, the model is linear", "[8]"),
    ({"model": HIDDEN}, "grid.n_hidden", "a width for the hidden model", "none"),
    ({"model": HIDDEN, "grid": {"n_hidden": 0}}, "grid.n_hidden", "from 1 to", "integer 0"),
    ({"grid": {"n_samples": None}}, "grid", "exactly one of n_samples and aspect_ratio", "neither"),
    ({"grid": {"aspect_ratio": 0.5}}, "grid", "exactly one of n_samples and aspect_ratio", "both"),
    *(
        ({"grid": {"n_samples": None, "aspect_ratio": value}}, "grid.aspect_ratio", expected, got)
        for value, expected, got in [
            (0, "a finite number above 0", "integer 0"),
            (-0.5, "a finite number above 0", "float -0.5"),
            (float("nan"), "a finite number above 0", "float nan"),
            (float("inf"), "a finite number above 0", "float inf"),
            (True, "a finite number above 0", "boolean true"),
            (10**400, "a finite number above 0", "integer 1000"),
            ("0.5", "a finite number above 0", 'string "0.5"'),
            (1e-300, "at most 2^32 - 1 samples", "1e-300 for 6 features"),
            (5e-324, "at most 2^32 - 1 samples", "5e-324 for 6 features"),
            ([20, 30.0], "ratios that differ once", "[1, 1] for n_features = 6"),
        ]
    ),
    ({"measure": {"bins": 0}}, "measure.bins", "from 1 to 1048576", "integer 0"),
    ({"measure": {"bins": 10.0}}, "measure.bins", "an integer", "float 10.0"),
    ({"measure": {"statistics": ["moment"]}}, "measure.statistics", 'one of "histogram"', '"moment"'),
    ({"measure": {"statistics": []}}, "measure.statistics", "at least one value", "an empty array"),
    ({"measure": {"method": "lanczos"}}, "measure.method", "one of", '"lanczos"'),
    ({"measure": {"precision": "float16"}}, "measure.precision", 'one of "float64", "float32"', '"float16"'),
    ({"measure": {"blocks": "vv_dia"}}, "measure.blocks", 'one of "ww_diag", "ww_off"', '"vv_dia"'),
    ({"measure": {"blocks": ["ww_diag", "vv_off"]}}, "measure.blocks", 'one of "vv_diag"', '"ww_diag"'),
    ({"measure": {"blocks": "vv_off"}, "grid": {"n_classes": [1, 4]}}, "measure.blocks",
     'n_classes of at least 2 for "vv_off"', "1"),
    ({"measure": {"blocks": "ww_off"}, "model": HIDDEN, "grid": {"n_hidden": 1}}, "measure.blocks",
     'n_hidden of at least 2 for "ww_off"', "1"),
    ({"measure": {"blocks": "ww_off"}, "model": BOTH, "grid": {"n_hidden": 2}}, "measure.blocks",
     "a block of the linear model", "['ww_off']"),
    ({"measure": {"range": [0, 1]}}, "measure.range", "a table of blocks", "array [0, 1]"),
    ({"measure": {"range": {"vv": [0, 1]}}}, "measure.range.vv", '"vv_off"', 'unknown key "vv"'),
    ({"measure": {"range": {"ww_diag": [0, 1]}}}, "measure.range.ww_diag", '"vv_diag"', "unknown key"),
    ({"measure": {"range": {"vv_off": [1, 1]}}}, "measure.range.vv_off", "low < high", "array [1, 1]"),
    ({"measure": {"range": {"vv_off": [1]}}}, "measure.range.vv_off", "two numbers", "array [1]"),
    ({"measure": {"range": {"vv_off": [0, 5e-324]}}}, "measure.range.vv_off", "room for 200 bins", "5e-324"),
    ({"measure": {"range": {"vv_off": [0, float("inf")]}}}, "measure.range.vv_off", "a finite number", "inf"),
    ({"measure": {"range": {"vv_off": [0, 1]}, "statistics": "masses"}}, "measure.range",
     'only where "histogram"', "table"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "key", "expected", "got"), BAD)
def test_refusals_name_key_expected_and_got(change, key, expected, got):
    with pytest.raises(ExperimentError) as caught:
        linear(**change)
    error = caught.value
    assert error.key == key
    assert expected in error.expected
    assert got in error.got
    assert str(error) == f"{key}: expected {error.expected}, got {error.got}"
    assert "\n" not in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_too_many_cells_are_refused_before_they_are_built():
    many = list(range(1, 3000))
    with pytest.raises(ExperimentError, match=r"at most 10000 cells, got 26973008999"):
        linear(grid={"n_features": many[:2999], "n_classes": many[:2999], "n_samples": many[:2999]})


MANY = list(range(1, 50_001))


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"n_classes": MANY}, "at most 10000 cells, got 50000"),
        ({"n_classes": [*MANY, 1]}, "different values, got 1 twice"),
        (
            {"n_samples": None, "aspect_ratio": [i / 1000 for i in MANY], "n_features": 10},
            "at most 10000 cells, got 50000",
        ),
        ({"n_samples": None, "aspect_ratio": [i / 1000 for i in MANY[:5000]]}, "got n_samples = .{,99}$"),
        ({"n_samples": None, "aspect_ratio": MANY, "n_features": MANY}, "got 2500000000"),
        ({"n_features": [str(i) for i in MANY]}, "expected an integer"),
    ],
)
def test_long_lists_are_refused_at_once(grid, message):
    start = time.process_time()
    with pytest.raises(ExperimentError, match=message):
        linear(grid=grid)
    assert time.process_time() - start < 1  # quadratic in the length it would be half a minute


def test_the_largest_grid_is_accepted_at_once():
    start = time.process_time()
    experiment = linear(grid={"n_classes": MANY[:10_000]})
    assert Experiment.from_text(experiment.to_toml()) == experiment
    assert len(experiment.cells) == 10_000
    capacity.check(experiment)
    assert time.process_time() - start < 2


def test_texts_are_bounded(tmp_path):
    path = tmp_path / "long.toml"
    path.write_text("#" * 2**21)
    with pytest.raises(ExperimentError, match="expected at most 1048576 bytes, got more"):
        Experiment.from_toml(path)
    with pytest.raises(ExperimentError, match="expected TOML, got arrays or tables nested too deeply"):
        Experiment.from_text("a = " + "[" * 100_000)
    with pytest.raises(ExperimentError) as caught:
        Experiment.from_text("x" * 100_000 + " = 1")
    assert len(str(caught.value)) < 300


def test_tables_are_checked_when_built_in_python():
    with pytest.raises(ExperimentError, match=r"grid\.n_features: expected an integer"):
        Grid(n_features=1.5, n_classes=2, n_samples=3)
    with pytest.raises(ExperimentError, match=r"grid: expected a Grid, got the table"):
        Experiment("x", 1, 1, Networks("linear", "ce"), {"n_features": 3})


def test_refusals_of_a_file_name_it(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text(TEXT.replace("trials", "trails"))
    with pytest.raises(ExperimentError, match=r"bad\.toml: trails: expected \"trials\", got the unknown key"):
        Experiment.from_toml(path)
    path.write_text("name = ")
    with pytest.raises(ExperimentError, match=r"bad\.toml: file: expected TOML, got Invalid value \(at"):
        Experiment.from_toml(path)
    path.write_text("seed = " + 5000 * "1")
    with pytest.raises(ExperimentError, match=r"bad\.toml: file: expected TOML, got Exceeds the limit"):
        Experiment.from_toml(path)
    path.write_bytes(b'name = "\xff"')
    with pytest.raises(
        ExperimentError, match=r"bad\.toml: file: expected UTF-8 text, got invalid start byte at 8"
    ):
        Experiment.from_toml(path)
    with pytest.raises(
        ExperimentError, match=r"none\.toml: file: expected a readable file, got No such file"
    ):
        Experiment.from_toml(tmp_path / "none.toml")
    with pytest.raises(ExperimentError, match="expected a readable file, got Is a directory"):
        Experiment.from_toml(tmp_path)
