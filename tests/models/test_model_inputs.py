"""What users hand to the models: any real dtype and layout is taken, anything else is refused by name."""

import numpy as np
import pytest

from rmtsim import HiddenModel, LinearModel

from ..oracles import autodiff, brute

losses = pytest.mark.parametrize("loss", ["ce", "mse"])


def integer_case():
    """X, y, W, V with small integer entries, so that every dtype holds them exactly."""
    rng = np.random.default_rng(4)
    X, W, V = (rng.integers(-2, 3, size) for size in ((6, 4), (2, 4), (3, 2)))
    return X, rng.integers(3, size=6), W, V


@losses
def test_lists_and_integers_are_taken_as_float64(loss):
    X, y, W, V = integer_case()
    expected = HiddenModel(W.astype(float), V.astype(float), loss).hessian(X.astype(float), y)
    for convert in (np.ndarray.tolist, np.asarray, lambda values: values.astype(np.int8)):
        actual = HiddenModel(convert(W), convert(V), loss).hessian(convert(X), convert(y))
        np.testing.assert_array_equal(actual, expected)


@losses
def test_non_contiguous_arrays_give_the_same_bits(loss):
    X, y, W, V = integer_case()
    X, W, V = X * 0.3, W * 0.7, V * 0.9
    expected = HiddenModel(W, V, loss).hessian(X, y)
    doubled = [np.repeat(np.repeat(values, 2, axis=0), 3, axis=1)[::2, ::3] for values in (W, V, X)]
    fortran = [np.asfortranarray(values) for values in (W, V, X)]
    for W_view, V_view, X_view in (doubled, fortran):
        actual = HiddenModel(W_view, V_view, loss).hessian(X_view, np.repeat(y, 2)[::2])
        np.testing.assert_array_equal(actual, expected)


@losses
@pytest.mark.parametrize("X_dtype", [np.float32, np.float64])
def test_float32_parameters(loss, X_dtype):
    rng = np.random.default_rng(6)
    W, V, X = (rng.normal(size=size).astype(np.float32) for size in ((2, 4), (3, 2), (9, 4)))
    y = rng.integers(3, size=9)
    H = autodiff.hidden(W, V, X, y, loss).hessian()
    model = HiddenModel(W, V, loss)
    # pre-activations of d terms, logits of m, sums of N: each rounds to float32 at worst
    tolerance = 4 * (4 + 2 + 9) * float(np.finfo(np.float32).eps)
    scale = np.abs(H).max()
    np.testing.assert_allclose(model.hessian(X.astype(X_dtype), y), H, rtol=0, atol=tolerance * scale)
    product = model.linear_operator(X.astype(X_dtype), y) @ np.eye(len(H))
    np.testing.assert_allclose(product, H, rtol=0, atol=tolerance * scale)
    expected = brute.total_masses(brute.block_masses(H, 4, 2, 3))
    for part, total in model.total_masses(X.astype(X_dtype), y).items():
        assert total == pytest.approx(expected[part], rel=2 * tolerance)


@losses
@pytest.mark.parametrize("architecture", ["linear", "hidden"])
def test_no_argument_is_changed(architecture, loss):
    rng = np.random.default_rng(9)
    given = {"W": rng.normal(size=(2, 3)), "V": rng.normal(size=(4, 2)), "U": rng.normal(size=(4, 3))}
    given |= {"X": rng.normal(size=(5, 3)), "y": rng.integers(4, size=5)}
    copies = {name: array.copy() for name, array in given.items()}
    for array in given.values():
        array.setflags(write=False)
    parameters = (given["U"],) if architecture == "linear" else (given["W"], given["V"])
    model = {"linear": LinearModel, "hidden": HiddenModel}[architecture](*parameters, loss)
    for method in (
        model.hessian, model.gradient, model.loss_value, model.block_masses, model.total_masses,
    ):  # fmt: skip
        method(given["X"], given["y"])
    model.linear_operator(given["X"], given["y"]) @ np.ones(model.n_parameters)
    model.block(given["X"], ("v", 0), ("v", 1))
    for name, array in given.items():
        np.testing.assert_array_equal(array, copies[name])


