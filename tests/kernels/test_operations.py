"""The contract of operations: every one, on every device, against the plain NumPy reference."""

import doctest
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rmtsim import kernels
from rmtsim.kernels.operations import GROUPS
from rmtsim.verify import cases

ROOT = Path(__file__).parents[2]
SIZES = (0, 1, 7, 33)
PRECISIONS = ("float32", "float64")
HELD = [(device, name) for device in kernels.DEVICES for name in kernels.OPERATIONS]
DRAWING = ("uniforms", "normals", "labels")
"""Operations whose first argument, a stream, may be an integer too."""


def bare(device: str, name: str) -> Callable:
    """The function of a device that an operation calls."""
    (group,) = (group for group, names in GROUPS.items() if name in names)
    return getattr(importlib.import_module(f"rmtsim.kernels.{device}.{group}"), name)


def parameters(function: Callable) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


@pytest.mark.parametrize("name", kernels.OPERATIONS)
def test_an_operation_has_a_case_and_a_documentation(name: str) -> None:
    operation = getattr(kernels.Operations, name)
    assert name in cases.CASES
    described = operation.__doc__.partition("Parameters")[2]
    documented = re.findall(r"^        ([\w, ]+?)(?: :|$)", described, re.M)
    assert set(parameters(operation)) <= {word for names in documented for word in names.split(", ")}
    for section in ("Parameters", "Returns"):
        assert f"{section}\n        {'-' * len(section)}" in operation.__doc__


def test_what_operations_raise_is_said_once_for_all() -> None:
    raised = kernels.Operations.__doc__.partition("Raises\n")[2]
    assert [error for error in ("TypeError", "ValueError", "DeviceError") if error in raised] == [
        "TypeError",
        "ValueError",
        "DeviceError",
    ]


def test_no_case_is_of_no_operation() -> None:
    assert set(cases.CASES) == set(kernels.OPERATIONS)


@pytest.mark.parametrize(("device", "name"), HELD)
def test_a_bare_function_takes_the_parameters_of_its_operation(device: str, name: str) -> None:
    assert parameters(bare(device, name)) == parameters(getattr(kernels.Operations, name))


@pytest.mark.parametrize("device", kernels.DEVICES)
def test_a_device_is_loaded_once_and_says_what_it_lacks(device: str) -> None:
    ops = kernels.load(device)
    assert ops is kernels.load(device)
    assert (ops.device, ops.lacks) == (device, ())
    assert repr(ops) == f"Operations({device!r})"


def test_what_a_device_lacks_is_refused_when_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference without one function, and without all of a group."""
    monkeypatch.delattr("rmtsim.kernels.reference.random.normals")
    ops = kernels.Operations("reference")
    assert ops.lacks == ("normals",)
    assert ops.uniforms(1, 0, 2).shape == (2,)
    with pytest.raises(kernels.DeviceError, match=r"^device reference has no operation normals$"):
        ops.normals(1, 0, 2)
    with pytest.raises(ValueError, match="start: expected an integer"):
        ops.normals(1, -1, 2)


def test_a_device_may_have_few_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with the module of one group is a device already."""
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "__init__.py").touch()
    (tmp_path / "tiny" / "weights.py").write_text(
        "def gated_weights(a_row, a_col, factor, *phi): return factor\n"
    )
    monkeypatch.setattr(kernels, "__path__", [*kernels.__path__, str(tmp_path)])
    ops = kernels.Operations("tiny")
    assert set(ops.lacks) == set(kernels.OPERATIONS) - {"gated_weights"}
    assert ops.gated_weights([1.0], [1.0], 2.0) == [2.0]


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize(("device", "name"), [pair for pair in HELD if pair[0] != "reference"])
def test_parity_with_the_reference(device: str, name: str, n: int, precision: str) -> None:
    assert cases.parity(kernels.load(device), name, n, precision) <= 1


def _strided(value: object) -> object:
    """The same numbers in an array that is contiguous in neither order, and read-only."""
    if not isinstance(value, np.ndarray):
        return value
    spread = np.zeros(tuple(2 * length for length in value.shape), value.dtype)
    view = spread[tuple(slice(None, None, 2) for _ in value.shape)]
    view[...] = value
    view.flags.writeable = False
    return view


@pytest.mark.parametrize(("device", "name"), HELD)
def test_strided_read_only_input_gives_the_same_bits_and_input_is_left_alone(device: str, name: str) -> None:
    ops, given = kernels.load(device), cases.arguments(name, 9, "float64")
    kept = [np.copy(value) if isinstance(value, np.ndarray) else value for value in given]
    wanted = cases.results(ops, name, given)
    for ours, same in zip(cases.results(ops, name, tuple(map(_strided, given))), wanted, strict=True):
        np.testing.assert_array_equal(ours, same)
    for value, before in zip(given, kept, strict=True):
        np.testing.assert_array_equal(value, before)


@pytest.mark.parametrize(("device", "name"), [pair for pair in HELD if pair[1] not in DRAWING])
def test_a_foreign_dtype_or_dimension_is_refused_by_name(device: str, name: str) -> None:
    operation, given = getattr(kernels.load(device), name), cases.arguments(name, 5, "float64")
    (first, *_) = parameters(operation)
    with pytest.raises(TypeError, match=rf"^{first}: expected .*got complex128"):
        operation(given[0].astype(complex), *given[1:])
    with pytest.raises(ValueError, match=rf"^{first}: expected .*got .*1"):
        operation(given[0][None], *given[1:])


def test_importing_the_package_imports_no_device() -> None:
    script = "import sys, rmtsim.kernels; assert not {'numpy', 'numba', 'scipy', 'cupy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_the_examples_of_the_package_are_true() -> None:
    tried = doctest.testmod(kernels)
    assert (tried.failed, tried.attempted) == (0, 4)


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(ValueError, match=r"device: expected one of 'cpu'.*got 'tpu'"):
        kernels.load("tpu")


def test_the_folder_of_the_sources_is_no_package_of_its_own() -> None:
    """A checkout lies on the path of those who installed it for editing."""
    run = subprocess.run([sys.executable, "-c", "import kernels"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 1
    assert "ImportError: kernels: expected to be imported as rmtsim.kernels" in run.stderr


def test_no_module_takes_a_private_name_of_another() -> None:
    """Of kernels, by what they import; a name that begins with an underscore is its module's own."""
    imports = [
        f"{path.name}: {line.strip()}"
        for path in Path(kernels.__file__).parent.rglob("*.py")
        for line in path.read_text().splitlines()
        if line.startswith("from .") and any(word.startswith("_") for word in line.replace(",", " ").split())
    ]
    assert imports == []


SNIPPET = """
from rmtsim import kernels

cpu = kernels.load("cpu")
reveal_type(cpu.normals(1, 0, (2, 3)))
cpu.norms(1, 0, 2)
cpu.normals(1, 0, "two")
"""


@pytest.mark.slow
def test_a_misspelt_operation_is_a_type_error(tmp_path: Path) -> None:
    (tmp_path / "snippet.py").write_text(SNIPPET)
    options = ["--config-file", "pyproject.toml", "--cache-dir", str(tmp_path / "cache")]
    command = [sys.executable, "-m", "mypy", *options, str(tmp_path / "snippet.py")]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    errors = [line for line in run.stdout.splitlines() if line.startswith(str(tmp_path))]
    assert len(errors) == 3, run.stdout + run.stderr
    assert 'Revealed type is "numpy.ndarray[' in errors[0]
    assert '"Operations" has no attribute "norms"' in errors[1]
    assert 'Argument 3 to "normals" of "RandomOperations" has incompatible type "str"' in errors[2]
