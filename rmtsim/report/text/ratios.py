"""Ratios of off-diagonal to diagonal blocks."""

from ...compare import Comparison, RatioFinding
from ...compare.ratios import ALL_BLOCKS, ORDER
from ...compare.ratios import GIVEN_V as LIMIT_GIVEN_V
from ...experiment import Cell
from ...table import columns, table
from .. import labels

RATIOS = """\
RATIOS r = E |H_off|^2 / E |H_diag|^2 of the blocks of a layer, all or 0 and 1. limit: at this C for d, N
-> infinity, error: of its quadrature; r - limit has a bias of O(1/d). C^p r tends to a constant as C
grows."""
GIVEN_V = "V: all trials share one V; the limit is given V, not the mean over V"
COLUMNS = columns(
    *("cell:d", "model", "layer", "blocks", "C:d", "m:d", "r:.5e"),
    *("s.e.:.1e", "limit:.5e", "error:>", "r/limit-1:+.4f", "p:d", "C^p r:.4f"),
)


def ratios(comparison: Comparison) -> list[str]:
    """Return the ratios beside their limits."""
    measured = [(finding.cell, ratio) for finding in comparison.cells for ratio in finding.ratios]
    if not measured:
        return []
    headings = [RATIOS]
    if any(ratio.limit_kind == LIMIT_GIVEN_V for _, ratio in measured):
        headings.append(GIVEN_V)
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
        r or "0",
        ratio.measured.standard_error or "0",
        limit if limit is None else limit or "0",
        error + ("V" if ratio.limit_kind == LIMIT_GIVEN_V else " "),
        r / limit - 1 if limit else None,
        order,
        r * cell.n_classes**order,
    )
