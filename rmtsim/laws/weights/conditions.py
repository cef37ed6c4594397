"""What the law of a block is conditioned on, as users give it: checked where it is asked for."""

import math
from dataclasses import dataclass, replace
from typing import TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike

from ..solver.measure import Floats
from .activation import Activation, find_activation
from .checks import check_count, check_pair, check_readout

LOG2_ENTRIES = 25
"""Binary logarithm of the softmax entries that a law may cost, two to four times as many for many classes."""


_LOGIT_STD = (0.4, 2.5)
"""Within these the densities of linear ce were held against exact moments."""
_LARGEST_PRODUCT = 2.5
"""Up to which the rules for averages over V and activations were held against finer ones."""


class InitialisationOptions(TypedDict, total=False):
    """Keyword arguments of everything that depends on how parameters are drawn: see `Initialisation`."""

    w_std: float
    v_std: float
    activation: str | Activation
    slope: float | None


class LawOptions(InitialisationOptions, total=False):
    """Keyword arguments of `weight_law`, `joint_weights` and `limit_law`: see `Conditions`."""

    n_classes: float | None
    V: ArrayLike | None
    rows: tuple[int, int]
    log2_entries: int


@dataclass(frozen=True)
class Initialisation:
    """How the parameters of the model are drawn, theory.md (4.8).

    Attributes
    ----------
    w_std : float
        Standard deviation of the entries of W, as a multiple of d^-1/2. The linear model has no W.
    v_std : float
        That of the entries of V, as a multiple of m^-1/2 (hidden model) or of d^-1/2 (linear model). Without
        effect where V itself is given.
    activation : {"relu", "leaky_relu", "identity", "tanh", "gelu"} or Activation
        Of the hidden model. What is averaged over V is known for ReLU alone.
    slope : float, optional
        Of "leaky_relu" below zero: 0.01 if not given.
    """

    w_std: float = 1.0
    v_std: float = 1.0
    activation: str | Activation = "relu"
    slope: float | None = None

    def __post_init__(self) -> None:
        for name in ("w_std", "v_std"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name}: expected a finite number above 0, got {value!r}")
        find_activation(self.activation, self.slope)

    @property
    def phi(self) -> Activation:
        """The activation as an object."""
        return find_activation(self.activation, self.slope)

    def closed(self) -> "Initialisation":
        """Return itself, if closed forms and averages over V are known for its activation."""
        if not self.phi.is_relu:
            raise ValueError(
                f"activation: expected 'relu' for what is averaged over V, got {self.phi.name!r}; given V "
                "there are `limit_law`, `masses_given_v` and `vv_limit`"
            )
        return self

    def product(self) -> float:
        """Return the scale of the logits of the hidden model."""
        s = self.w_std * self.v_std
        if s > _LARGEST_PRODUCT:
            raise ValueError(
                f"v_std: expected w_std v_std of at most {_LARGEST_PRODUCT:g} for averages over V, got {s:g}"
            )
        return s


def averages_over_v(architecture: str, loss: str, **init: Unpack[InitialisationOptions]) -> bool:
    """Whether masses, ratios and traces averaged over V are known for an initialisation.

    They are for ReLU, and under cross-entropy for logits of the hidden model that do not spread too far.
    """
    network = Initialisation(**init)
    if architecture == "linear":
        return True
    return network.phi.is_relu and (loss == "mse" or network.w_std * network.v_std <= _LARGEST_PRODUCT)


def has_weight_law(architecture: str, loss: str, **init: Unpack[InitialisationOptions]) -> bool:
    """Whether the weight laws of a model are known for an initialisation: of linear ce within some scales."""
    low, high = _LOGIT_STD
    return (architecture, loss) != ("linear", "ce") or low <= Initialisation(**init).v_std <= high


@dataclass(frozen=True)
class Conditions(Initialisation):
    """What the law of a block is conditioned on.

    Attributes
    ----------
    w_std, v_std, activation, slope
        As of `Initialisation`.
    n_classes : int or math.inf
        C of the linear ce model, at least 2. At infinity the weights are those of C H_cc and of -C^2 H_ce.
    V : array_like, shape (C, m)
        Output weights, on which the laws of the hidden model are conditioned. Those under mse, in units of
        S_ij = (V^T V)_ij, do without where the activation is linear on both sides of zero.
    rows : (int, int), optional
        Units (i, j): columns of V. A diagonal block uses the first alone.
    log2_entries : int, optional
        Binary logarithm of the softmax entries that quasi-Monte Carlo for the hidden ce model may compute.
    """

    n_classes: float | None = None
    V: ArrayLike | None = None
    rows: tuple[int, int] = (0, 1)
    log2_entries: int = LOG2_ENTRIES

    def classes(self) -> float:
        """Return the number of classes, which may be infinite."""
        if self.n_classes is None:
            raise ValueError("n_classes: expected the number of classes of the linear ce model, got None")
        return self.n_classes if self.n_classes == math.inf else check_count("n_classes", self.n_classes, 2)

    def logit_std(self) -> float:
        """Return the standard deviation of the logits of the linear ce model."""
        low, high = _LOGIT_STD
        if not low <= self.v_std <= high:
            raise ValueError(
                f"v_std: expected a number from {low} to {high} for the laws of the linear ce model, got "
                f"{self.v_std!r}"
            )
        return self.v_std

    def in_units_of_scale(self, diagonal: bool) -> "Conditions":
        """Return conditions with some V for weights under mse in units of S_ij, where V cancels.

        Where it does not, in the residuals of diagonal blocks, a missing V stays missing.
        """
        if self.V is not None or (diagonal and self.phi.second is not None):
            return self
        return replace(self, V=np.eye(max(2, max(self.rows) + 1)))

    def readout(self, diagonal: bool) -> tuple[Floats, int, int]:
        """Return V and the units of a block, i = j on the diagonal."""
        V = check_readout(self.V)
        return V, *check_pair(self.rows, V.shape[1], diagonal)
