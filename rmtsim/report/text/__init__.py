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


def header(comparison: Comparison) -> Iterator[str]:
    """Name the experiment and its cells."""
    yield f"{comparison.experiment}: {comparison.precision}, digest {comparison.digest[:12]}"
    for finding in comparison.cells:
        planned = "" if finding.trials == comparison.trials else f" of {comparison.trials}"
        cell = finding.cell
        yield (
            f"cell {cell.index}: {labels.model(cell)}, {labels.sizes(cell)}; gamma = {cell.aspect_ratio:.4g};"
            f" {finding.trials}{planned} trials"
        )
