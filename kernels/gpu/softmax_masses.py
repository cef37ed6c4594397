"""Masses under cross-entropy from tiles of probabilities, for many trials on the GPU.

The top class of a confident sample comes apart from its others, theory.md (2.5a). A closed gate is a factor 0
so that arrays of all trials have one shape. Half the samples have an open one: three quarters of the products
of pairs of samples with a tile are with zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..host.tops import SoftmaxTops
from .device import cupy, elements, empty, launch, products, to_device, to_host
from .matrices import symmetrize, trial_gram_sum
from .pair_sums import FeatureSums, column_dots, inner_products, summed, trial_masses, unit_masses
from .softmax import centered_columns, folded_probabilities, means_of, trial_moments, trial_softmax
from .tops import take_out, trial_tops
from .weights import trial_class_weights

Probabilities = Callable[[], Iterator[tuple[int, Any, Any]]]
"""First class, p (T, N, c) and V (T, c, k) of tiles that together run through all classes."""


class Tops(NamedTuple):
    """Top classes of confident samples."""

    found: SoftmaxTops
    """Those of all T N samples, one after another, on the host."""
    top: Any
    """(T, N) int64, -1 where a sample is not confident."""
    complement: Any
    """1 - p of it (T, N), 1 where there is none."""

    @classmethod
    def of(cls, tops: SoftmaxTops, trials: int) -> Tops:
        """Those of samples of `trials` trials."""
        shape = trials, len(tops.top) // trials
        return cls(tops, to_device(tops.top.reshape(shape)), to_device(tops.complement.reshape(shape)))

    @property
    def any(self) -> bool:
        """Whether there are confident samples."""
        return bool(self.found.confident.size)

    def add_across(self, start: int, p: Any, across: Any) -> None:
        """Write p_nt p_kt for the top classes t of n in a tile, unless t is that of k too, to (T, N, N)."""
        sizes = np.int64(start), np.int64(p.shape[2])
        rows = np.int64(p.shape[1]), np.int64(self.top.size)
        grid, block = elements(across.size)
        launch("masses.across", None, grid, block, p, *sizes, self.top, self.complement, *rows, across)


class OutputSums:
    """Masses of the output blocks, summed over the tiles so far. theory.md (2.5), (2.5a)"""

    def __init__(self, features: Any, tops: Tops) -> None:
        self.seen, self.tops = FeatureSums.of(features), tops
        self.diagonal, self.squares = (cupy().zeros(len(features), np.float64) for _ in range(2))
        self.products = cupy().zeros(self.seen.K.shape, np.float64)
        self.across = cupy().zeros(self.seen.K.shape, np.float64) if tops.any else None

    def add(self, start: int, p: Any) -> None:
        """Add a tile of probabilities, which lose those of top classes."""
        if self.across is not None:
            self.tops.add_across(start, p, self.across)
        weights = trial_class_weights(p, p, True)
        take_out(self.tops.found, start, p, weights)
        self.diagonal += self.seen.masses(weights)
        self.squares += self.seen.masses(p * p)
        trial_gram_sum(p.transpose(0, 2, 1), self.products)

    def end(self) -> NDArray[np.float64]:
        """Masses on the diagonal and off it, (T, 2)."""
        symmetrize(self.products)
        terms = self.products * self.products
        if self.across is not None:
            terms += self._pairs_with_a_top(self.across)
        off = summed(column_dots(terms, self.seen.K, 1 / terms.shape[1] ** 2))
        return np.stack([to_host(self.diagonal), to_host(off - self.squares)], axis=1)

    def _pairs_with_a_top(self, one: Any) -> Any:
        """Sum over c != e of p_c p_e p'_c p'_e where c or e is a top class of a sample, (T, N, N)."""
        other = cupy().ascontiguousarray(one.transpose(0, 2, 1))
        top, sure = self.tops.top, 1 - self.tops.complement  # 0 where there is none
        within = sure[:, :, None] * sure[:, None, :] * (top[:, :, None] == top[:, None, :])
        return 2 * (one * other + (one + other + within) * self.products)


def linear_softmax_masses(X: Any, tiles: Callable[[], Any]) -> NDArray[np.float64]:
    """Masses of vv_diag and vv_off (T, 2), from X (T, N, d) and tiles of V."""
    running = trial_softmax(X, tiles())

    def probabilities() -> Iterator[tuple[int, Any, Any]]:
        return folded_probabilities(running, tiles())

    sums = OutputSums(X.astype(np.float64, copy=False), Tops.of(trial_tops(running, probabilities()), len(X)))
    for start, p, _ in probabilities():
        sums.add(start, p)
    return sums.end()


class HiddenSamples(NamedTuple):
    """What the blocks of the W-layer and those between the layers need of the samples."""

    inputs: Any
    """(T, N, d) float64"""
    h: Any
    """(T, N, m) float64"""
    means: Any
    """V^T p_n less the center of V (T, N, m)."""
    apart: Any
    """v_t - V^T p_n for the top class t (T, N, m); any array of that shape where there is none."""
    labels: Any
    """(T, N) int64; None where they are not known, and the masses between the layers are not asked for."""


class UnitSums:
    """Covariances of the columns of V, and masses between the layers, summed over the tiles so far."""

    def __init__(self, samples: HiddenSamples, tops: Tops) -> None:
        self.samples, self.tops = samples, tops
        self.cross = cupy().zeros(len(samples.h), np.float64)
        self.inner_x, self.inner_h = inner_products(samples.inputs), inner_products(samples.h)
        self.covariances = [cupy().zeros(samples.h.shape, np.float64) for _ in range(samples.h.shape[2])]
        unknown = cupy().full(tops.top.shape, -1, np.int64)
        self.labels = unknown if samples.labels is None else samples.labels

    def add(self, start: int, p: Any, V: Any) -> None:
        """Add a tile of probabilities (T, N, c) and classes V (T, c, m), less the center. (2.6), (2.7)"""
        ones = cupy().full((*V.shape[:2], 1), 1.0, np.float64)
        for unit, covariances in enumerate(self.covariances):
            beside, column = self.cross_factors(start, p, V, unit)
            covariances += products(beside, V)
            # The sum of Q over all classes is 0 but for rounding, which V would multiply.
            covariances += products(beside, ones) * (0 - self.samples.means)
            if self.samples.labels is not None:
                of_unit = self.samples.h[:, :, unit]
                others = self.inner_h - of_unit[:, :, None] * of_unit[:, None, :]
                self.cross += summed(trial_masses(self.inner_x * others, beside))
                self.cross += self._column_masses(column)

    def _column_masses(self, column: Any) -> Any:
        """Sum over c of |(1/N) sum_n r_nc x_n|^2, (T,), r (T, N, c), by pairs of samples or by features."""
        X = self.samples.inputs
        _, n, d = X.shape
        if d >= n:
            return summed(trial_masses(self.inner_x, column))
        columns = products(X.transpose(0, 2, 1), column)
        return summed(column_dots(columns, columns, 1 / n**2))

    def cross_factors(self, start: int, p: Any, V: Any, unit: int) -> tuple[Any, Any]:
        """Class factors (T, N, c) of the columns of a cross block beside `unit`, and of its own column."""
        _, h, means, apart, _ = self.samples
        factors = empty(p.shape), empty(p.shape)
        place = np.int64(start), np.int64(p.shape[2])
        of_unit = h, means, np.int64(unit), np.int64(h.shape[2])
        of_tops = self.labels, self.tops.top, self.tops.complement, apart
        rows = np.int64(p.shape[1]), np.int64(self.tops.top.size)
        launch(
            "masses.cross_factors", None, *elements(p.size), p, V, *place, *of_unit, *of_tops, *rows, *factors
        )
        return factors

    def end(self) -> NDArray[np.float64]:
        """Masses of ww_diag and ww_off, (T, 2)."""
        gates = (self.samples.h > 0).astype(np.float64)
        weights = (
            covariances[:, :, : i + 1] * gates[:, :, : i + 1]
            for i, covariances in enumerate(self.covariances)
        )
        return unit_masses(self.inner_x, weights)


def hidden_softmax_masses(
    X: Any, h: Any, tiles: Callable[[], Any], center: Any, labels: Any
) -> NDArray[np.float64]:
    """Masses of ww_diag, ww_off, vv_diag, vv_off and, with labels (T, N), wv: (T, 5) or (T, 4).

    From X (T, N, d), relu(X W^T) (T, N, m), tiles of V, and a center of V (T, m).
    """
    running, totals = trial_moments(h, tiles(), center, to_device(np.empty((0, 2), np.int64)))
    means, exact = means_of(running, totals), h.astype(np.float64, copy=False)

    def probabilities() -> Iterator[tuple[int, Any, Any]]:
        return folded_probabilities(running, tiles())

    tops = Tops.of(trial_tops(running, probabilities()), len(X))
    apart = _apart(probabilities, center, tops, means.shape) if tops.any else means
    outputs = OutputSums(exact, tops)
    units = UnitSums(HiddenSamples(X.astype(np.float64, copy=False), exact, means, apart, labels), tops)
    for start, p, part in probabilities():
        units.add(start, p, _centered(part, center))
        outputs.add(start, p)
    parts = [units.end(), outputs.end()]
    return np.concatenate(parts if labels is None else [*parts, to_host(units.cross)[:, None]], axis=1)


def _centered(part: Any, center: Any) -> Any:
    """A tile of V (T, c, m) less the center (T, m), in float64."""
    none = to_device(np.empty((0, 2), np.int64))
    exact = part.astype(np.float64, copy=False), center.astype(np.float64, copy=False)
    return centered_columns(*exact, none)


def pick_rows(V: Any, start: int, chosen: Any, out: Any) -> None:
    """Copy to out (T, N, m) the rows chosen (T, N) of a tile V (T, c, m), float64, from class `start` on."""
    _, classes, k = V.shape
    sizes = np.int64(start), np.int64(classes), np.int64(k)
    rows = np.int64(chosen.shape[1]), np.int64(chosen.size)
    launch("masses.pick_rows", None, *elements(out.size), V, *sizes, chosen, *rows, out)


def _apart(probabilities: Probabilities, center: Any, tops: Tops, shape: tuple[int, ...]) -> Any:
    """v_t - V^T p_n of confident samples: (1 - p_t) v_t less the sum of p_c v_c over the other classes."""
    rows, others = cupy().zeros(shape, np.float64), cupy().zeros(shape, np.float64)
    for start, p, part in probabilities():
        V = _centered(part, center)
        pick_rows(V, start, tops.top, rows)
        take_out(tops.found, start, p, empty(p.shape))
        others += products(p, V)
    return tops.complement[:, :, None] * rows - others
