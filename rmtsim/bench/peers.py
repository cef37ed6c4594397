"""Other packages, where they are installed: none of them is needed."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any
from warnings import warn

import numpy as np
from numpy.typing import NDArray

from ..experiment import Cell
from .alternation import Contender

Contenders = dict[str, Contender]

PARAMETERS_LIMIT = 5000
"""With half as many parameters, a backward pass for each takes seconds; the time grows as their square."""


def _installed(name: str) -> Any:
    """A module, or None if it is not installed, or (with a warning) if its package does not work here."""
    if not find_spec(name.split(".")[0]):
        return None
    try:
        return import_module(name)
    except ImportError as error:
        warn(f"{name} is installed but cannot be imported: {error}", stacklevel=2)
        return None


def wishart(cell: Cell, edges: NDArray) -> Contenders:
    """Tridiagonal Wishart matrices and their histogram by scikit-rmt."""
    skrmt = _installed("skrmt.ensemble")
    if skrmt is None:
        return {}

    def run() -> NDArray:
        matrix = skrmt.WishartEnsemble(beta=1, p=cell.n_features, n=cell.n_samples, tridiagonal_form=True)
        return np.histogram(matrix.eigvals() / cell.n_samples, edges)[0]

    return {"scikit-rmt": Contender(run)}


def _torch_model(torch: Any, X: NDArray, y: NDArray, W: NDArray, V: NDArray) -> tuple[Any, ...]:
    """The network and its data; torch is limited to one thread."""
    torch.set_num_threads(1)
    (m, d), C = W.shape, len(V)
    layers = torch.nn.Linear(d, m, bias=False), torch.nn.ReLU(), torch.nn.Linear(m, C, bias=False)
    network = torch.nn.Sequential(*layers).double()
    with torch.no_grad():
        network[0].weight.copy_(torch.from_numpy(W))
        network[2].weight.copy_(torch.from_numpy(V))
    return network, torch.from_numpy(X), torch.from_numpy(y)


def backward_hessian(X: NDArray, y: NDArray, W: NDArray, V: NDArray) -> Contenders:
    """Full Hessian by one backward pass for every parameter, as the public code of arXiv:2505.02809 does."""
    torch = _installed("torch")
    if torch is None or W.size + V.size > PARAMETERS_LIMIT:
        return {}
    network, inputs, labels = _torch_model(torch, X, y, W, V)
    parameters = list(network.parameters())

    def run() -> Any:
        loss = torch.nn.functional.cross_entropy(network(inputs), labels)
        gradients = torch.autograd.grad(loss, parameters, create_graph=True)
        gradient = torch.cat([part.reshape(-1) for part in gradients])
        rows = (torch.autograd.grad(entry, parameters, retain_graph=True) for entry in gradient)
        return torch.stack([torch.cat([part.reshape(-1) for part in row]) for row in rows])

    return {"torch": Contender(run)}


def hessian_products(X: NDArray, y: NDArray, W: NDArray, V: NDArray, direction: NDArray) -> Contenders:
    """Hessian-vector products by torch's double backward and by curvlinops."""
    torch, curvlinops = _installed("torch"), _installed("curvlinops")
    if torch is None:
        return {}
    network, inputs, labels = _torch_model(torch, X, y, W, V)
    parameters = list(network.parameters())
    vector = torch.from_numpy(direction)
    parts = [
        part.reshape(p.shape) for part, p in zip(vector.split([W.size, V.size]), parameters, strict=True)
    ]

    def run() -> Any:
        loss = torch.nn.functional.cross_entropy(network(inputs), labels)
        gradients = torch.autograd.grad(loss, parameters, create_graph=True)
        return torch.autograd.grad(gradients, parameters, parts)

    contenders = {"torch": Contender(run)}
    if curvlinops is not None:
        operator = curvlinops.HessianLinearOperator(
            network, torch.nn.CrossEntropyLoss(), parameters, [(inputs, labels)], check_deterministic=False
        )
        contenders["curvlinops"] = Contender(lambda: operator @ vector)
    return contenders
