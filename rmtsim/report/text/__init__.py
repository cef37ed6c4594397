"""A ``Comparison`` as text: a table for each topic, each under a heading that says what its columns mean."""

from collections.abc import Iterator

from ...compare import Comparison
from .. import labels
from .cells import distances, extremes, identities, linear_statistics, moments
from .checks import NO_TEST, verdict
from .exponents import rates, slopes
from .ratios import ratios

__all__ = ["NO_TEST", "format_comparison"]

SECTIONS = (distances, extremes, moments, linear_statistics, identities, ratios, slopes, rates, verdict)


def format_comparison(comparison: Comparison) -> str:
    """Return the whole comparison as text, in lines of about 110 characters at most."""
    sections = [header(comparison), *(section(comparison) for section in SECTIONS)]
    return "\n\n".join(text for text in ("\n".join(lines) for lines in sections) if text)


CONVENTIONS = """\
Blocks: vv_diag and vv_off are H[v_0, v_0] and H[v_0, v_1], ww_diag and ww_off the same for rows of W. Limits
are those of d, N -> infinity at this gamma = d/N. Eigenvalues are those of H/scale, where scale is
S_ij = (V^T V)_ij for the W-blocks of hidden mse and 1 for all others. s.e. is the standard error of the mean
over the trials."""


def header(comparison: Comparison) -> Iterator[str]:
    """Name the experiment and its cells, and what all tables have in common."""
    yield f"{comparison.experiment}: {comparison.precision}, digest {comparison.digest[:12]}"
    for finding in comparison.cells:
        planned = "" if finding.trials == comparison.trials else f" of {comparison.trials}"
        cell = finding.cell
        yield (
            f"cell {cell.index}: {labels.model(cell)}, {labels.sizes(cell)}; gamma = {cell.aspect_ratio:.4g};"
            f" {finding.trials}{planned} trials"
        )
    yield CONVENTIONS
