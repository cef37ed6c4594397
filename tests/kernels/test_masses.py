"""Masses of all blocks together, theory.md (2.5)-(2.7); tests/models holds them against explicit Hessians."""

import numpy as np
import pytest
from numpy.typing import NDArray

from rmtsim import kernels
from rmtsim.kernels.arguments import classes as tiles
from rmtsim.kernels.cpu import mass_work

from .. import rounding
from ..oracles.brute import softmax

ACTIVATIONS = ("relu", "leaky_relu", "identity", "tanh", "gelu")
SIZES = ((40, 6, 11, 3), (22, 6, 9, 3), (7, 12, 300, 4), (1, 1, 1, 1), (30, 9, 2, 5))
"""(N, d, C, m): some of which output blocks are formed entry by entry, m (m+1) <= N, and some not."""


@pytest.fixture(params=kernels.DEVICES)
def device(request: pytest.FixtureRequest) -> kernels.Operations:
    return kernels.load(request.param)


@pytest.fixture(scope="module")
def cpu() -> kernels.Operations:
    return kernels.load("cpu")


def linear(n_classes: int = 23) -> tuple[NDArray, NDArray]:
    rng = np.random.default_rng(n_classes)
    return rng.normal(size=(9, 4)), rng.normal(size=(n_classes, 4))


def hidden(N: int, d: int, C: int, m: int) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    rng = np.random.default_rng([N, d, C, m])
    return (*(rng.normal(size=shape) for shape in ((N, d), (m, d), (C, m))), rng.integers(0, C, N))


def allowed(X: NDArray, h: NDArray, V: NDArray, masses: NDArray, loss: str) -> NDArray:
    """What rounding may move each part by: of layers relative to their diagonal, of "wv" to its terms."""
    layers = rounding.masses(X, h, V) * np.repeat(masses[[0, 2]], 2)
    return np.append(layers, rounding.masses(X, h, V) * rounding.cross_scale(X, h, V, loss))


def test_sums_over_blocks_that_are_formed(device: kernels.Operations) -> None:
    X, V = linear()
    p = softmax(X @ V.T)
    blocks = np.einsum("nc,nce,ni,nj->ceij", p, np.eye(23) - p[:, None, :], X, X) / 9
    squares = (blocks**2).sum(axis=(2, 3))
    diagonal = np.trace(squares)
    bound = rounding.masses(X, X, V) * diagonal
    expected = [diagonal, squares.sum() - diagonal]
    np.testing.assert_allclose(device.linear_masses(X, V, "ce"), expected, rtol=0, atol=bound)


