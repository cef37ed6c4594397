"""The layout of a results file: which groups, datasets and attributes it has.

`creation` lays files out by this description, and `checks` holds files against it. Nothing here imports h5py.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ...experiment import Cell, Experiment
from ...models.activations import RELU
from ...statistics import Field

FORMAT = "rmtsim-results"
FORMAT_VERSION = 2

SESSIONS, SESSION_BYTES = 32, 2048
"""Room for the provenance of sessions: how many, and how many bytes of JSON each may take."""
TEXT = "str"
"""The dtype of texts of any length, in UTF-8."""
DONE = "whether the trial is finished; until then its rows of the other arrays mean nothing"
EDGES = "edges of the histogram bins, in units of scale; NaN until they are set"
WORDING = frozenset({"long_name"})
"""Attributes that explain an array to its readers; a file may word them otherwise."""


class Dataset(NamedTuple):
    """One dataset of a group.

    Attributes
    ----------
    shape : tuple of int
    dtype : str
        That of NumPy, or ``TEXT``.
    dimensions : tuple of str
        Names of the axes, each of which is also the name of a coordinate of the group.
    attributes : mapping
    fill : int or float
        Every value of a new dataset, unless it has labels.
    labels : sequence, optional
        The values of a coordinate, such as the names of the blocks.
    """

    shape: tuple[int, ...]
    dtype: str
    dimensions: tuple[str, ...]
    attributes: Mapping[str, Any] = {}
    fill: float = 0
    labels: Sequence[str] | range | None = None

    @property
    def file_dtype(self) -> np.dtype[Any]:
        """The dtype of values that are not text as they lie in the file, little-endian."""
        return np.dtype(self.dtype).newbyteorder("<")

    @property
    def nbytes(self) -> int:
        """Bytes of the values of a dataset that is not text."""
        return prod(self.shape) * np.dtype(self.dtype).itemsize


class Group(NamedTuple):
    """A group of the file: its attributes, and its datasets by name, coordinates first."""

    attributes: Mapping[str, Any]
    datasets: Mapping[str, Dataset]


def group_name(cell: int) -> str:
    """Return the name of the group of a cell."""
    return f"cell_{cell:04d}"


def root_layout(attributes: Mapping[str, Any], version: int = FORMAT_VERSION) -> Group:
    """Return the root group; ``attributes`` are the experiment and the provenance of the first session."""
    if version == 1:
        return Group(attributes, {})
    sessions = Dataset(
        (SESSIONS,), f"S{SESSION_BYTES}", ("session",), {"long_name": "sessions that wrote trials, as JSON"}
    )
    return Group(attributes, {"session": _coordinate("session", range(SESSIONS)), "sessions": sessions})


def cell_layout(experiment: Experiment, cell: Cell, version: int = FORMAT_VERSION) -> Group:
    """Return the group of a cell in files of a format version."""
    trials = experiment.trials
    schema = experiment.schema(cell)
    arrays = {"done": Dataset((trials,), "int8", ("trial",), {"long_name": DONE, "dtype": "bool"})}
    if "histogram" in schema:
        n_blocks, bins = schema["histogram"].shape
        edges = ("block", "edge")
        arrays["edges"] = Dataset((n_blocks, bins + 1), "float64", edges, {"long_name": EDGES}, np.nan)
    for name, field in schema.items():
        arrays[name] = _trial_array(field, trials, version)
    labels = {"trial": range(trials), **experiment.coordinates(cell)}
    dimensions = dict.fromkeys(chain.from_iterable(array.dimensions for array in arrays.values()))
    scales = {name: _coordinate(name, labels[name]) for name in dimensions}
    return Group(_cell_attributes(experiment, cell), {**scales, **arrays})


def _trial_array(field: Field, trials: int, version: int) -> Dataset:
    """Return an array of all trials; rows not done hold its fill value, which netCDF readers mask."""
    attributes: dict[str, Any] = {"long_name": field.long_name}
    fill: float = np.nan if field.dtype == "float64" else -1
    if version > 1:
        attributes["_FillValue"] = np.dtype(field.dtype).type(fill)
    return Dataset((trials, *field.shape), field.dtype, ("trial", *field.dimensions), attributes, fill)


def _coordinate(dimension: str, labels: Sequence[str] | range) -> Dataset:
    if isinstance(labels, range):
        return Dataset((len(labels),), "int64", (dimension,), labels=labels)
    return Dataset((len(labels),), TEXT, (dimension,), labels=tuple(map(str, labels)))


def _cell_attributes(experiment: Experiment, cell: Cell) -> dict[str, Any]:
    names = ("n_features", "n_samples", "n_classes", "n_hidden", "aspect_ratio")
    sizes = {name: getattr(cell, name) for name in names if getattr(cell, name) is not None}
    network = {"architecture": str(cell.architecture), "loss": str(cell.loss)}
    drawn = {name: getattr(cell, name) for name in ("w_std", "v_std") if getattr(cell, name) != 1}
    if cell.activation != RELU:
        drawn["activation"] = cell.activation.name
        if cell.activation.name == "leaky_relu":
            drawn["slope"] = cell.activation.slope
    return {**network, **sizes, **drawn, "method": experiment.method(cell)}


def layout(
    experiment: Experiment, attributes: Mapping[str, Any], version: int = FORMAT_VERSION
) -> Iterator[tuple[str, Group]]:
    """Yield all groups of a file, by name; the root, which comes first, is named "/"."""
    yield "/", root_layout(attributes, version)
    for cell in experiment.cells:
        yield group_name(cell.index), cell_layout(experiment, cell, version)


def cell_bytes(experiment: Experiment, cell: Cell) -> int:
    """Return the bytes of all datasets of a cell but for labels in text."""
    datasets = cell_layout(experiment, cell).datasets.values()
    return sum(dataset.nbytes for dataset in datasets if dataset.dtype != TEXT)


def data_bytes(experiment: Experiment) -> int:
    """Return the bytes of all datasets of the cells but for labels in text."""
    return sum(cell_bytes(experiment, cell) for cell in experiment.cells)
