"""Exponents: of the ratios in the number of classes, and of the distances in the number of features."""

import math
from collections.abc import Sequence

from ...compare import Comparison, Rate, Slope
from ...compare.estimates import Exponent
from ...table import columns, table
from .. import labels

SLOPES = """\
EXPONENTS: the power of C with which the ratios r change, fitted to the cells named last, beside the same fit
to the limits of r at these C and the power as C -> infinity."""
ONE_V = """\
Rows marked V have one V in each cell, so that the errors of r do not contain its scatter. Their standard
error and interval come from the scatter of the cells about the fitted line, of which two cells have none."""
RATES = """\
RATES: the power of d with which the distances of the spectra fall. Theory.md, section 6, expects -1, up to a
logarithm, where the eigenvalues alone fluctuate, and -1/2 where the sample weights do."""
NO_RATE = """\
Hidden ce with one V in each cell has no rate: each size has a V, and so a law, of its own. With
v_draw = "trial" there is one."""


def slopes(comparison: Comparison) -> list[str]:
    """Return the exponents of the ratios."""
    if not comparison.slopes:
        return []
    headings = [SLOPES, *([ONE_V] if any(slope.given_v for slope in comparison.slopes) else [])]
    titles = columns(
        "model", "layer", *_exponent("exponent", 4), "of limits:.4f", "C -> infinity:.0f", "cells"
    )
    return [*headings, *table(titles, (_slope(comparison, slope) for slope in comparison.slopes))]


def _slope(comparison: Comparison, slope: Slope) -> tuple[object, ...]:
    layer = slope.layer.upper() + (" V" if slope.given_v else "")
    return (
        _model(comparison, slope.cells),
        layer,
        *_values(slope.exponent, 4),
        slope.limit,
        slope.asymptotic,
        cell_list(slope.cells),
    )


def rates(comparison: Comparison) -> list[str]:
    """Return the exponents of the distances."""
    rated = [rate for rate in comparison.rates if rate.ks is not None]
    headings = [RATES] if comparison.rates else []
    if len(rated) < len(comparison.rates):
        headings.append(NO_RATE)
    titles = columns("model", "block", *_exponent("KS", 2), *_exponent("W1", 2), "expected:.1f", "cells")
    return [*headings, *(table(titles, (_rate(comparison, rate) for rate in rated)) if rated else [])]


def _rate(comparison: Comparison, rate: Rate) -> tuple[object, ...]:
    assert rate.ks is not None  # of others there is no row
    assert rate.w1 is not None
    return (
        _model(comparison, rate.cells),
        rate.block,
        *_values(rate.ks, 2),
        *_values(rate.w1, 2),
        rate.expected,
        cell_list(rate.cells),
    )


def _exponent(name: str, digits: int) -> tuple[str, ...]:
    """Return the columns of an exponent, its standard error and its confidence interval."""
    return f"{name}:.{digits}f", f"s.e.:.{digits}f", "95 % interval:>"


def _values(exponent: Exponent, digits: int) -> tuple[object, ...]:
    if math.isnan(exponent.standard_error):
        return exponent.value, None, None
    interval = f"[{exponent.low:.{digits}f}, {exponent.high:.{digits}f}]"
    return exponent.value, exponent.standard_error, interval


def _model(comparison: Comparison, cells: Sequence[int]) -> str:
    """Name the model that some cells share."""
    (first,) = (finding.cell for finding in comparison.cells if finding.cell.index == cells[0])
    return labels.model(first)


def cell_list(cells: Sequence[int]) -> str:
    """Name up to three cells, otherwise a range of them."""
    if len(cells) <= 3:
        return ", ".join(map(str, cells))
    contiguous = cells[-1] - cells[0] == len(cells) - 1
    return f"{cells[0]}-{cells[-1]}" if contiguous else f"{cells[0]}, {cells[1]}, ..., {cells[-1]}"
