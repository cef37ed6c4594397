"""Streams name random words injectively, and refuse numbers that would make two arrays share them."""

import itertools

import numpy as np
import pytest

from rmtsim.experiment import streams
from rmtsim.experiment.streams import Role, stream


def test_words_hold_seed_trial_cell_and_role() -> None:
    words = stream(seed=0x0123456789ABCDEF, cell=0xABCDEF, trial=0xDEADBEEF, role=Role.V)
    assert words.dtype == np.uint32
    assert [int(word) for word in words] == [0x89ABCDEF, 0x01234567, 0xDEADBEEF, 0xABCDEF03]


def test_injective_over_the_corners_of_every_field() -> None:
    seeds = (0, 1, 2**32 - 1, 2**32, 2**64 - 1)
    cells = (0, 1, 2**24 - 1)
    trials = (0, 1, 255, 2**24, 2**32 - 1)
    named = {
        tuple(int(word) for word in stream(*names))
        for names in itertools.product(seeds, cells, trials, tuple(Role))
    }
    assert len(named) == len(seeds) * len(cells) * len(trials) * len(Role)


@pytest.mark.parametrize(
    ("field", "value"), [("seed", 2**64), ("seed", -1), ("cell", 2**24), ("trial", 2**32), ("role", 256)]
)
def test_a_number_too_large_for_its_field_is_refused(field: str, value: int) -> None:
    names = {"seed": 0, "cell": 0, "trial": 0, "role": Role.X} | {field: value}
    with pytest.raises(ValueError, match=f"{field}: expected a number from 0 to .*, got {value}"):
        stream(**names)  # type: ignore[arg-type]


def test_reserved_trials_lie_above_every_counted_trial() -> None:
    first_reserved = streams.TRIAL_LIMIT - streams.RESERVED_TRIALS
    reserved = {*streams.PILOT_TRIALS, streams.CELL_DRAW}
    assert len(reserved) == len(streams.PILOT_TRIALS) + 1
    assert all(first_reserved <= trial < streams.TRIAL_LIMIT for trial in reserved)
