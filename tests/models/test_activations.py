"""Activations other than ReLU: blocks and masses against automatic differentiation."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from autograd.scipy.special import erf, logsumexp

from rmtsim import HiddenModel
from rmtsim.models import Activation

PHI = {
    "leaky_relu": lambda a: anp.where(a > 0, a, 0.1 * a),
    "identity": lambda a: a,
    "tanh": anp.tanh,
    "gelu": lambda a: a * (1 + erf(a / np.sqrt(2))) / 2,
}
"""Written forwards, for automatic differentiation."""
d, N, C, m = 4, 9, 5, 3
cases = pytest.mark.parametrize("name", PHI)
losses = pytest.mark.parametrize("loss", ["mse", "ce"])
devices = pytest.mark.parametrize("device", ["cpu", "reference"])


def draw(name: str, loss: str, device: str = "cpu") -> tuple[HiddenModel, np.ndarray, np.ndarray, tuple]:
    rng = np.random.default_rng(3)
    W, V, X = rng.normal(size=(m, d)), rng.normal(size=(C, m)), rng.normal(size=(N, d))
    y = rng.integers(0, C, N)
    model = HiddenModel(W, V, loss, Activation(name, 0.1), device=device)

    def mean_loss(flat: np.ndarray) -> float:
        a = X @ flat[: m * d].reshape(m, d).T
        z, target = PHI[name](a) @ flat[m * d :].reshape(C, m).T, np.eye(C)[y]
        if loss == "ce":
            return anp.mean(logsumexp(z, axis=1) - anp.sum(z * target, axis=1))
        return anp.mean(anp.sum((z - target) ** 2, axis=1)) / 2

    point = np.concatenate([W.ravel(), V.ravel()])
    return model, X, y, (autograd.grad(mean_loss)(point), autograd.hessian(mean_loss)(point))


@cases
@losses
@devices
def test_blocks_are_those_of_automatic_differentiation(name: str, loss: str, device: str) -> None:
    model, X, y, (gradient, H) = draw(name, loss, device)
    allowed = 1e-10 * np.abs(H).max()
    np.testing.assert_allclose(model.hessian(X, y), H, rtol=0, atol=allowed)
    np.testing.assert_allclose(model.gradient(X, y), gradient, rtol=0, atol=1e-10 * np.abs(gradient).max())
    np.testing.assert_allclose(model.linear_operator(X, y) @ np.eye(len(H)), H, rtol=0, atol=allowed)
    places = {("w", i): slice(i * d, (i + 1) * d) for i in range(m)}
    places |= {("v", c): slice(m * d + c * m, m * d + (c + 1) * m) for c in range(C)}
    for row, rows in places.items():
        for column, columns in places.items():
            block = model.block(X, row, column, y)
            np.testing.assert_allclose(block, H[rows, columns], rtol=0, atol=allowed)


@cases
@losses
def test_masses_are_norms_of_blocks(name: str, loss: str) -> None:
    model, X, y, (_, H) = draw(name, loss)
    squares = H**2
    ww, vv, wv = squares[: m * d, : m * d], squares[m * d :, m * d :], squares[: m * d, m * d :]
    masses, n = model.block_masses(X, y), {"ww": (ww, d, d), "vv": (vv, m, m), "wv": (wv, d, m)}
    for part, (entries, rows, columns) in n.items():
        wanted = entries.reshape(len(entries) // rows, rows, -1, columns).sum(axis=(1, 3))
        np.testing.assert_allclose(masses[part], wanted, rtol=0, atol=1e-10 * wanted.max())
    total = model.total_masses(X, y)
    assert total["ww_diag"] == pytest.approx(np.trace(masses["ww"]), rel=1e-13)
    assert total["wv"] == pytest.approx(wv.sum(), rel=1e-10)


def test_labels_are_asked_for_where_residuals_enter() -> None:
    model, X, _, _ = draw("tanh", "ce")
    with pytest.raises(
        ValueError, match=r"y: expected class labels .* for W-layer blocks of activation tanh"
    ):
        model.block(X, ("w", 0), ("w", 0))
    model.block(X, ("w", 0), ("w", 1))
    linear_on_both_sides, X, _, _ = draw("leaky_relu", "ce")
    linear_on_both_sides.block(X, ("w", 0), ("w", 0))


def test_an_unknown_activation_is_refused() -> None:
    with pytest.raises(ValueError, match=r"activation: expected one of 'gelu', 'identity', .*, got 'swish'"):
        HiddenModel(np.ones((2, 2)), np.ones((3, 2)), activation="swish")
