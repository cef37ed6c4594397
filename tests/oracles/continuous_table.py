"""Writes tests/laws/reference_continuous.json: laws of continuous weights from the bulk to the tails.

Run it from the folder tests: ``python -m oracles.continuous_table`` (some minutes).

Every entry has the density, the distribution function and its complement, rounded to doubles, at points that
are exactly the doubles in the file: quantiles, and points where the density is a given part of its maximum,
or (where it never falls so low) at that part of the way to the end of the support.
"""

import json
import math
from itertools import pairwise
from pathlib import Path

import mpmath as mp
import numpy as np

from .continuous_law import DIGITS, STEP, ContinuousLaw, Weights

LEVELS = (0.01, 0.03, 0.07, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.92, 0.96, 0.98, 0.99)
TAIL = (0.75, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0)
INF = math.inf

# Weights by kind and parameters; each part of a mixture with its share, the rest being weights of zero.
UNIFORM, WIDE, SIGNED = ("beta", 1, 1, 0.5, 2.0), ("beta", 1, 1, 0.0, 1.0), ("beta", 1, 1, -1.0, 2.0)
LOW, HIGH = ("beta", 1, 1, 0.125, 0.25), ("beta", 1, 1, 3.0, 4.0)
ONE, TWO = ("log_normal", -0.5, 1), ("log_normal", -1, 2)
LOGISTIC = ("logistic_normal",)

# Name, mixture, aspect ratio, intervals of e that hold one critical point each, ends of the support where
# they are no critical points, further points.
LAWS = [
    ("uniform", [(1, UNIFORM)], 0.5, [(0.01, 1e4), (-0.4999, -1e-3)], [None, None], []),
    ("uniform with atom", [(1, UNIFORM)], 2.0, [(-1e4, -2.001), (-0.4999, -1e-3)], [None, None], []),
    ("uniform down to zero", [(1, WIDE)], 0.5, [(0.01, 1e4), (-0.9999, -1e-3)], [None, None], []),
    ("uniform down to zero, with atom", [(1, WIDE)], 2.0, [(-0.9999, -1e-3)], [0.0, None], []),
    ("uniform of both signs", [(1, SIGNED)], 0.25, [(1e-3, 0.9999), (-0.4999, -1e-3)], [None, None],
     [-1e-3, -1e-6, 1e-6, 1e-3]),
    ("gated uniform of both signs", [(0.5, SIGNED)], 0.75, [(1e-3, 0.9999), (-0.4999, -1e-3)], [None, None],
     [-1e-3, -1e-6, 1e-6, 1e-3]),
    ("two bulks", [(0.5, LOW), (0.5, HIGH)], 4.0,
     [(-1e4, -8.001), (-3.999, -2.0), (-0.9, -0.3334), (-0.2499, -1e-3)], [None, None], []),
    ("beta(2, 3)", [(1, ("beta", 2, 3, 0.0, 1.0))], 0.5, [(0.01, 1e4), (-0.9999, -1e-3)], [None, None], []),
    ("arcsine", [(1, ("beta", 0.5, 0.5, 0.0, 1.0))], 0.25, [(0.01, 1e4), (-0.9999, -1e-3)], [None, None], []),
    ("beta(2, 5), its own end", [(1, ("beta", 2, 5, 0.0, 1.0))], 0.75, [(0.01, 1e4)], [None, "end"], []),
    ("logistic-normal", [(1, LOGISTIC)], 0.5, [(0.01, 1e5), (-3.9, -1e-3)], [None, None], []),
    ("logistic-normal, large sample", [(1, LOGISTIC)], 0.0625, [(0.01, 1e5), (-3.9, -1e-3)], [None, None],
     []),
    ("log-normal", [(1, ONE)], 0.5, [(0.01, 1e5)], [None, INF], []),
    ("log-normal, large sample", [(1, ONE)], 0.03125, [(0.01, 1e5)], [None, INF], []),
    ("log-normal with atom", [(1, ONE)], 2.0, [], [0.0, INF], []),
    ("log-normal, few samples", [(1, ONE)], 16.0, [], [0.0, INF], []),
    ("gated log-normal", [(0.25, ONE)], 0.125, [(0.01, 1e5)], [None, INF], []),
    ("product of log-normals", [(1, TWO)], 0.5, [(0.01, 1e6)], [None, INF],
     [8.201963544071521, 11.072074757679637, 24.913082440631875]),
    ("product of log-normals, large sample", [(1, TWO)], 0.0625, [(0.01, 1e6)], [None, INF], []),
    ("product of log-normals with atom", [(1, TWO)], 2.0, [], [0.0, INF], []),
]  # fmt: skip


