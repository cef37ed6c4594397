"""What a file holds is held against its experiment: structure on opening, values as they are read."""

import re

import h5py
import numpy as np
import pytest

from rmtsim import cli
from rmtsim.results.hdf5 import HDF5Store, StoreError, open_results

from .stores import EXPERIMENT, digest_of, write_some


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "results.h5"
    write_some(path)
    return path


def replace(name, **options):
    """Put another dataset in the place of one, with its attributes and names of axes."""

    def damage(file):
        old = file[name]
        labels = [dimension.label for dimension in old.dims]
        attributes = {key: old.attrs[key] for key in ("long_name", "_FillValue", "dtype") if key in old.attrs}
        made = {"shape": old.shape, "dtype": old.dtype, **options}
        del file[name]
        new = file.create_dataset(name, **made)
        new.attrs.update(attributes)
        for axis, label in enumerate(labels[: new.ndim]):
            new.dims[axis].label = label

    return damage


def set_attribute(member, name, value):
    def damage(file):
        file[member].attrs[name] = value

    return damage


def remove_attribute(member, name):
    def damage(file):
        del file[member].attrs[name]

    return damage


def swap(one, other):
    def damage(file):
        file.move(one, "aside")
        file.move(other, one)
        file.move("aside", other)

    return damage


def link(name, target):
    def damage(file):
        del file[name]
        file[name] = target

    return damage


def rename_axis(file):
    file["cell_0000/moments"].dims[1].label = "part"


def relabel(file):
    file["cell_0000/block"][:] = ["vv_off", "vv_diag"]


STRUCTURE = {
    "half of a dataset": (
        replace("cell_0000/moments", shape=(3, 2, 4)),
        r'dataset "cell_0000/moments" of shape \(6, 2, 4\), got shape \(3, 2, 4\)',
    ),
    "marks without end": (
        replace("cell_0001/done", shape=(2**40,)),
        r'dataset "cell_0001/done" of shape \(6,\), got shape \(1099511627776,\)',
    ),
    "a scalar": (
        replace("cell_0000/edges", shape=()),
        r'dataset "cell_0000/edges" of shape \(2, 5\), got shape \(\)',
    ),
    "a coordinate": (
        replace("cell_0000/trial", shape=(7,)),
        r'dataset "cell_0000/trial" of shape \(6,\), got shape \(7,\)',
    ),
    "single precision": (
        replace("cell_0000/moments", dtype="f4"),
        'dataset "cell_0000/moments" of dtype float64, got dtype float32',
    ),
    "the other byte order": (
        replace("cell_0000/histogram", dtype=">i8"),
        'dataset "cell_0000/histogram" of dtype int64, got dtype >i8',
    ),
    "numbers for texts": (
        replace("cell_0000/block", dtype="f8"),
        'dataset "cell_0000/block" of texts, got dtype float64',
    ),
    "texts for numbers": (
        replace("cell_0000/masses", dtype=h5py.string_dtype()),
        'dataset "cell_0000/masses" of dtype float64, got dtype object',
    ),
    "chunks": (
        replace("cell_0000/moments", chunks=(1, 2, 4)),
        'dataset "cell_0000/moments" to be contiguous, got another layout',
    ),
    "values in another file": (
        replace("cell_0000/moments", external=[("elsewhere.raw", 0, 384)]),
        'dataset "cell_0000/moments" to be contiguous, got another layout',
    ),
    "names of blocks in another order": (
        relabel,
        r"dataset \"cell_0000/block\" to be \['vv_diag', 'vv_off'\], got \['vv_off', 'vv_diag'\]",
    ),
    "the name of an axis": (
        rename_axis,
        'axes of dataset "cell_0000/moments" to be .*block.*, got .*part.*',
    ),
    "a soft link": (
        link("cell_0000/moments", h5py.SoftLink("/cell_0001/moments")),
        'a dataset "cell_0000/moments", got a soft link',
    ),
    "a link into nothing": (
        link("cell_0000/moments", h5py.SoftLink("/nothing")),
        'a dataset "cell_0000/moments", got a soft link',
    ),
    "a link to another file": (
        link("cell_0000", h5py.ExternalLink("other.h5", "/cell_0000")),
        'a group "cell_0000", got an external link',
    ),
    "a dataset for a group": (link("cell_0001", [1.0]), 'a group "cell_0001", got a dataset'),
    "a type for a group": (link("cell_0001", np.dtype("f8")), 'a group "cell_0001", got a type'),
    "no group": (lambda file: file.pop("cell_0001"), 'a group "cell_0001", got none'),
    "no dataset": (lambda file: file.pop("cell_0001/scale"), 'a dataset "cell_0001/scale", got none'),
    "no sessions": (lambda file: file.pop("sessions"), 'a dataset "sessions", got none'),
    "no device": (remove_attribute("/", "device"), 'attribute "device" to be a text, got none'),
    "several digests": (
        set_attribute("/", "digest", ["a", "b"]),
        rf"an experiment of digest \['a' 'b'\], got {EXPERIMENT.digest}",
    ),
    "an unknown device": (
        set_attribute("/", "device", "tpu"),
        'attribute "device" to be "cpu" or "gpu" or "reference", got "tpu"',
    ),
    "a number for a text": (
        set_attribute("/", "numpy_version", 2.4),
        r'attribute "numpy_version" to be a text, got 2\.4',
    ),
    "an array for a text": (
        set_attribute("/", "blas", ["a", "b"]),
        r"attribute \"blas\" to be a text, got \['a' 'b'\]",
    ),
    "other classes": (
        set_attribute("cell_0000", "n_classes", 4),
        'attribute "n_classes" of group "cell_0000" to be 3, got 4',
    ),
    "a float for an integer": (
        set_attribute("cell_0000", "n_classes", 3.0),
        r'attribute "n_classes" of group "cell_0000" to be a number of type int64, got 3\.0',
    ),
    "another loss": (
        set_attribute("cell_0001", "loss", "mse"),
        'attribute "loss" of group "cell_0001" to be ce, got mse',
    ),
    "no ratio": (
        remove_attribute("cell_0001", "aspect_ratio"),
        'attribute "aspect_ratio" of group "cell_0001" to be a number of type float64, got none',
    ),
    "an unknown method": (
        set_attribute("cell_0001", "method", "guess"),
        'attribute "method" of group "cell_0001" to be "dense" or "structured", got "guess"',
    ),
    "no fill value": (
        remove_attribute("cell_0000/histogram", "_FillValue"),
        'attribute "_FillValue" of dataset "cell_0000/histogram" to be a number of type int64, got none',
    ),
    "another fill value": (
        set_attribute("cell_0000/moments", "_FillValue", 0.0),
        r'attribute "_FillValue" of dataset "cell_0000/moments" to be nan, got 0\.0',
    ),
    "swapped cells": (
        swap("cell_0000", "cell_0001"),
        'attribute "architecture" of group "cell_0000" to be linear, got hidden',
    ),
    "swapped arrays": (
        swap("cell_0000/eigenvalues_vv_diag", "cell_0000/eigenvalues_vv_off"),
        'axes of dataset "cell_0000/eigenvalues_vv_diag" to be .*index_vv_diag.*, got .*index_vv_off.*',
    ),
}


