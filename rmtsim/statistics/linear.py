"""Linear statistics of spectra: means of a function over the eigenvalues of a block."""

from collections.abc import Callable

import numpy as np

from ..models.architectures import Block
from .spectral import Floats, SpectralStatistic, Spectrum
from .statistic import Field, Record, RecordShape


class LinearStatistic(SpectralStatistic):
    """(1/n) sum_k f(lambda_k / scale) over the eigenvalues of H.

    Its limit is the expectation of f under the limit law, which `compare` holds it against.

    Attributes
    ----------
    function : callable
        f, of arrays; smooth but for points where it bends or grows like a logarithm.
    label : str
        What it is, in a formula.
    """

    by_default = False
    function: Callable[[Floats], Floats]
    label: str

    def __new__(cls, name: str, function: Callable[[Floats], Floats], label: str) -> "LinearStatistic":
        statistic = cls.make(name)
        statistic.function, statistic.label = function, label
        return statistic

    def fields(self, shape: RecordShape) -> dict[str, Field]:
        """Return the array that has its name."""
        return {str(self): Field((len(shape.orders),), "float64", ("block",), self.label)}

    def fill(self, stacked: Record, index: int, block: Block, spectrum: Spectrum) -> None:
        """Write the mean over the eigenvalues of one block."""
        values = self.function(spectrum.eigenvalues / spectrum.scales[:, None])
        stacked[str(self)][:, index] = np.mean(values, axis=1)


LOG_DETERMINANT = LinearStatistic(
    "log_determinant", lambda x: np.log1p(np.abs(x)), "(1/n) log det(|H| / |scale| + I)"
)
"""Effective dimension of curvature: of a Laplace approximation with a prior of precision `scale`."""
