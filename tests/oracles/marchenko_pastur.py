"""The Marchenko-Pastur law by mpmath, at as many digits as its cancellations ask for."""

import mpmath as mp


def marchenko_pastur(aspect_ratio, scale, x):
    """Density, distribution and survival function of the continuous part at a point of the bulk.

    From the root w = 1 + r of x/scale = gamma w + w / (w - 1), Im w > 0: s = -1 / (gamma w), and its
    antiderivative gives

        F(x) = 1 - [ (gamma - 1) arg w + arg r - gamma Im r ] / (pi gamma).
    """
    digits = 60 + sum(3 * abs(int(mp.log10(mp.mpf(v)))) for v in (aspect_ratio, x))
    with mp.workdps(digits):
        gamma, z = mp.mpf(aspect_ratio), mp.mpf(x) / mp.mpf(scale)
        root = mp.sqrt(gamma)
        radical = (z - (1 - root) ** 2) * ((1 + root) ** 2 - z)
        if radical <= 0:
            raise ValueError(f"{x} is off the bulk")
        r = mp.mpc(z - gamma - 1, mp.sqrt(radical)) / (2 * gamma)
        upper = ((gamma - 1) * mp.arg(1 + r) + mp.arg(r) - gamma * r.imag) / (mp.pi * gamma)
        density = (1 / (1 + r)).imag / (-gamma * mp.pi * mp.mpf(scale))
        return density, 1 - max(0, 1 - 1 / gamma) - upper, upper


def transform(aspect_ratio, scale, z):
    """Stieltjes transform -2 / (scale (z + gamma - 1 + radical)), radical ~ z at infinity."""
    with mp.workdps(60 + abs(int(mp.log10(mp.mpf(aspect_ratio))))):
        gamma, z = mp.mpf(aspect_ratio), mp.mpmathify(z) / mp.mpf(scale)
        root = mp.sqrt(gamma)
        radical = mp.sqrt(z - (1 - root) ** 2) * mp.sqrt(z - (1 + root) ** 2)
        return -2 / (z + gamma - 1 + radical) / mp.mpf(scale)
