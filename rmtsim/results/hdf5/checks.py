"""Checks of the structure of a file as it is opened, against the layout that its experiment asks for.

Groups, datasets, attributes and the places of arrays are checked; `requirements` has the values of arrays.
Every refusal names the member of the file that is wrong.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ...experiment import Experiment, ExperimentError
from ...experiment.methods import METHODS
from ...kernels import DEVICES
from ..provenance import ATTRIBUTES
from .errors import StoreError, damage_refused, one_line
from .layout import FORMAT, FORMAT_VERSION, TEXT, WORDING, Dataset, Group, layout

_KINDS = {h5py.h5g.GroupID: "group", h5py.h5d.DatasetID: "dataset", h5py.h5t.TypeID: "type"}
_LINKS = {h5py.h5l.TYPE_SOFT: "a soft link", h5py.h5l.TYPE_EXTERNAL: "an external link"}
_CHOICES = {"device": DEVICES, "method": METHODS[1:]}
"""Attributes that have one of some values."""
_ANY_VALUE = {*ATTRIBUTES, *_CHOICES}
"""Attributes whose value does not follow from the experiment."""


def read_experiment(path: Path, file: Any) -> Experiment:
    """Check the structure of an open file and return the experiment that it names.

    Raises
    ------
    StoreError
        The format, the experiment or a member of the file is not what it has to be.
    """
    version = _check_format(path, file)
    text, digest = (_attribute(path, file, name) for name in ("experiment", "digest"))
    if not isinstance(text, str):
        raise StoreError(path, 'a text as attribute "experiment"', _shown(text))
    try:
        experiment = Experiment.from_text(text)
    except ExperimentError as error:
        raise StoreError(path, "a valid experiment in its attributes", one_line(str(error), 200)) from error
    if not isinstance(digest, str) or experiment.digest != digest:
        raise StoreError(path, f"an experiment of digest {_shown(digest)}", experiment.digest)
    _Structure(path, file, version).check(experiment)
    return experiment


def _check_format(path: Path, file: Any) -> int:
    """Return the format version."""
    form, version = (_attribute(path, file, name) for name in ("format", "format_version"))
    if not isinstance(form, str) or form != FORMAT:
        got = "no format" if form is None else f'"{_shown(form)}"'
        raise StoreError(path, f'the format "{FORMAT}"', got)
    if not isinstance(version, np.integer) or version < 1:
        raise StoreError(path, "a positive format_version", _shown(version))
    if version > FORMAT_VERSION:
        got = f"format_version {version}, written by rmtsim {_attribute(path, file, 'program_version')}"
        raise StoreError(path, f"format_version at most {FORMAT_VERSION}", got)
    return int(version)


def _attribute(path: Path, parent: Any, name: str, of: str = "") -> Any:
    """Return an attribute, None where there is none."""
    with damage_refused(path, f'attribute "{name}"{of}'):
        return parent.attrs.get(name)


def _shown(value: object) -> str:
    if value is None:
        return "none"
    return one_line(value if isinstance(value, str) else f"{value}", 80)


class _Structure:
    """The groups, datasets and attributes of a file against those of a layout."""

    def __init__(self, path: Path, file: Any, version: int) -> None:
        self.path, self.file, self.version = path, file, version
        self.size = path.stat().st_size
        self.places: list[tuple[int, int, str]] = []

    def check(self, experiment: Experiment) -> None:
        names = [name for name in ATTRIBUTES if self.version > 1 or name != "blas"]  # version 1 has none
        for name, expected in layout(experiment, dict.fromkeys(names, ""), self.version):
            self._check_group(name, expected)
        self._check_places()

    def _refusal(self, expected: str, got: str) -> StoreError:
        return StoreError(self.path, expected, got)

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
        with damage_refused(self.path, f'{_KINDS[kind]} "{member}"'):
            if not parent.links.exists(name):
                raise self._refusal(expected, "none")
            link = parent.links.get_info(name).type
            if link != h5py.h5l.TYPE_HARD:
                raise self._refusal(expected, _LINKS.get(link, "a link"))
            opened = h5py.h5o.open(parent, name)
            if not isinstance(opened, kind):
                kinds = (word for other, word in _KINDS.items() if isinstance(opened, other))
                raise self._refusal(expected, f"a {next(kinds, 'member of another kind')}")
        return opened

    def _check_attributes(self, parent: Any, expected: Mapping[str, Any], of: str) -> None:
        for name, value in expected.items():
            if name not in WORDING:
                in_file = _attribute(self.path, parent, name, of)
                if name == "method" and self.version == 1 and in_file is None:
                    continue  # files from before there were structured models do not have it
                self._check_attribute(f'attribute "{name}"{of}', name, value, in_file)

    def _check_attribute(self, member: str, name: str, value: Any, in_file: Any) -> None:
        if not _has_type_of(in_file, value):
            raise self._refusal(f"{member} to be {_type_name(value)}", _shown(in_file))
        if name in _CHOICES and in_file not in _CHOICES[name]:
            choices = " or ".join(f'"{choice}"' for choice in _CHOICES[name])
            raise self._refusal(f"{member} to be {choices}", f'"{_shown(in_file)}"')
        both_nan = in_file != in_file and value != value
        if name not in _ANY_VALUE and not (in_file == value or both_nan):
            raise self._refusal(f"{member} to be {_shown(value)}", _shown(in_file))

    def _check_dataset(self, group: Any, key: str, member: str, expected: Dataset) -> None:
        dataset = h5py.Dataset(self._open(group.id, key, h5py.h5d.DatasetID, member))
        with damage_refused(self.path, f'dataset "{member}"'):
            if dataset.shape != expected.shape:
                raise self._refusal(f'dataset "{member}" of shape {expected.shape}', f"shape {dataset.shape}")
            self._check_dtype(dataset, member, expected)
            self._check_dimensions(dataset, member, expected)
        self._check_attributes(dataset, expected.attributes, f' of dataset "{member}"')

    def _check_dtype(self, dataset: Any, member: str, expected: Dataset) -> None:
        if expected.dtype == TEXT:
            self._check_texts(dataset, member, [str(label) for label in expected.labels or ()])
        elif dataset.dtype != expected.file_dtype:
            raise self._refusal(f'dataset "{member}" of dtype {expected.dtype}', f"dtype {dataset.dtype}")
        else:
            self._note_place(dataset, member, expected)

    def _check_texts(self, dataset: Any, member: str, expected: list[str]) -> None:
        if h5py.check_string_dtype(dataset.dtype) is None:
            raise self._refusal(f'dataset "{member}" of texts', f"dtype {dataset.dtype}")
        labels = [one_line(label.decode("utf-8", "replace")) for label in dataset[()]]
        if labels != expected:
            raise self._refusal(f'dataset "{member}" to be {expected}', f"{labels}")

    def _note_place(self, dataset: Any, member: str, expected: Dataset) -> None:
        offset = dataset.id.get_offset()
        if offset is None or dataset.id.get_storage_size() != expected.nbytes:
            raise self._refusal(f'dataset "{member}" to be contiguous', "another layout")
        self.places.append((offset, offset + expected.nbytes, member))

    def _check_dimensions(self, dataset: Any, member: str, expected: Dataset) -> None:
        # Read as plain attributes: HDF5's own functions for scales and labels crash on damaged ones.
        of = f' of dataset "{member}"'
        if expected.labels is not None:
            for name, value in (("CLASS", b"DIMENSION_SCALE"), ("NAME", expected.dimensions[0].encode())):
                in_file = _attribute(self.path, dataset, name, of)
                if not (isinstance(in_file, bytes) and in_file == value):
                    raise self._refusal(f'attribute "{name}"{of} to be {value.decode()}', _shown(in_file))
            return
        labels = np.atleast_1d(_attribute(self.path, dataset, "DIMENSION_LABELS", of)).tolist()
        if labels != list(expected.dimensions):
            raise self._refusal(
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
                raise self._refusal(f'values of dataset "{member}" in their own place of the file', got)


def _has_type_of(in_file: Any, value: Any) -> bool:
    """Whether an attribute of a file is a scalar of the type in which a value is written."""
    if isinstance(value, str):
        return isinstance(in_file, str)
    return isinstance(in_file, np.generic) and in_file.dtype == np.asarray(value).dtype


def _type_name(value: Any) -> str:
    return "a text" if isinstance(value, str) else f"a number of type {np.asarray(value).dtype}"