@pytest.mark.parametrize("loss", ["ce", "mse"])
@pytest.mark.parametrize("sizes", SIZES)
def test_any_tile_and_any_way_of_summing(
    device: kernels.Operations, sizes: tuple[int, ...], loss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, W, V, y = hidden(*sizes)
    expected = kernels.load("reference").hidden_masses(X, W, V, loss, y)
    bound = allowed(X, np.maximum(X @ W.T, 0), V, expected, loss)
    for tile, inner in ((None, 512), (1, 512), (7, 3), (sizes[2], 5)):
        monkeypatch.setattr(mass_work, "MASS_TILE", inner)
        found = device.hidden_masses(X, W, V, loss, y, tile=tile)
        assert (np.abs(found - expected) <= bound).all()


@pytest.mark.parametrize("loss", ["ce", "mse"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_any_activation(cpu: kernels.Operations, activation: str, loss: str) -> None:
    X, W, V, y = hidden(*SIZES[0])
    network = kernels.Network(activation=activation, slope=0.3)
    expected = kernels.load("reference").hidden_masses(X, W, V, loss, y, network)
    bound = allowed(X, X @ W.T, V, expected, loss)  # of no activation is larger than that of the identity
    assert (np.abs(cpu.hidden_masses(X, W, V, loss, y, network) - expected) <= bound).all()


def test_one_class_has_no_weight_and_no_other(device: kernels.Operations) -> None:
    np.testing.assert_array_equal(device.linear_masses(*linear(1), "ce"), 0)


def test_without_labels_nothing_between_the_layers(device: kernels.Operations) -> None:
    X, W, V, y = hidden(*SIZES[0])
    for loss in ("ce", "mse"):
        alone, every = (device.hidden_masses(X, W, V, loss, labels) for labels in (None, y))
        np.testing.assert_array_equal(alone, every[:4])


def streams(roles: int, trials: int = 3) -> NDArray[np.uint32]:
    return np.arange(4 * roles * trials, dtype=np.uint32).reshape(trials, roles, 4)


PAIRS = [(0, 0)]


@pytest.mark.parametrize("one_tile", [True, False])
@pytest.mark.parametrize("v_std", [1.0, 12.0])
@pytest.mark.parametrize("loss", ["ce", "mse"])
@pytest.mark.parametrize("sizes", SIZES)
def test_masses_of_trials_are_those_of_their_draws(
    cpu: kernels.Operations,
    sizes: tuple[int, ...],
    loss: str,
    v_std: float,
    one_tile: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At the larger scale most samples are confident; in several tiles V is drawn anew for each pass."""
    if not one_tile:
        monkeypatch.setattr(tiles, "TILE_BYTES", 0)
        monkeypatch.setattr(tiles, "TILE_MINIMUM", 7)
    (N, d, C, m), network = sizes, kernels.Network(v_std=v_std)
    of_hidden = cpu.hidden_forms(streams(4), sizes, loss, PAIRS, PAIRS, network=network, masses=True).masses
    of_linear = cpu.linear_forms(streams(2), sizes[:3], loss, PAIRS, network=network, masses=True).masses
    assert of_hidden is not None
    assert of_linear is not None
    for t in range(3):
        shapes = ((N, d, 1.0), (m, d, d**-0.5), (C, m, v_std * m**-0.5))
        X, W, V = (normals(cpu, *each) for each in zip(streams(4)[t], shapes, strict=False))
        y = cpu.labels(streams(4)[t, 3], 0, N, C)
        expected = cpu.hidden_masses(X, W, V, loss, y)
        bound = allowed(X, np.maximum(X @ W.T, 0), V, expected, loss)
        assert (np.abs(of_hidden[t] - expected) <= bound).all()
        X, V = (
            normals(cpu, *each)
            for each in zip(streams(2)[t], ((N, d, 1.0), (C, d, v_std * d**-0.5)), strict=True)
        )
        expected = cpu.linear_masses(X, V, loss)
        assert (np.abs(of_linear[t] - expected) <= rounding.masses(X, X, V) * expected[0]).all()


def normals(cpu: kernels.Operations, stream: NDArray, shape: tuple[int, int, float]) -> NDArray:
    rows, columns, scale = shape
    return cpu.normals(stream, 0, rows * columns, scale=scale).reshape(rows, columns)


@pytest.mark.parametrize("loss", ["ce", "mse"])
def test_a_trial_has_the_same_masses_in_any_batch(cpu: kernels.Operations, loss: str) -> None:
    every = cpu.hidden_forms(streams(4), SIZES[0], loss, PAIRS, PAIRS, masses=True)
    for t in range(3):
        alone = cpu.hidden_forms(streams(4)[t : t + 1], SIZES[0], loss, PAIRS, PAIRS, masses=True)
        assert alone.masses is not None
        assert every.masses is not None
        np.testing.assert_array_equal(alone.masses[0], every.masses[t])


def test_what_does_not_fit_is_refused(device: kernels.Operations) -> None:
    X, V = linear()
    with pytest.raises(ValueError, match=r"X: expected at least one sample, got shape \(0, 4\)"):
        device.linear_masses(X[:0], V, "ce")
    with pytest.raises(ValueError, match="loss: expected one of 'ce', 'mse', got 'hinge'"):
        device.linear_masses(X, V, "hinge")
    X, W, V, y = hidden(*SIZES[0])
    with pytest.raises(ValueError, match=r"labels: expected indices in \[0, 11\)"):
        device.hidden_masses(X, W, V, "ce", y + 1 + 11 * (y == 10))
    with pytest.raises(ValueError, match=r"W: expected shape \(any, 6\), got \(3, 5\)"):
        device.hidden_masses(X, W[:, 1:], V, "ce", y)
    with pytest.raises(ValueError, match=r"streams: expected shape \(any, 4, 4\)"):
        device.hidden_forms(streams(3), SIZES[0], "ce", PAIRS, PAIRS, masses=True)


def test_labels_are_asked_for_where_residuals_enter(cpu: kernels.Operations) -> None:
    X, W, V, _ = hidden(*SIZES[0])
    with pytest.raises(
        ValueError, match="labels: expected those of the samples for activation tanh, got None"
    ):
        cpu.hidden_masses(X, W, V, "ce", None, kernels.Network(activation="tanh"))


def test_a_layer_without_units_is_refused(cpu: kernels.Operations) -> None:
    X, W, V, y = hidden(*SIZES[0])
    with pytest.raises(ValueError, match=r"W: expected at least one hidden unit, got shape \(0, 6\)"):
        cpu.hidden_masses(X, W[:0], V[:, :0], "ce", y)


@pytest.mark.parametrize("v_std", [90.0, 150.0])
def test_masses_of_sure_samples_do_not_underflow_in_float32(cpu: kernels.Operations, v_std: float) -> None:
    """The rounding of logits of hundreds leaves them few digits of a mass, but not none."""
    arguments = streams(2), (1, 6, 2), "ce", PAIRS, np.float32, kernels.Network(v_std=v_std), True
    found, expected = (kernels.load(name).linear_forms(*arguments).masses for name in ("cpu", "reference"))
    assert found is not None
    assert expected is not None
    np.testing.assert_allclose(found, expected, rtol=8 * v_std * 6 * np.finfo(np.float32).eps * 8, atol=0)
