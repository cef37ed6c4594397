"""Faults planted in the CUDA sources, each of which the checks of its unit must find.

Every barrier deleted, bounds moved by one, constants changed. A row is (unit, what is wrong, text,
replacement); `occurrence` says which one is meant where the text occurs more than once.
"""

from typing import NamedTuple


class Mutant(NamedTuple):
    """One fault."""

    unit: str
    fault: str
    text: str
    replacement: str
    occurrence: int = 0

    def apply(self, source: str) -> str:
        """The source with the fault in it; ValueError if there is no such place."""
        parts = source.split(self.text)
        if len(parts) < self.occurrence + 2:
            raise ValueError(f"{self.unit}: {self.text!r} occurs {len(parts) - 1} times")
        head, tail = parts[: self.occurrence + 1], parts[self.occurrence + 1 :]
        return self.text.join(head) + self.replacement + self.text.join(tail)


BARRIER = "__syncthreads();"

MUTANTS = (
    # barriers
    Mutant("spectra", "reduction before: scratch still read", BARRIER, ";", 0),
    Mutant("spectra", "reduction: scratch not yet written", BARRIER, ";", 1),
    Mutant("classes", "maximum of a row: scratch not yet written", BARRIER, ";", 1),
    Mutant("tops", "largest of a row: scratch not yet written", BARRIER, ";", 1),
    Mutant("gram", "rows before: counts of the warps still read", BARRIER, ";", 2),
    Mutant("gram", "counts of the warps not yet written", BARRIER, ";", 3),
    Mutant("gram", "column sums of the warps not yet written", BARRIER, ";", 4),
    Mutant("householder", "reduction: scratch not yet written", BARRIER, ";", 1),
    Mutant("householder", "reflector not yet written", BARRIER, ";", 2),
    Mutant("householder", "product with the reflector not yet written", BARRIER, ";", 3),
    Mutant("householder", "companion vector not yet written", BARRIER, ";", 4),
    Mutant("householder", "matrix not yet scaled", BARRIER, ";", 5),
    Mutant("householder", "matrix not yet updated", BARRIER, ";", 6),
    # bounds
    Mutant("random", "one word too many", "i < count", "i <= count"),
    Mutant("random", "one element too many", "position + lane < size", "position + lane <= size"),
    Mutant("random", "one element before the range", "position + lane >= 0", "position + lane >= -1"),
    Mutant("random", "last block left out", "b < range.blocks", "b < range.blocks - 1"),
    Mutant("random", "offset in the first block lost", "offset((i64)(start % lanes))", "offset(0)"),
    Mutant("classes", "one class too many in the sum", "c < classes", "c <= classes", 1),
    Mutant("classes", "last row not started", "n < rows", "n < rows - 1", 0),
    Mutant("classes", "chosen class of an earlier tile", "c >= 0 && c < classes", "c < classes"),
    Mutant("classes", "last sum not accumulated", "i < rows * columns", "i < rows * columns - 1", 0),
    Mutant("tops", "one class too many in the largest", "c < classes", "c <= classes", 0),
    Mutant("tops", "one class too many in the others", "c < classes", "c <= classes", 2),
    Mutant("tops", "one place too many", "i < count", "i <= count"),
    Mutant("tops", "last pair left out", "r < count", "r < count - 1"),
    Mutant("tops", "one class too many in the moments", "c < classes", "c <= classes", 3),
    Mutant("weights", "one weight too many", "n < count", "n <= count", 0),
    Mutant("weights", "one gated weight too many", "n < count", "n <= count", 1),
    Mutant("weights", "gate open at zero", "a[n] > 0", "a[n] >= 0"),
    Mutant("gram", "one column too many scaled", "i < columns", "i <= columns"),
    Mutant("gram", "one weight too many placed", "row < rows && weights", "row <= rows && weights"),
    Mutant("gram", "lane counts itself", "(1u << lane) - 1", "(2u << lane) - 1"),
    Mutant("gram", "rows of the first warps forgotten", "placed += all", "placed = all"),
    Mutant("gram", "last row not symmetrized", "row < n", "row < n - 1", 0),
    Mutant("gram", "one column too many symmetrized", "column < n", "column <= n", 0),
    Mutant("gram", "diagonal not added", "column = row + threadIdx.x", "column = row + 1 + threadIdx.x", 1),
    Mutant(
        "gram",
        "a row left out of the column sums",
        "row < rows; row += blockDim.y",
        "row < rows - 1; row += blockDim.y",
    ),
    Mutant("gram", "one column sum too many", "threadIdx.y == 0 && column < columns", "threadIdx.y == 0"),
    Mutant("masses", "last row not picked", "i < rows * k", "i < rows * k - 1"),
    Mutant("masses", "row of an earlier tile picked", "c >= 0 && c < classes", "c < classes", 0),
    Mutant("masses", "row of a later tile picked", "c >= 0 && c < classes", "c >= 0", 0),
    Mutant("masses", "last pair of samples left out", "i < rows * samples", "i < rows * samples - 1"),
    Mutant("masses", "top class of an earlier tile", "c >= 0 && c < classes", "c < classes", 1),
    Mutant("masses", "top class of a later tile", "c >= 0 && c < classes", "c >= 0", 1),
    Mutant("masses", "last factor left out", "i < rows * classes", "i < rows * classes - 1"),
    Mutant("masses", "open at zero", "h[at] > 0", "h[at] >= 0"),
    Mutant("householder", "a row of the product left out", "i < m", "i < m - 1", 2),
    Mutant("householder", "a column of the update left out", "j < m", "j < m - 1", 1),
    Mutant("spectra", "last row left out of the count", "i < n; ++i", "i < n - 1; ++i"),
    Mutant("spectra", "one shift too many", "i < count", "i <= count"),
    Mutant("spectra", "one entry too many scanned", "i < n - k", "i < n"),
    Mutant("spectra", "last row left out of the moments", "i <= last", "i < last"),
    Mutant("spectra", "coupling beyond the last row", "if (i < last) {", "if (i <= last) {"),
    Mutant("spectra", "one eigenvalue too many", "i < n; i += grid_threads()", "i <= n; i += grid_threads()"),
    # constants and formulas
    Mutant("random", "multiplier of Philox", "0xD2511F53u", "0xD2511F55u"),
    Mutant("random", "Weyl constant of Philox", "0xBB67AE85u", "0xBB67AE84u"),
    Mutant("random", "nine rounds", "round < 10", "round < 9"),
    Mutant("random", "words of 64 bits swapped", "w.x | ((u64)w.y << 32)", "w.y | ((u64)w.x << 32)"),
    Mutant("random", "coefficient of the logarithm", "0.14795954280494386", "0.1479596"),
    Mutant("random", "coefficient of the float logarithm", "0.29871684f", "0.2988f"),
    Mutant("random", "coefficient of the sine", "3.7812247226084974", "3.78123"),
    Mutant("random", "coefficient of the float cosine", "59.245983f", "59.25f"),
    Mutant("random", "quarter turn rounded down", "k + (1ull << 50)", "k + (1ull << 49)"),
    Mutant("random", "angle in [0, 1)", "(angle_word >> 11) + 1", "(angle_word >> 11)"),
    Mutant("random", "sign of the cosine", "(quarter + 1) << 62", "quarter << 62"),
    Mutant("classes", "ln 2 in the exponential", "6.93147180369123816490e-01", "6.93147180369133816490e-01"),
    Mutant("classes", "ln 2 in the float exponential", "0.693359375f", "0.69336f"),
    Mutant("classes", "maximum begins at zero", "(-1 / (real)0)", "((real)0)"),
    Mutant(
        "classes", "earlier sums not rescaled", "sums[blockIdx.x] * factor + sum", "sums[blockIdx.x] + sum"
    ),
    Mutant("classes", "earlier totals not rescaled", "totals[i] * rescale[i / columns]", "totals[i]"),
    Mutant("classes", "one factor of a product not centered", "(v[b] - c[b])", "v[b]"),
    Mutant("classes", "product of means not subtracted", " - (a / sum) * (b / sum)", ""),
    Mutant("classes", "sum of the first row for all", "total[i / count]", "total[0]"),
    Mutant("tops", "last of equal places", "-(double)c", "(double)c"),
    Mutant("tops", "the largest among the others", "if (c != (i64)first) ", ""),
    Mutant("tops", "p stays", "p[where[i]] = 0;", ""),
    Mutant("tops", "moments of an earlier tile forgotten", "+ r] += sum", "+ r] = sum"),
    Mutant("tops", "second factor not centered", "((double)v[b] - (double)o[b])", "(double)v[b]"),
    Mutant("weights", "sign of the weights between classes", "-q[n]", "q[n]"),
    Mutant("weights", "factor of the first trial for all", "factor[n / shared]", "factor[n % shared]"),
    Mutant("gram", "sign of the weight lost", "w < 0 ? -scaled : scaled", "scaled"),
    Mutant("gram", "rows of weight zero scaled", "if (w == 0) continue;", ""),
    Mutant("gram", "mean not taken", "matrix[row * n + column] * factor", "matrix[row * n + column]"),
    Mutant("masses", "rows of the first trial for all", "row / samples * classes + c", "c"),
    Mutant(
        "masses", "samples of the first trial for all", "n / samples * samples + i % samples", "i % samples"
    ),
    Mutant("masses", "pairs that share their top class", "top[k] == top[n] ? 0.0 : ", ""),
    Mutant("masses", "classes of the first trial for all", "(n / samples * classes + c) * k", "c * k"),
    Mutant("masses", "tops like others", "is_top ? apart[at] : ", ""),
    Mutant("masses", "learned residual as a difference", "is_top ? -complement[n] : p[i] - 1", "p[i] - 1"),
    Mutant("masses", "residual left out", "h[at] * q + residual", "h[at] * q"),
    Mutant("householder", "overlap not halved", "tau * overlap / 2", "tau * overlap"),
    Mutant("householder", "matrix not brought near 1", "exponent < -1000 ? 1000 : -exponent", "0"),
    Mutant("householder", "half of the update", "v[i] * w[j] + w[i] * v[j]", "v[i] * w[j]"),
    Mutant("spectra", "zero pivot", "fabs(pivot) < SMALLEST_NORMAL", "false"),
    Mutant("spectra", "matrix not brought near 1", "exponent < -1000 ? 1000 : -exponent", "0"),
    Mutant("spectra", "largest eigenvalue but one", "end == 0 ? 1 : rows", "end == 0 ? 1 : rows - 1"),
    Mutant("spectra", "sections of the other end", "(passed >> (end * SECTIONS))", "passed"),
    Mutant(
        "spectra",
        "next eigenvalue",
        "zeros_below(form, n, x) > i",
        "zeros_below(form, n, x) > i + 1",
    ),
    Mutant("spectra", "zero rows below zero", "x > 0 ? n - form.rows", "x >= 0 ? n - form.rows"),
    Mutant("spectra", "zero rows left out of the extremes", "form.rows == n || ", "true || "),
    Mutant("spectra", "last row that is not zero left out", "last, i + k + 1", "last, i + k"),
    Mutant("spectra", "walks of length four", "4 * edge * b[i + 1]", "2 * edge * b[i + 1]"),
    Mutant("spectra", "walks of length three", "3 * edge", "2 * edge"),
)