GOOD = {"W": np.ones((2, 3)), "V": np.ones((4, 2)), "X": np.ones((5, 3)), "y": np.zeros(5, dtype=int)}


@pytest.mark.parametrize("name", ["W", "V", "X"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(name, value):
    bad = GOOD[name].copy()
    bad[1, 0] = value
    given = GOOD | {name: bad}
    with pytest.raises(ValueError, match=rf"^{name}: .*finite.*{value} at \[1, 0\]"):
        HiddenModel(given["W"], given["V"]).hessian(given["X"], given["y"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"V": np.ones((4, 3))}, r"^V: expected shape \(C, 2\).*\(2, 3\).*got \(4, 3\)"),
        ({"X": np.ones((5, 2))}, r"^X: expected shape .*3\).*got \(5, 2\)"),
        ({"X": np.ones(3)}, r"^X: expected a matrix.*got shape \(3,\)"),
        ({"X": np.ones((0, 3))}, r"^X: expected at least one row.*\(0, 3\)"),
        ({"W": np.ones((2, 3, 1))}, r"^W: expected a matrix.*\(2, 3, 1\)"),
        ({"y": np.zeros(4, dtype=int)}, r"^y: expected shape \(5,\).*got \(4,\)"),
        ({"y": np.array([0, 1, 2, 3, 4])}, r"^y: expected labels from 0 to 3, got .*4"),
        ({"y": np.array([0, -1, 0, 0, 0])}, r"^y: expected labels from 0 to 3, got .*-1"),
        ({"y": None}, r"^y: expected class labels of shape \(5,\).*got None"),
    ],
)
def test_shapes_and_labels_that_do_not_fit_are_named(change, message):
    given = GOOD | change
    with pytest.raises(ValueError, match=message):
        HiddenModel(given["W"], given["V"]).hessian(given["X"], given["y"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.zeros(5)}, r"^y: expected integer class labels, got dtype float64"),
        ({"X": np.ones((5, 3), dtype=complex)}, r"^X: expected real numbers, got dtype complex128"),
        ({"V": np.array([["a", "b"]])}, r"^V: expected real numbers, got dtype <U1"),
    ],
)
def test_wrong_types_are_named(change, message):
    given = GOOD | change
    with pytest.raises(TypeError, match=message):
        HiddenModel(given["W"], given["V"]).hessian(given["X"], given["y"])


def test_unknown_loss_and_device_are_refused():
    with pytest.raises(ValueError, match=r"^loss: expected one of 'ce', 'mse', got 'hinge'"):
        LinearModel(GOOD["V"], loss="hinge")
    with pytest.raises(ValueError, match=r"^device: expected one of .*got 'abacus'"):
        LinearModel(GOOD["V"], device="abacus")


@pytest.mark.parametrize("index", [("u", 0), ("w", 2), ("w", -1), ("v", 4), ("v", 0.5), "v0", ("v",), 3])
def test_block_indices_out_of_range_are_named(index):
    model = HiddenModel(GOOD["W"], GOOD["V"])
    with pytest.raises(ValueError, match=r"^row: expected \(\"w\", 0\.\.1\) or \(\"v\", 0\.\.3\), got"):
        model.block(GOOD["X"], index, ("v", 0))
    with pytest.raises(ValueError, match=r"^col: "):
        model.block(GOOD["X"], ("v", 0), index)


def test_the_linear_model_has_no_hidden_units():
    with pytest.raises(ValueError, match=r"^row: expected \(\"v\", 0\.\.3\), got \('w', 0\)"):
        LinearModel(GOOD["V"]).block(np.ones((5, 2)), ("w", 0), ("v", 0))


@pytest.mark.parametrize("method", ["hessian", "gradient", "loss_value", "linear_operator"])
def test_labels_are_asked_for_where_residuals_enter(method):
    model = HiddenModel(GOOD["W"], GOOD["V"])
    with pytest.raises(ValueError, match=r"^y: expected class labels of shape \(5,\)"):
        getattr(model, method)(GOOD["X"], None)
    with pytest.raises(ValueError, match=r"^y: expected class labels of shape \(5,\)"):
        model.block(GOOD["X"], ("v", 0), ("w", 1))
