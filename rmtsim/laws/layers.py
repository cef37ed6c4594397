"""The one table of block laws: for each layer of each model its weight laws, masses and ratios."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from . import many_classes, masses
from .masses import BlockMass
from .weights.checks import check_choice
from .weights.conditions import Conditions, Initialisation
from .weights.hidden_density import hidden_density, hidden_mse_law, hidden_mse_nodes, hidden_nodes
from .weights.hidden_joint import hidden_joint, hidden_mse
from .weights.hidden_weights import ce_weights
from .weights.joint_weights import JointWeights
from .weights.linear_density import linear_ce_density, linear_mse_law
from .weights.linear_joint import linear_ce, linear_mse
from .weights.weight_law import WeightLaw
from .weights.weight_nodes import WeightNodes


@dataclass(frozen=True)
class Block:
    """Sample weights of a block whose order grows with d.

    Attributes
    ----------
    weight_law : callable
        Law of the weight.
    joint : callable
        Quadrature of the weight together with the projections it depends on.
    nodes : callable or None
        Both on the same points, by as much quasi-Monte Carlo as is asked for; None where the law is exact.
    """

    weight_law: Callable[[Conditions], WeightLaw]
    joint: Callable[[Conditions], JointWeights]
    nodes: Callable[[Conditions], WeightNodes] | None = None

    @classmethod
    def pair(
        cls,
        layer: str,
        weight_law: Callable[[bool, Conditions], WeightLaw],
        joint: Callable[[bool, Conditions], JointWeights],
        nodes: Callable[[bool, Conditions], WeightNodes] | None = None,
    ) -> "dict[str, Block]":
        """Diagonal and off-diagonal block of a layer, from functions of which of them it is."""
        names = ((f"{layer * 2}_diag", True), (f"{layer * 2}_off", False))
        return {
            name: cls(
                partial(weight_law, diagonal),
                partial(joint, diagonal),
                partial(nodes, diagonal) if nodes else None,
            )
            for name, diagonal in names
        }


@dataclass(frozen=True)
class Layer:
    """Blocks of one layer, theory.md sections 3 and 4.

    Attributes
    ----------
    mass : callable
        `BlockMass` at (gamma, C, m, initialisation, tolerance): relative errors that are wanted, 0 for least.
    order : int
        The ratio r of off-diagonal to diagonal masses falls as C^-order.
    many_classes : callable
        Limit of C^order r at (gamma, m, initialisation).
    blocks : dict
        By name; empty where the blocks do not grow with d.
    ratio : callable or None
        r at (gamma, C) where it is in closed form and does not depend on m; otherwise that of ``mass``.
    least_width : int
        Smallest m with more than one block, or with a block at all.
    """

    mass: Callable[[float, int, int, Initialisation, float], BlockMass]
    order: int
    many_classes: Callable[[float, int, Initialisation], float]
    blocks: dict[str, Block] = field(default_factory=dict)
    ratio: Callable[[float, int], float] | None = None
    least_width: int = 0


def _zero(gamma: float, *_: object) -> float:
    return 0.0


LAYERS = {
    ("linear", "ce", "v"): Layer(
        masses.linear_ce,
        2,
        many_classes.linear_ce,
        Block.pair("v", linear_ce_density, linear_ce),
    ),
    ("linear", "mse", "v"): Layer(
        masses.linear_mse,
        2,
        _zero,
        Block.pair("v", linear_mse_law, linear_mse),
        ratio=_zero,
    ),
    ("hidden", "ce", "w"): Layer(
        masses.hidden_ce_w,
        1,
        many_classes.hidden_ce_w,
        Block.pair(
            "w",
            partial(hidden_density, ce_weights),
            partial(hidden_joint, ce_weights),
            partial(hidden_nodes, ce_weights),
        ),
        least_width=2,
    ),
    ("hidden", "mse", "w"): Layer(
        masses.hidden_mse_w,
        1,
        lambda gamma, m, init: many_classes.gate_ratio(gamma),
        Block.pair("w", hidden_mse_law, hidden_mse, hidden_mse_nodes),
        ratio=lambda gamma, C: many_classes.gate_ratio(gamma) / (C + 2),
        least_width=2,
    ),
    ("hidden", "ce", "v"): Layer(masses.hidden_ce_v, 2, many_classes.hidden_ce_v, least_width=1),
    ("hidden", "mse", "v"): Layer(masses.hidden_mse_v, 2, _zero, ratio=_zero, least_width=1),
}
"""By architecture, loss and layer: where text becomes an object, and a new block law is entered."""


def find_layer(architecture: str, loss: str, layer: str) -> Layer:
    """Return the entry of three names, or refuse the first that is unknown."""
    layers = _layers(architecture, loss)
    check_choice("layer", layer, list(layers))
    return layers[layer]


def find_block(architecture: str, loss: str, block: str) -> Block:
    """Return the block of three names, or refuse the first that is unknown."""
    layers = _layers(architecture, loss)
    blocks = {name: entry for layer in layers.values() for name, entry in layer.blocks.items()}
    if block in ("vv_diag", "vv_off") and block not in blocks:
        raise ValueError(
            f"block: {block!r} of the {architecture} model is m x m with m fixed and has no limit law; "
            "vv_limit computes the matrix it converges to"
        )
    check_choice("block", block, list(blocks))
    return blocks[block]


def _layers(architecture: str, loss: str) -> dict[str, Layer]:
    check_choice("architecture", architecture, list(dict.fromkeys(names[0] for names in LAYERS)))
    check_choice("loss", loss, list(dict.fromkeys(names[1] for names in LAYERS)))
    return {names[2]: entry for names, entry in LAYERS.items() if names[:2] == (architecture, loss)}
