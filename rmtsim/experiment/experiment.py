"""Experiments: what is drawn and measured, read from TOML and checked whole before anything runs."""

import hashlib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from dataclasses import Field as Field_
from itertools import product
from os import PathLike
from typing import Any, Self

from ..lazy import lazy_property
from ..models.activations import Activation
from ..models.architectures import BLOCKS, HIDDEN, VV_OFF, WW_OFF, Block
from ..statistics import Field, RecordShape, record_coordinates, record_fields
from ..statistics.statistic import Labels
from . import methods, toml
from .cells import Cell
from .settings import Grid, Measure, Networks
from .streams import RESERVED_TRIALS, SEED_LIMIT, TRIAL_LIMIT
from .validation import ExperimentError, check_keys, dotted, integer, one_of, show

_MOST_BYTES = 1 << 20
"""More than any experiment of the largest grid needs."""
_TABLES = {"model": Networks, "grid": Grid, "measure": Measure}


@dataclass(frozen=True)
class Experiment:
    """A simulation: its model, the grid of cells and what is measured in every trial.

    Attributes
    ----------
    name : str
        ASCII letters, digits, ``.``, ``_`` and ``-``: it names files.
    seed : int
        Key of every random stream, from 0 to 2^64 - 1.
    trials : int
        Independent draws per cell, from 1 to 2^32 - 16; the numbers above are reserved for pilot trials.
    model : Networks
    grid : Grid
    measure : Measure
        Its ``blocks`` are filled in: unless given, those that every cell of their architecture has.

    Raises
    ------
    ExperimentError
        A value is missing, unknown, of the wrong type or out of range, or two of them contradict.

    Examples
    --------
    >>> experiment = Experiment.from_mapping({
    ...     "name": "demo", "seed": 1, "trials": 10,
    ...     "model": {"architecture": "linear", "loss": ["mse", "ce"]},
    ...     "grid": {"n_features": 30, "aspect_ratio": 0.5, "n_classes": [2, 10]},
    ... })
    >>> [(cell.loss, cell.n_samples, cell.n_classes) for cell in experiment.cells]
    [('mse', 60, 2), ('mse', 60, 10), ('ce', 60, 2), ('ce', 60, 10)]
    """

    name: str
    seed: int
    trials: int
    model: Networks
    grid: Grid
    measure: Measure = field(default_factory=Measure)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.name):
            expected = "letters, digits, '.', '_' and '-', a letter or digit first"
            raise ExperimentError("name", expected, show(self.name))
        object.__setattr__(self, "seed", integer("seed", self.seed, 0, SEED_LIMIT - 1))
        object.__setattr__(self, "trials", integer("trials", self.trials, 1, TRIAL_LIMIT - RESERVED_TRIALS))
        for name, table in _TABLES.items():
            if not isinstance(getattr(self, name), table):
                raise ExperimentError(name, f"a {table.__name__}", show(getattr(self, name)))
        _check_hidden(self.model, self.grid)
        _check_count(self.model, self.grid)
        blocks = _measured_blocks(self.model, self.grid, self.measure)
        object.__setattr__(self, "measure", replace(self.measure, blocks=blocks))
        for architecture, loss in product(self.model.architecture, self.model.loss):
            methods.resolve(self.measure, architecture, loss, self.model.activation)
        check_keys("measure.range", self.measure.range, blocks)

    @classmethod
    def from_toml(cls, path: str | PathLike[str]) -> Self:
        """Read an experiment file.

        Raises
        ------
        ExperimentError
            The file cannot be read, is no TOML, or holds no valid experiment; ``source`` names it.
        """
        try:
            return cls.from_text(_read(path))
        except ExperimentError as error:
            raise ExperimentError(error.key, error.expected, error.got, str(path)) from None
        except UnicodeDecodeError as error:
            got = f"{error.reason} at {error.start}"
            raise ExperimentError("file", "UTF-8 text", got, str(path)) from None
        except OSError as error:
            raise ExperimentError("file", "a readable file", f"{error.strerror}", str(path)) from None

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read an experiment from TOML text; raises ``ExperimentError`` like the constructor."""
        try:
            mapping = tomllib.loads(text)
        except ValueError as error:  # also an integer of too many digits to be read
            raise ExperimentError("file", "TOML", str(error)) from None
        except RecursionError:
            raise ExperimentError("file", "TOML", "arrays or tables nested too deeply") from None
        return cls.from_mapping(mapping)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Build an experiment from nested dictionaries laid out like the file."""
        check_keys("", mapping, _names(cls))
        values = dict(mapping)
        for name, table in _TABLES.items():
            if name in values:
                values[name] = _build(table, name, values[name])
        return _build(cls, "", values)

    def to_mapping(self) -> dict[str, Any]:
        """Nested dictionaries laid out like the file, defaults written out, lists of one as scalars."""
        return _plain(self)

    def to_toml(self) -> str:
        """Write the canonical text: equal experiments give equal bytes, and ``from_text`` reads it back.

        A key that a later version adds must be left out where it has its default, so that the
        digests of older files stay true.
        """
        return toml.dumps(self.to_mapping())

    @lazy_property
    def digest(self) -> str:
        """SHA-256 of the canonical text, in hexadecimal: it identifies the experiment."""
        return hashlib.sha256(self.to_toml().encode()).hexdigest()

    @lazy_property
    def cells(self) -> tuple[Cell, ...]:
        """The grid: the last of architecture, loss, d, N, C, m varies fastest, each as listed."""
        return tuple(Cell(index, *point) for index, point in enumerate(self._points()))

    def _points(self) -> Iterator[tuple[Any, ...]]:
        assert self.measure.blocks is not None  # filled in by the constructor
        for architecture, loss, d in product(self.model.architecture, self.model.loss, self.grid.n_features):
            blocks = tuple(block for block in architecture.blocks if block in self.measure.blocks)
            sizes = product(self.grid.samples(d), self.grid.n_classes, self.grid.widths(architecture))
            drawn: tuple[Any, ...] = self.model.w_std, self.model.v_std
            if architecture.is_hidden:
                drawn = (*drawn, Activation(self.model.activation, self.model.slope))
            yield from ((architecture, loss, d, *size, blocks, *drawn) for size in sizes)

    def method(self, cell: Cell) -> str:
        """How the trials of a cell are computed, "dense" or "structured"; see ``methods.resolve``."""
        return methods.resolve(self.measure, cell.architecture, cell.loss, cell.activation.name)

    def schema(self, cell: Cell) -> dict[str, Field]:
        """Arrays of the record of one trial of a cell: name -> (shape, dtype, dimensions, long name)."""
        return record_fields(self.record_shape(cell), self.measure.statistics)

    def coordinates(self, cell: Cell) -> dict[str, Labels]:
        """Labels along every axis of the records of a cell and of its edges, that of trials excepted."""
        return record_coordinates(self.record_shape(cell), self.measure.statistics)

    def record_shape(self, cell: Cell) -> RecordShape:
        """Return what the shapes of the records of a cell depend on."""
        orders = {block: cell.block_size(block) for block in cell.blocks}
        return RecordShape(orders, cell.parts, self.measure.bins)

    def differences(self, other: "Experiment") -> dict[str, tuple[Any, Any]]:
        """Dotted keys in which two experiments differ, with both values (None where absent)."""
        mine, theirs = (dict(_flatten(e.to_mapping())) for e in (self, other))
        return {
            key: (mine.get(key), theirs.get(key))
            for key in {**mine, **theirs}
            if mine.get(key) != theirs.get(key)
        }


