"""An open file against the layout that its experiment asks for; every refusal names the member."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ...experiment import Experiment, ExperimentError
from ...experiment.methods import METHODS
from ...kernels import DEVICES
from ..provenance import NAMES
from .creation import stored
from .errors import StoreError, readable, show
from .layout import FORMAT, FORMAT_VERSION, TEXT, WORDING, Dataset, Group, layout

_KINDS = {h5py.h5g.GroupID: "group", h5py.h5d.DatasetID: "dataset", h5py.h5t.TypeID: "type"}
_LINKS = {h5py.h5l.TYPE_SOFT: "a soft link", h5py.h5l.TYPE_EXTERNAL: "an external link"}
_CHOICES = {"device": DEVICES, "method": METHODS[1:]}
_FREE = {*NAMES, *_CHOICES}
"""Attributes that another session or version may have written otherwise."""


def read_experiment(path: Path, file: Any) -> Experiment:
    """Check an open file whole, but for its values, and return its experiment.

    Raises
    ------
    StoreError
        It names what is wrong.
    """
    version = _check_format(path, file)
    text, digest = (_attribute(path, file, name) for name in ("experiment", "digest"))
    if not isinstance(text, str):
        raise StoreError(str(path), 'a text as attribute "experiment"', _shown(text))
    try:
        experiment = Experiment.from_text(text)
    except ExperimentError as error:
        raise StoreError(str(path), "a valid experiment in its attributes", show(str(error), 200)) from error
    if experiment.digest != digest:
        raise StoreError(str(path), f"an experiment of digest {_shown(digest)}", experiment.digest)
    _Structure(path, file, version).check(experiment)
    return experiment


def _check_format(path: Path, file: Any) -> int:
    form, version = (_attribute(path, file, name) for name in ("format", "format_version"))
    if not isinstance(form, str) or form != FORMAT:
        got = "no format" if form is None else f'"{_shown(form)}"'
        raise StoreError(str(path), f'the format "{FORMAT}"', got)
    if not isinstance(version, np.integer) or version < 1:
        raise StoreError(str(path), "a positive format_version", _shown(version))
    if version > FORMAT_VERSION:
        got = f"format_version {version}, written by rmtsim {_attribute(path, file, 'program_version')}"
        raise StoreError(str(path), f"format_version at most {FORMAT_VERSION}", got)
    return int(version)


def _attribute(path: Path, parent: Any, name: str, of: str = "") -> Any:
    """Return an attribute, None where there is none."""
    with readable(path, f'attribute "{name}"{of}'):
        return parent.attrs.get(name)


def _shown(value: object) -> str:
    if value is None:
        return "none"
    return show(value if isinstance(value, str) else f"{value}", 80)


class _Structure:
    """Checks of the groups, datasets and attributes of a file, but not of values of arrays."""

    def __init__(self, path: Path, file: Any, version: int) -> None:
        self.path, self.file, self.version = path, file, version
        self.size = path.stat().st_size
        self.places: list[tuple[int, int, str]] = []

    def check(self, experiment: Experiment) -> None:
        names = [name for name in NAMES if self.version > 1 or name != "blas"]  # version 1 did not say
        for name, expected in layout(experiment, dict.fromkeys(names, ""), self.version):
            self._check_group(name, expected)
        self._check_places()

    def _refuse(self, expected: str, got: str) -> StoreError:
        return StoreError(str(self.path), expected, got)

    def _check_group(self, name: str, expected: Group) -> None:
        root = name == "/"
        group = self.file if root else h5py.Group(self._open(self.file.id, name, h5py.h5g.GroupID, name))
        self._check_attributes(group, expected.attributes, "" if root else f' of group "{name}"')
        for key, dataset in expected.datasets.items():
            member = key if root else f"{name}/{key}"
            self._check_dataset(group, key, member, dataset)

    def _open(self, parent: Any, key: str, kind: type, member: str) -> Any:
        """Open a member by its name, which must be no link to elsewhere."""
        expected, name = f'a {_KINDS[kind]} "{member}"', key.encode()
        with readable(self.path, f'{_KINDS[kind]} "{member}"'):
            if not parent.links.exists(name):
                raise self._refuse(expected, "none")
            link = parent.links.get_info(name).type
            if link != h5py.h5l.TYPE_HARD:
                raise self._refuse(expected, _LINKS.get(link, "a link"))
            opened = h5py.h5o.open(parent, name)
            if not isinstance(opened, kind):
                kinds = (word for other, word in _KINDS.items() if isinstance(opened, other))
                raise self._refuse(expected, f"a {next(kinds, 'member of another kind')}")
        return opened

    def _check_attributes(self, parent: Any, expected: Any, of: str) -> None:
        for name, value in expected.items():
            if name in WORDING:
                continue
            found = _attribute(self.path, parent, name, of)
            if name == "method" and self.version == 1 and found is None:
                continue  # files from before there were structured models do not say
            member = f'attribute "{name}"{of}'
            if not _like(found, value):
                raise self._refuse(f"{member} to be {_kind_of(value)}", _shown(found))
            if name in _CHOICES and found not in _CHOICES[name]:
                choices = " or ".join(f'"{choice}"' for choice in _CHOICES[name])
                raise self._refuse(f"{member} to be {choices}", f'"{_shown(found)}"')
            if name not in _FREE and not (found == value or (found != found and value != value)):
                raise self._refuse(f"{member} to be {_shown(value)}", _shown(found))

    def _check_dataset(self, group: Any, key: str, member: str, expected: Dataset) -> None:
        dataset = h5py.Dataset(self._open(group.id, key, h5py.h5d.DatasetID, member))
        with readable(self.path, f'dataset "{member}"'):
            if dataset.shape != expected.shape:
                raise self._refuse(f'dataset "{member}" of shape {expected.shape}', f"shape {dataset.shape}")
            self._check_dtype(dataset, member, expected)
            self._check_dimensions(dataset, member, expected)
        self._check_attributes(dataset, expected.attributes, f' of dataset "{member}"')

    def _check_dtype(self, dataset: Any, member: str, expected: Dataset) -> None:
        if expected.dtype == TEXT:
            if h5py.check_string_dtype(dataset.dtype) is None:
                raise self._refuse(f'dataset "{member}" of texts', f"dtype {dataset.dtype}")
            labels = [show(label.decode("utf-8", "replace")) for label in dataset[()]]
            if labels != list(expected.labels or ()):
                raise self._refuse(f'dataset "{member}" to be {list(expected.labels or ())}', f"{labels}")
        elif dataset.dtype != stored(expected):
            raise self._refuse(f'dataset "{member}" of dtype {expected.dtype}', f"dtype {dataset.dtype}")
        else:
            self._note_place(dataset, member, expected)

    def _note_place(self, dataset: Any, member: str, expected: Dataset) -> None:
        offset = dataset.id.get_offset()
        if offset is None or dataset.id.get_storage_size() != expected.nbytes:
            raise self._refuse(f'dataset "{member}" to be contiguous', "another layout")
        self.places.append((offset, offset + expected.nbytes, member))

    def _check_dimensions(self, dataset: Any, member: str, expected: Dataset) -> None:
        # Read as plain attributes: HDF5's own functions for scales and labels crash on damaged ones.
        of = f' of dataset "{member}"'
        if expected.labels is not None:
            for name, value in (("CLASS", b"DIMENSION_SCALE"), ("NAME", expected.dimensions[0].encode())):
                found = _attribute(self.path, dataset, name, of)
                if not (isinstance(found, bytes) and found == value):
                    raise self._refuse(f'attribute "{name}"{of} to be {value.decode()}', _shown(found))
            return
        labels = np.atleast_1d(_attribute(self.path, dataset, "DIMENSION_LABELS", of)).tolist()
        if labels != list(expected.dimensions):
            raise self._refuse(
                f'axes of dataset "{member}" to be {list(expected.dimensions)}', _shown(labels)
            )

    def _check_places(self) -> None:
        """Whatever is written to an array must fall into the file, and into no other array."""
        places = sorted(self.places)
        for (_, stop, member), (start, _, other) in zip(
            places, [*places[1:], (self.size, 0, "")], strict=True
        ):
            if stop > start:
                got = f'values that reach into dataset "{other}"' if other else "an end before them"
                raise self._refuse(f'values of dataset "{member}" in their own place of the file', got)


def _like(found: Any, value: Any) -> bool:
    """Whether an attribute is a scalar of the type that is written for a value."""
    if isinstance(value, str):
        return isinstance(found, str)
    return isinstance(found, np.generic) and found.dtype == np.asarray(value).dtype


def _kind_of(value: Any) -> str:
    return "a text" if isinstance(value, str) else f"a number of type {np.asarray(value).dtype}"
