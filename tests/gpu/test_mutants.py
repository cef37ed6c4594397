"""The checks of the kernels find every planted fault; a check that finds none proves nothing."""

import multiprocessing

import pytest

from rmtsim.kernels.gpu import sources

from .checks import forget_kernels
from .mutants import BARRIER, Mutant
from .structured_checks import CHECKS
from .structured_mutants import MUTANTS

PATIENCE = 60
"""Seconds after which a fault counts as found: it made a loop endless."""


def test_every_barrier_has_its_mutant() -> None:
    with_own_barriers = [unit for unit in sources.UNITS if BARRIER in sources.source(unit)]
    assert {mutant.unit for mutant in MUTANTS if mutant.text == BARRIER} == set(with_own_barriers)
    found = {
        mutant.occurrence for mutant in MUTANTS if mutant.unit == "householder" and mutant.text == BARRIER
    }
    # The first guards repeated reductions, which this unit parts by its own barriers; see spectra.
    assert found == set(range(1, sources.source("householder").count(BARRIER)))


def survives(mutant: Mutant) -> None:
    """Run the checks on the faulty source, in a process of its own: success is the exit status 0."""
    faulty = mutant.apply(sources.source(mutant.unit))
    sound = sources.source
    sources.source = lambda unit: faulty if unit == mutant.unit else sound(unit)
    forget_kernels()
    CHECKS[mutant.unit]()


@pytest.mark.slow
@pytest.mark.emulated
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.unit}: {mutant.fault}")
def test_a_planted_fault_is_found(mutant: Mutant) -> None:
    process = multiprocessing.get_context("fork").Process(target=survives, args=(mutant,))
    process.start()
    process.join(PATIENCE)
    if process.is_alive():
        process.kill()
        process.join()
    assert process.exitcode != 0, "the checks pass in spite of the fault"
