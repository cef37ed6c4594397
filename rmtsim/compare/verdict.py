"""What a check finds: tests of the trials, and the verdict on a file."""

from dataclasses import dataclass

from ..models.architectures import Block

FALSE_ALARMS = 5e-5
"""Probability at most with which a file of right trials fails its check, over all of its tests."""


@dataclass(frozen=True)
class Test:
    """One test of one cell.

    ``p`` bounds the probability that right trials deviate as far; ``source``: the equation of theory.md that
    has the exact value, or the number of independent trials that the stored ones are held against.
    """

    cell: int
    name: str
    source: str
    p: float


@dataclass(frozen=True)
class Inconsistency:
    """A relation between the numbers of a trial that ``trials`` trials break, ``first`` the first of them."""

    cell: int
    block: Block
    sentence: str
    trials: int
    first: int


@dataclass(frozen=True)
class Check:
    """The verdict on a file.

    ``spectra`` counts the blocks of trials whose numbers were held against one another, and ``too_large``
    names the cells whose trials were not drawn again, as that would take too long.
    """

    tests: tuple[Test, ...]
    inconsistencies: tuple[Inconsistency, ...]
    spectra: int
    too_large: tuple[int, ...]

    @property
    def level(self) -> float:
        """Probability below which a test fails: all tests of a file together raise 5e-5 false alarms."""
        return FALSE_ALARMS / max(1, len(self.tests))

    @property
    def failed(self) -> tuple[Test, ...]:
        """Tests that right trials do not fail."""
        return tuple(test for test in self.tests if test.p < self.level)

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.failed or self.inconsistencies)
