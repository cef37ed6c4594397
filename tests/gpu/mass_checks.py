"""What the kernels of masses must do on the emulator, as `checks` has it for others."""

from typing import Any

import numpy as np

from rmtsim.kernels.gpu import device
from rmtsim.kernels.gpu import softmax_masses as gpu_masses
from rmtsim.kernels.host.tops import SoftmaxTops

from .checks import SHAPES, launched, same_bits


def masses() -> None:
    """What masses take of a tile of classes, two trials at a time, against NumPy to the bit."""
    rng = np.random.default_rng(9)
    for samples, n_classes, k in ((1, 1, 1), (3, 31, 2), (5, 33, 3), (2, 300, 1)):
        top = rng.integers(-1, n_classes + 8, (2, samples))
        top[-1, -1] = FIRST + n_classes - 1
        labels = np.where(rng.random(top.shape) < 0.5, top, rng.integers(0, n_classes + 8, top.shape))
        p, complement = rng.random((2, samples, n_classes)), rng.random(top.shape)
        V, h = rng.normal(size=(2, n_classes, k)), rng.choice([-1.0, 0.0, 0.5, 2.0], (2, samples, k))
        for threads, limit in SHAPES:
            with launched(threads, limit):
                picked_rows(V, top)
                across_tops(p, top, complement)
                cross_factors(p, V, h, labels, top, complement)


FIRST = 4
"""First class of the tile; some chosen classes lie in others, before and after it."""


def picked_rows(V: np.ndarray, chosen: np.ndarray) -> None:
    """Rows of the chosen classes; those of other tiles leave what is there."""
    wanted = np.full((*chosen.shape, V.shape[2]), 7.0)
    for trial, n in np.argwhere((chosen >= FIRST) & (chosen < FIRST + V.shape[1])):
        wanted[trial, n] = V[trial, chosen[trial, n] - FIRST]

    def found() -> Any:
        out = device.to_device(np.full_like(wanted, 7.0))
        gpu_masses.pick_rows(device.to_device(V), FIRST, device.to_device(chosen), out)
        return out

    np.testing.assert_array_equal(same_bits(found, range(2)), wanted)


def tops_of(top: np.ndarray, complement: np.ndarray) -> gpu_masses.Tops:
    found = SoftmaxTops(np.zeros(top.size), top.ravel(), complement.ravel())
    return gpu_masses.Tops.of(found, len(top))


def across_tops(p: np.ndarray, top: np.ndarray, complement: np.ndarray) -> None:
    """Products of p for the top class of each sample of the tile, 0 where it is the other's too."""
    samples = top.shape[1]
    wanted = np.full((2, samples, samples), 7.0)
    for trial, n in np.argwhere((top >= FIRST) & (top < FIRST + p.shape[2])):
        sure, of_class = 1 - complement[trial, n], p[trial, :, top[trial, n] - FIRST]
        wanted[trial, n] = np.where(top[trial] == top[trial, n], 0, sure * of_class)

    def found() -> Any:
        out = device.to_device(np.full_like(wanted, 7.0))
        tops_of(top, complement).add_across(FIRST, device.to_device(p), out)
        return out

    np.testing.assert_array_equal(same_bits(found, range(2)), wanted)


def cross_factors(
    p: np.ndarray, V: np.ndarray, h: np.ndarray, labels: np.ndarray, top: np.ndarray, complement: np.ndarray
) -> None:
    """Class factors of the last hidden unit."""
    means, apart = np.random.default_rng(1).normal(size=(2, *h.shape))
    places, unit = FIRST + np.arange(p.shape[2]), h.shape[2] - 1
    is_top, is_label = (of[:, :, None] == places for of in (top, labels))
    of_unit = [array[:, :, unit, None] for array in (h, means, apart)]
    q = p * np.where(is_top, of_unit[2], V[:, None, :, unit] - of_unit[1])
    g = np.where(is_label, np.where(is_top, -complement[:, :, None], p - 1), p)
    gate = of_unit[0] > 0
    wanted = np.stack([np.where(gate, q, 0), np.where(gate, of_unit[0] * q + g, 0)])
    given = [device.to_device(array) for array in (h, means, apart, labels)]

    def found() -> Any:
        samples = gpu_masses.HiddenSamples(given[0], *given)
        sums = gpu_masses.UnitSums(samples, tops_of(top, complement))
        parts = sums.cross_factors(FIRST, device.to_device(p), device.to_device(V), unit)
        return device.to_device(np.stack([device.to_host(part) for part in parts]))

    np.testing.assert_array_equal(same_bits(found, range(2)), wanted)
