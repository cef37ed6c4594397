"""What a results file holds, checked on opening: the format of its attributes, groups and datasets.

Nothing here imports h5py: an open file and its groups are mappings with ``attrs``.
"""

from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from .cells import Cell, Field
from .experiment import Experiment, ExperimentError

FORMAT = "rmtsim-results"
FORMAT_VERSION = 1


class StoreError(ValueError):
    """A results file that cannot be used: says which, what was expected and what was found.

    Attributes
    ----------
    path : str
    expected, got : str
    """

    def __init__(self, path: str, expected: str, got: str) -> None:
        super().__init__(path, expected, got)
        self.path, self.expected, self.got = path, expected, got

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected}, got {self.got}"


def group_name(cell: int) -> str:
    """Name of the group of a cell."""
    return f"cell_{cell:04d}"


def datasets(experiment: Experiment, cell: Cell) -> dict[str, Field]:
    """Datasets of a cell's group, its coordinates excepted."""
    trials = experiment.trials
    schema = experiment.schema(cell)
    fields = {"done": Field((trials,), "int8", ("trial",))}
    if "histogram" in schema:
        n_blocks, bins = schema["histogram"].shape
        fields["edges"] = Field((n_blocks, bins + 1), "float64", ("block", "edge"))
    for name, (shape, dtype, dimensions) in schema.items():
        fields[name] = Field((trials, *shape), dtype, ("trial", *dimensions))
    return fields


def data_bytes(experiment: Experiment) -> int:
    """Size of all datasets, coordinates excepted."""
    return sum(
        prod(shape) * np.dtype(dtype).itemsize
        for cell in experiment.cells
        for shape, dtype, _ in datasets(experiment, cell).values()
    )


def read_experiment(path: Path, file: Any) -> Experiment:
    """Check an open file whole and return its experiment; raises ``StoreError`` naming what is wrong."""
    _check_format(path, file)
    text, digest = file.attrs.get("experiment"), file.attrs.get("digest")
    if not isinstance(text, str):
        raise StoreError(str(path), 'an attribute "experiment"', "none")
    try:
        experiment = Experiment.from_text(text)
    except ExperimentError as error:
        raise StoreError(str(path), "a valid experiment in its attributes", str(error)) from error
    if experiment.digest != digest:
        raise StoreError(str(path), f"an experiment of digest {digest}", experiment.digest)
    for cell in experiment.cells:
        _check_group(path, file, experiment, cell)
    return experiment


def _check_format(path: Path, file: Any) -> None:
    found, version = file.attrs.get("format"), file.attrs.get("format_version")
    if not isinstance(found, str) or found != FORMAT:
        raise StoreError(str(path), f'the format "{FORMAT}"', "no format" if found is None else f'"{found}"')
    if not isinstance(version, np.integer) or version < 1:
        raise StoreError(str(path), "a positive format_version", f"{version}")
    if version > FORMAT_VERSION:
        program = file.attrs.get("program_version")
        got = f"format_version {version}, written by rmtsim {program}"
        raise StoreError(str(path), f"format_version at most {FORMAT_VERSION}", got)


def _check_group(path: Path, file: Any, experiment: Experiment, cell: Cell) -> None:
    name = group_name(cell.index)
    if name not in file:
        raise StoreError(str(path), f'a group "{name}"', "none")
    missing = datasets(experiment, cell).keys() - set(file[name])
    if missing:
        raise StoreError(str(path), f'the datasets of group "{name}"', f"none named {sorted(missing)}")
