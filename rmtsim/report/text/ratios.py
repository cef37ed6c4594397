"""Ratios of off-diagonal to diagonal blocks."""

from ...compare import Comparison, RatioFinding
from ...compare.ratios import ALL_BLOCKS, GIVEN_V, ORDER
from ...experiment import Cell
from ...table import columns, table
from .. import labels

RATIOS = """\
RATIOS: r is the mean of |H_off|^2 of an off-diagonal block over that of |H_diag|^2 of a diagonal block of the
same layer, from all of its blocks or from those with indices 0 and 1. The limit has this C, with its
numerical error; r differs from it by a bias of order 1/d. C^p r tends to a constant as C grows."""
ONE_V = "Where the column V says one, all trials share one V, and the limit is that given this V."
COLUMNS = columns(
    *("cell:d", "model", "layer", "blocks", "C:d", "m:d", "V", "r:.5e"),
    *("s.e.:.1e", "limit:.5e", "error:>", "r/limit-1:+.4f", "p:d", "C^p r:.4f"),
)


def ratios(comparison: Comparison) -> list[str]:
    """Return the ratios beside their limits."""
    measured = [(finding.cell, ratio) for finding in comparison.cells for ratio in finding.ratios]
    if not measured:
        return []
    headings = [RATIOS]
    if any(ratio.limit_kind == GIVEN_V for _, ratio in measured):
        headings.append(ONE_V)
    return [*headings, *table(COLUMNS, (_row(cell, ratio) for cell, ratio in measured))]


def _row(cell: Cell, ratio: RatioFinding) -> tuple[object, ...]:
    r, limit, order = ratio.measured.value, ratio.limit, ORDER[ratio.layer]
    error = "-" if limit is None else f"{ratio.limit_error:.0e}" if ratio.limit_error else "0"
    return (
        cell.index,
        labels.model(cell),
        ratio.layer.upper(),
        "all" if ratio.measured_on == ALL_BLOCKS else "0, 1",
        cell.n_classes,
        cell.n_hidden,
        "one" if ratio.limit_kind == GIVEN_V else "",
        r or "0",
        ratio.measured.standard_error or "0",
        limit if limit is None else limit or "0",
        error,
        r / limit - 1 if limit else None,
        order,
        r * cell.n_classes**order,
    )
