"""Masses of all output-layer blocks together, theory.md (2.5)."""

import numpy as np
import pytest

from rmtsim import kernels

from .. import rounding


@pytest.fixture(params=kernels.DEVICES)
def device(request: pytest.FixtureRequest) -> kernels.Operations:
    return kernels.load(request.param)


def model(n_classes: int = 23) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n_classes)
    return rng.normal(size=(9, 4)), rng.normal(size=(n_classes, 4))


def test_sums_over_blocks_that_are_formed(device: kernels.Operations) -> None:
    features, V = model()
    p = np.exp(features @ V.T)
    p /= p.sum(axis=1, keepdims=True)
    blocks = np.einsum("nc,nce,ni,nj->ceij", p, np.eye(23) - p[:, None, :], features, features) / 9
    squares = (blocks**2).sum(axis=(2, 3))
    diagonal = np.trace(squares)
    found = device.class_mass_totals(features, V)
    bound = rounding.masses(features, features, V) * diagonal
    np.testing.assert_allclose(found, [diagonal, squares.sum() - diagonal], rtol=0, atol=bound)


@pytest.mark.parametrize("tile", [1, 7, 22, 23, 100])
def test_the_tile_changes_nothing_but_rounding(device: kernels.Operations, tile: int) -> None:
    features, V = model()
    whole = device.class_mass_totals(features, V)
    bound = rounding.masses(features, features, V) * whole[0]
    np.testing.assert_allclose(device.class_mass_totals(features, V, tile), whole, rtol=0, atol=bound)


def test_known_tops_give_the_same(device: kernels.Operations) -> None:
    features, V = model()
    known = device.class_mass_totals(features, V, tops=device.softmax_tops(features, V))
    np.testing.assert_array_equal(known, device.class_mass_totals(features, V))


def test_one_class_has_no_weight_and_no_other(device: kernels.Operations) -> None:
    np.testing.assert_array_equal(device.class_mass_totals(*model(1)), 0)


def test_what_does_not_fit_is_refused(device: kernels.Operations) -> None:
    features, V = model()
    with pytest.raises(ValueError, match=r"features: expected at least one sample, got shape \(0, 4\)"):
        device.class_mass_totals(features[:0], V)
    tops = device.softmax_tops(features, V)
    with pytest.raises(ValueError, match=r"tops.log_z: expected shape \(9,\), got \(8,\)"):
        device.class_mass_totals(features, V, tops=tops._replace(log_z=np.zeros(8)))
    with pytest.raises(ValueError, match=r"tops.top: expected classes in \[0, 23\) or -1, got -1 to 23"):
        device.class_mass_totals(
            features, V, tops=tops._replace(top=np.full(9, -1) + 24 * (np.arange(9) == 3))
        )
