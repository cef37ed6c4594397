"""Statistics: what is recorded of every trial, each an object that an experiment names."""

from .linear import LOG_DETERMINANT, LinearStatistic
from .masses import MASSES
from .spectral import EIGENVALUES, EXTREMES, HISTOGRAM, MOMENTS, SpectralStatistic, Spectrum
from .statistic import Field, Record, RecordShape, Statistic, record_coordinates, record_fields

STATISTICS: dict[str, Statistic] = {
    str(each): each for each in (HISTOGRAM, MOMENTS, EXTREMES, MASSES, EIGENVALUES, LOG_DETERMINANT)
}
"""By name. Experiments list theirs in this order, which their digests depend on: add at the end."""

__all__ = [
    "EIGENVALUES", "EXTREMES", "HISTOGRAM", "LOG_DETERMINANT", "MASSES", "MOMENTS", "STATISTICS", "Field",
    "LinearStatistic", "Record", "RecordShape", "SpectralStatistic", "Spectrum", "Statistic",
    "record_coordinates", "record_fields",
]  # fmt: skip