def _read(path: str | PathLike[str]) -> str:
    """Read a text file of bounded length; a pipe that nobody writes to is empty rather than waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        os.set_blocking(descriptor, True)
        text = file.read(_MOST_BYTES + 1)
    if len(text) > _MOST_BYTES:
        raise ExperimentError("file", f"at most {_MOST_BYTES} bytes", "more")
    return text.decode("utf-8")


def _names(kind: type) -> list[str]:
    return [f.name for f in fields(kind)]


def _build(kind: Any, table: str, values: object) -> Any:
    if not isinstance(values, Mapping):
        raise ExperimentError(table, "a table", show(values))
    check_keys(table, values, _names(kind))
    for f in fields(kind):
        if f.default is MISSING and f.default_factory is MISSING and f.name not in values:
            raise ExperimentError(dotted(table, f.name), "a value", "none")
    return kind(**values)


def _plain(item: Any) -> Any:
    if hasattr(item, "__dataclass_fields__"):
        stated = {
            f.name: getattr(item, f.name) for f in fields(item) if not _left_out(f, getattr(item, f.name))
        }
        return {name: _plain(value) for name, value in stated.items()}
    if isinstance(item, Mapping):
        return {name: list(value) for name, value in item.items()}
    if isinstance(item, tuple):
        return item[0] if len(item) == 1 else list(item)
    return item


def _left_out(f: Field_, value: Any) -> bool:
    """Whether the canonical text leaves a key out: nothing, or the default of one that a version added."""
    return value is None or value == {} or ("added" in f.metadata and value == f.default)


def _flatten(mapping: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in mapping.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _check_hidden(model: Networks, grid: Grid) -> None:
    hidden = HIDDEN in model.architecture
    if hidden and grid.n_hidden is None:
        raise ExperimentError("grid.n_hidden", "a width for the hidden model", "none")
    if not hidden and grid.n_hidden is not None:
        raise ExperimentError("grid.n_hidden", "no width, the model is linear", show(list(grid.n_hidden)))
    if not hidden and model.w_std != 1:
        raise ExperimentError("model.w_std", "none, the model is linear", f"{model.w_std:g}")
    if not hidden and model.activation != "relu":
        raise ExperimentError("model.activation", "none, the model is linear", f'"{model.activation}"')
    if not hidden and model.v_draw == "cell":
        raise ExperimentError("model.v_draw", '"trial", the model is linear', '"cell"')


def _check_count(model: Networks, grid: Grid) -> None:
    widths = sum(len(grid.widths(architecture)) for architecture in model.architecture)
    grid.check_count(widths * len(model.loss))


def _measured_blocks(model: Networks, grid: Grid, measure: Measure) -> tuple[Block, ...]:
    """Blocks asked for, or else those that every cell of an architecture with them has."""
    too_small: dict[Block, str] = {}
    if min(grid.n_classes) < 2:
        too_small[VV_OFF] = "n_classes of at least 2"
    if grid.n_hidden is not None and min(grid.n_hidden) < 2:
        too_small[WW_OFF] = "n_hidden of at least 2"
    exist = {block for architecture in model.architecture for block in architecture.blocks}
    if measure.blocks is None:
        return tuple(block for block in BLOCKS.values() if block in exist - too_small.keys())
    for block in measure.blocks:
        if block not in exist:
            raise ExperimentError("measure.blocks", one_of(b for b in BLOCKS if b in exist), f'"{block}"')
    for block in measure.blocks:
        if block in too_small:
            raise ExperimentError("measure.blocks", f'{too_small[block]} for "{block}"', "1")
    for architecture in model.architecture:
        if not set(measure.blocks) & set(architecture.blocks):
            expected = f"a block of the {architecture} model"
            raise ExperimentError("measure.blocks", expected, show(list(measure.blocks)))
    return measure.blocks
