"""Many bracketed roots at once."""

from collections.abc import Callable

import numpy as np

from .measure import Floats, Indices

# At least every second step halves the bracket: what is left then is 2^-100 of it.
_MAX_ITERATIONS = 200
_EPS = np.finfo(float).eps


def increasing_roots(
    function: Callable[[Floats, Indices], tuple[Floats, Floats]],
    low: Floats,
    high: Floats,
    start: Floats,
    noise: Floats | float = 0.0,
) -> Floats:
    """Roots of increasing functions by Newton steps that never leave a shrinking bracket.

    A step that leaves its bracket, or follows one that did not halve the bracket or the step, becomes a
    bisection, so that every root comes to working precision whatever the start.

    Parameters
    ----------
    function : callable
        ``function(x, which)`` returns values and slopes of the functions with indices ``which``.
    low, high, start : ndarray, shape (n,)
        Brackets and first guesses.
    noise : float or ndarray, shape (n,), optional
        Size of the function that is as good as zero.

    Returns
    -------
    roots : ndarray, shape (n,)

    Raises
    ------
    ArithmeticError
        Where a function is not a number: what bisections would lead to then is no root.
    """
    low, high, x = low.copy(), high.copy(), np.clip(start, low, high)
    last, noise = high - low, np.broadcast_to(noise, x.shape)
    active = np.arange(x.size)
    for _ in range(_MAX_ITERATIONS):
        if active.size == 0:
            break
        value, slope = function(x[active], active)
        if np.isnan(value).any():
            raise ArithmeticError(
                f"root: expected a function with values, got nan at {x[active][np.isnan(value)][0]}"
            )
        below = value < 0
        low[active[below]] = x[active[below]]
        high[active[~below]] = x[active[~below]]
        a, b = low[active], high[active]
        with np.errstate(divide="ignore", invalid="ignore"):  # no slope, no step: such become bisections
            new = x[active] - value / slope
        step = np.abs(new - x[active])
        bisect = ~((new >= a) & (new <= b) & (step <= 0.5 * last[active]))
        new[bisect] = 0.5 * (a + b)[bisect]
        last[active] = np.where(bisect, b - a, step)
        met = np.abs(value) <= noise[active]
        done = (np.abs(new - x[active]) <= 2 * _EPS * np.abs(new)) | met
        x[active] = np.where(met, x[active], new)
        active = active[~done]
    return x