def make_weights(mixture, refine=1):
    """Weights of a mixture; ``refine`` divides the step of the quadrature."""
    parts = []
    for share, (kind, *parameters) in mixture:
        step = STEP / refine / (2 if kind == "logistic_normal" else 1)
        parts.append((share, getattr(Weights, kind)(*parameters, step=step)))
    return parts[0][1] if len(parts) == 1 and parts[0][0] == 1 else Weights.mixture(parts)


def bisect(goes_on, low, high):
    """Last double of a sequence of intervals with goes_on(low) and not goes_on(high)."""
    for _ in range(45):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if goes_on(middle) else (low, middle)
    return low


def quantile(law, level, ends):
    low, high = ends
    return bisect(lambda x: law.rounded(x)[1] < level, low, high)


def tail(law, start, end, sign, peak):
    """Points from ``start`` towards ``end`` where the density is 10^-k of its peak, k in TAIL."""

    def place(t):
        return start + sign * (10.0**t - 1) if math.isinf(end) else end + (start - end) * 10.0**-t

    points = []
    for k in TAIL:

        def above(t, k=k):
            return law.rounded(place(t))[0] > peak * 10.0**-k

        step = next((t for t in np.arange(0.25, 13, 0.25) if not above(t)), None)
        points.append(place(k if step is None else bisect(above, step - 0.25, step)))
    return points


def entry(name, mixture, gamma, brackets, given_ends, extra):
    """One law of the table."""
    law, finer = (ContinuousLaw(make_weights(mixture, refine), gamma) for refine in (1, 2))
    edges = [law.edge(*bracket) for bracket in brackets]
    mass = sum(share for share, _ in mixture)
    atom = max(0.0, 1 - mass / gamma)
    if given_ends[1] == "end":  # the law ends where the weights do, at e = -1
        e = mp.mpf(-1)
        given_ends = [None, float(mp.re(law.weights.resolvent(e)[0]) - law.gamma / e)]
    inner = iter(float(edge) for edge in edges)
    left = next(inner) if given_ends[0] is None else given_ends[0]
    right = float(edges[-1]) if given_ends[1] is None else given_ends[1]
    width = (left, right if math.isfinite(right) else 1e4)
    below = law.rounded(-1e-9)[1]
    levels = [q * (1 - atom) if q * (1 - atom) < below else q * (1 - atom) + atom for q in LEVELS]
    bulk = [quantile(law, level, width) for level in levels]
    peak = max(law.rounded(x)[0] for a, b in pairwise(bulk) for x in np.linspace(a, b, 5))
    x = [*bulk, *tail(law, bulk[0], left, -1, peak), *tail(law, bulk[-1], right, 1, peak), *extra]
    x = sorted(set(map(float, x)))
    rows, worst = [], 0.0
    for index, point in enumerate(x):
        s = law.transform(point)
        if index in (0, len(x) // 2, len(x) - 1):
            worst = max(worst, float(abs(s.imag / finer.transform(point).imag - 1)))
        level = law.distribution(point, s)
        rows.append((float(s.imag / mp.pi), float(level), float(1 - level)))
    print(
        f"{name}: {len(x)} points, density moves by {worst:.1e} at half the step",
        flush=True,
    )
    assert worst < 1e-20
    density, level, complement = (list(column) for column in zip(*rows, strict=True))
    ends = [0.0] if given_ends[0] == 0 else []
    ends += [float(edge) for edge in edges]
    ends += [] if given_ends[1] is None else [None if math.isinf(right) else right]
    return {
        "name": name,
        "mixture": [
            {"share": share, "law": kind, "parameters": list(parameters)}
            for share, (kind, *parameters) in mixture
        ],
        "aspect_ratio": gamma,
        "atom": atom,
        "support": ends,  # ends of the bulks; null at infinity
        "peak": peak,
        "x": x,
        "density": density,
        "distribution": level,
        "complement": complement,
    }


if __name__ == "__main__":
    target = Path(__file__).parents[1] / "laws" / "reference_continuous.json"
    with mp.workdps(DIGITS):
        table = [entry(*law) for law in LAWS]
    target.write_text("[\n" + ",\n".join(map(json.dumps, table)) + "\n]\n", encoding="utf-8")