@pytest.mark.parametrize(("damage", "message"), STRUCTURE.values(), ids=STRUCTURE)
def test_a_structure_that_is_not_the_experiments(written, damage, message):
    with h5py.File(written, "r+") as file:
        damage(file)
    before = digest_of(written)
    for attempt in (open_results, lambda path: HDF5Store.open_for_resume(path, EXPERIMENT)):
        with pytest.raises(StoreError, match=f"{written}: expected {message}$") as caught:
            attempt(written)
        assert "\n" not in str(caught.value)
    assert digest_of(written) == before


@pytest.mark.parametrize("damage", ["marks without end", "no device", "swapped cells", "a soft link"])
@pytest.mark.parametrize("command", ["info", "compare", "resume", "plot"])
def test_commands_refuse_in_one_line(written, tmp_path, capsys, command, damage):
    with h5py.File(written, "r+") as file:
        STRUCTURE[damage][0](file)
    before = digest_of(written)
    output = ["-o", str(tmp_path / "figures")] if command == "plot" else []
    assert cli.main([command, str(written), *output]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(f"rmtsim: error: {written}: expected {STRUCTURE[damage][1]}\n", err)
    assert digest_of(written) == before


def test_arrays_that_share_their_place_in_the_file(written):
    """A writer would write the rows of one over those of the other."""
    with h5py.File(written, "r+") as file:
        place = file["cell_0000/eigenvalues_vv_off"].id.get_offset()
        moved = file["cell_0000/eigenvalues_vv_diag"].id.get_offset()
    content = written.read_bytes()
    address, other = (place.to_bytes(8, "little") for place in (place, moved))
    assert content.count(address) == 1
    written.write_bytes(content.replace(address, other))
    expected = 'values of dataset "cell_0000/eigenvalues_vv_diag" in their own place of the file'
    with pytest.raises(StoreError, match=f'{expected}, got .* into dataset "cell_0000/eigenvalues_vv_off"'):
        open_results(written)
    written.write_bytes(content.replace(address, len(content).to_bytes(8, "little")))
    with pytest.raises(StoreError, match='dataset "cell_0000/eigenvalues_vv_off"'):
        open_results(written)


def test_what_a_user_adds_is_no_damage(written):
    with h5py.File(written, "r+") as file:
        file.attrs["comment"] = "mine"
        file["cell_0000"].attrs["comment"] = "mine"
        file["cell_0000/moments"].attrs["long_name"] = "in my words"
        file["cell_0000/mine"] = [1.0]
    with open_results(written) as results:
        assert results.array(0, "moments").shape == (3, 2, 4)


def nan_at(file, name, *place):
    file[name][place] = np.nan


def exchange(file):
    extremes = file["cell_0000/extremes"]
    extremes[1, 1] = extremes[1, 1][::-1]


def descend(file):
    values = file["cell_0000/eigenvalues_vv_off"]
    values[4] = values[4][::-1]


VALUES = {
    "negative counts": (
        lambda file: file["cell_0000/histogram"].write_direct(np.full((6, 2, 4), -5)),
        "histogram",
        'counts of at least 0 in dataset "cell_0000/histogram", got -5 in trial 0',
    ),
    "negative counts outside": (
        lambda file: file["cell_0000/outside"].__setitem__((4, 1, 0), -1),
        "outside",
        'counts of at least 0 in dataset "cell_0000/outside", got -1 in trial 4',
    ),
    "an eigenvalue too many": (
        lambda file: file["cell_0000/histogram"].__setitem__((4, 1, 0), 7),
        "histogram",
        'counts that add up with "outside" to the 5 eigenvalues of vv_off in dataset "cell_0000/histogram",'
        " got 12 in trial 4",
    ),
    "no moment": (
        lambda file: nan_at(file, "cell_0000/moments", 1, 0, 2),
        "moments",
        'finite numbers in dataset "cell_0000/moments", got nan in trial 1',
    ),
    "an infinite mass": (
        lambda file: file["cell_0000/masses"].__setitem__((4, 1), np.inf),
        "masses",
        'finite numbers in dataset "cell_0000/masses", got inf in trial 4',
    ),
    "the largest before the smallest": (
        exchange,
        "extremes",
        r'the smallest before the largest in dataset "cell_0000/extremes", got \[.*\] in trial 1',
    ),
    "descending eigenvalues": (
        descend,
        "eigenvalues_vv_off",
        'ascending numbers in dataset "cell_0000/eigenvalues_vv_off", got .* in trial 4',
    ),
    "marks that are none": (
        lambda file: file["cell_0000/done"].__setitem__(3, 77),
        "scale",
        'marks 0 or 1 in dataset "cell_0000/done", got 77 in trial 3',
    ),
    "a mark without a trial": (
        lambda file: file["cell_0000/done"].__setitem__(3, 1),
        "scale",
        'finite numbers in dataset "cell_0000/scale", got nan in trial 3',
    ),
    "a mark without counts": (
        lambda file: file["cell_0000/done"].__setitem__(3, 1),
        "histogram",
        'counts of at least 0 in dataset "cell_0000/histogram", got -1 in trial 3',
    ),
}


@pytest.mark.parametrize(("damage", "name", "message"), VALUES.values(), ids=VALUES)
def test_values_that_no_run_writes(written, damage, name, message):
    with h5py.File(written, "r+") as file:
        damage(file)
    with open_results(written) as results, pytest.raises(StoreError, match=f"expected {message}$"):
        results.array(0, name)


@pytest.mark.parametrize(
    ("edges", "got"),
    [
        ([[1] * 5] * 2, "1.0 in block 0"),
        ([[0, 1, 2, 3, 4], [0, 1, 2, 2, 4]], "2.0 in block 1"),
        ([[0, 1, 2, 3, np.inf], [0, 1, 2, 3, 4]], "inf in block 0"),
        ([[np.nan] * 5] * 2, "nan in block 0"),
    ],
    ids=["constant", "twice the same", "infinite", "unset, with trials"],
)
def test_edges_that_no_run_writes(written, edges, got):
    with h5py.File(written, "r+") as file:
        file["cell_0000/edges"][:] = edges
    expected = 'finite, strictly increasing numbers in dataset "cell_0000/edges"'
    with open_results(written) as results, pytest.raises(StoreError, match=f"expected {expected}, got {got}"):
        results.edges(0)


def test_edges_that_a_killed_writer_left_half_written(written):
    with h5py.File(written, "r+") as file:
        file["cell_0001/edges"][1:] = np.nan
    with open_results(written) as results:
        assert results.edges(1) is None
