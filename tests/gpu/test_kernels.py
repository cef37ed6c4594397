"""Every CUDA kernel on the emulator: known answers, ragged sizes, launch shapes, schedules."""

import re

import pytest

from rmtsim.kernels.gpu import sources

from .structured_checks import CHECKS

pytestmark = pytest.mark.emulated


def test_every_unit_is_checked() -> None:
    assert set(CHECKS) == set(sources.UNITS) == {path.stem for path in sources.FOLDER.glob("*.cu")}


@pytest.mark.parametrize("unit", CHECKS)
def test_unit(unit: str) -> None:
    CHECKS[unit]()


def test_no_float_is_summed_in_an_order_that_chance_decides() -> None:
    for unit in sources.UNITS:
        assert not re.search(r"\batomic\w+\(", sources.source(unit))
