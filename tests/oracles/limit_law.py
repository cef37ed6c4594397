"""Densities of few-atom laws by mpmath at 50 digits, and noncrossing partitions by enumeration."""

import itertools

import mpmath as mp


def cubic_density(weights, probabilities, gamma, x):
    """Density of a two-atom law from theory.md (3.1) as a cubic in s, by Cardano's formula at 50 digits.

    s (E - x) = 1 with E = sum p l / (1 + g l s); times (1 + g l1 s)(1 + g l2 s).
    """
    with mp.workdps(50):
        (l1, l2), (p1, p2) = map(mp.mpf, weights), map(mp.mpf, probabilities)
        g, x = mp.mpf(gamma), mp.mpf(float(x))
        u, v = g * l1, g * l2
        c3 = -x * u * v
        c2 = p1 * l1 * v + p2 * l2 * u - x * (u + v) - u * v
        c1 = p1 * l1 + p2 * l2 - x - (u + v)
        shift = c2 / (3 * c3)
        p = c1 / c3 - 3 * shift**2
        q = 2 * shift**3 - shift * c1 / c3 - 1 / c3
        root = mp.sqrt(q * q / 4 + p**3 / 27 + mp.mpc(0))
        big = -q / 2 + root if abs(-q / 2 + root) > abs(-q / 2 - root) else -q / 2 - root
        t = mp.cbrt(big)
        turns = [t * mp.expjpi(mp.mpf(2 * k) / 3) for k in range(3)]
        return max((r - p / (3 * r) - shift).imag for r in turns) / mp.pi


def product(factors):
    """Coefficients of a product of linear factors, highest power first."""
    total = [mp.mpf(1)]
    for a, b in factors:
        total = [a * u + b * v for u, v in zip([*total, 0], [0, *total], strict=True)]
    return total


def polynomial_density(weights, probabilities, gamma, x):
    """Density of a law of several atoms from theory.md (3.1) in e = gamma s, cleared of its denominators.

    x e prod(1 + l e) + gamma prod(1 + l e) - e sum_k p_k l_k prod_(j != k)(1 + l_j e) = 0, by the eigenvalues
    of its companion matrix at 50 digits.
    """
    with mp.workdps(50):
        g, x = mp.mpf(gamma), mp.mpf(float(x))
        factors = [(mp.mpf(a), mp.mpf(1)) for a in weights]
        coefficients = product([*factors, (x, g)])
        for k, (a, b) in enumerate(zip(weights, probabilities, strict=True)):
            rest = product([*factors[:k], *factors[k + 1 :], (1, 0)])
            for power, value in enumerate(reversed(rest)):
                coefficients[-1 - power] -= mp.mpf(b) * a * value
        n = len(coefficients) - 1
        companion = mp.zeros(n)
        for k in range(n):
            companion[0, k] = -coefficients[k + 1] / coefficients[0]
            if k:
                companion[k, k - 1] = 1
        return max(e.imag for e in mp.eig(companion, left=False, right=False)) / (g * mp.pi)


def noncrossing_partitions(k):
    """All noncrossing partitions of range(k), each as a list of blocks, by brute force."""

    def partitions(items):
        if not items:
            yield []
            return
        for rest in partitions(items[1:]):
            yield [[items[0]], *rest]
            for i, block in enumerate(rest):
                yield [*rest[:i], [items[0], *block], *rest[i + 1 :]]

    def crosses(one, two):
        pairs = itertools.product(itertools.combinations(one, 2), itertools.combinations(two, 2))
        return any(a < c < b < d or c < a < d < b for (a, b), (c, d) in pairs)

    for partition in partitions(list(range(k))):
        if not any(crosses(a, b) for a, b in itertools.combinations(partition, 2)):
            yield partition
