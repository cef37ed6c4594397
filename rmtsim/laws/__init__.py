"""Limit laws of the spectra: theory only, shares no code with the simulation.

Everything public is imported from here. What users get, and where it lies:

- laws by name of a block: `limit_law`, `weight_law`, `joint_weights` (``block_laws``, from the table in
  ``layers``);
- laws by parameters: `MarchenkoPastur` and `Semicircle` (both ``angular``), `GeneralizedMarchenkoPastur` of a
  `WeightLaw` (made of `Panels`), `TracyWidom` and `EdelmanSmallest` of extreme eigenvalues, each a
  `Distribution` (``distribution``) that takes expectations (``expectation``);
- eigenvalues outside the bulk: `outliers`, `outside`, `visible_support`;
- masses of blocks and their ratios: averaged over V (``masses``, ``many_classes``, ``ratios``), for one V
  (``fixed_v``), and traces at finite d and N (``finite_size``);
- `distance` of a sample from a law.

An argument that cannot be is refused with a ValueError that names it, what was expected and what came.

Beneath lie ``weights`` (laws of the sample weights of each block), ``averages`` (Gaussian averages they are
made of) and ``solver`` (from a weight law to the law of the spectrum): each imports those after it alone.
"""

from .block_laws import joint_weights, limit_law, weight_law
from .distance import Distance, distance
from .distribution import Distribution
from .edelman import EdelmanSmallest
from .finite_size import TRACE_ERROR, ExpectedTraces, expected_traces, linear_second_moments
from .fixed_v import masses_given_v, vv_limit
from .generalized import GeneralizedMarchenkoPastur
from .marchenko_pastur import MarchenkoPastur
from .masses import BlockMass
from .outliers import Outlier, outliers, outside
from .ratios import block_mass, block_ratio, ratio_with_error, scaled_block_ratio
from .semicircle import Semicircle
from .solver.measure import Approximation
from .solver.panels import Panels
from .tabulated import TabulatedLaw, tabulated_law
from .tracy_widom import (
    TracyWidom,
    johnstone_scaling,
    largest_eigenvalue_law,
    smallest_eigenvalue_law,
)
from .visible import visible_support
from .weights.activation import Activation
from .weights.conditions import (
    Conditions,
    Initialisation,
    InitialisationOptions,
    averages_over_v,
    has_weight_law,
)
from .weights.joint_weights import JointWeights, Sector
from .weights.weight_law import WeightLaw

__all__ = [
    "TRACE_ERROR",
    "Activation",
    "Approximation",
    "BlockMass",
    "Conditions",
    "Distance",
    "Distribution",
    "EdelmanSmallest",
    "ExpectedTraces",
    "GeneralizedMarchenkoPastur",
    "Initialisation",
    "InitialisationOptions",
    "JointWeights",
    "MarchenkoPastur",
    "Outlier",
    "Panels",
    "Sector",
    "Semicircle",
    "TabulatedLaw",
    "TracyWidom",
    "WeightLaw",
    "averages_over_v",
    "block_mass",
    "block_ratio",
    "distance",
    "expected_traces",
    "has_weight_law",
    "johnstone_scaling",
    "joint_weights",
    "largest_eigenvalue_law",
    "limit_law",
    "linear_second_moments",
    "masses_given_v",
    "outliers",
    "outside",
    "ratio_with_error",
    "scaled_block_ratio",
    "smallest_eigenvalue_law",
    "tabulated_law",
    "visible_support",
    "vv_limit",
    "weight_law",
]
