"""Limit laws of the spectra: theory only, shares no code with the simulation."""

from .block_mass import BlockMass, block_mass
from .distance import Distance, distance
from .edelman import EdelmanSmallest
from .finite_size import TRACE_ERROR, ExpectedTraces, expected_traces, linear_second_moments
from .generalized import GeneralizedMarchenkoPastur
from .limit import limit_law
from .marchenko_pastur import MarchenkoPastur
from .outliers import Outlier, outliers, outside
from .ratios import block_ratio, scaled_block_ratio
from .solver.panels import Panels
from .tracy_widom import (
    TracyWidom,
    johnstone_scaling,
    largest_eigenvalue_law,
    smallest_eigenvalue_law,
)
from .visible import visible_support
from .weights.given_v import masses_given_v
from .weights.hidden import vv_limit
from .weights.joint import JointWeights, Sector
from .weights.laws import joint_weights, weight_law
from .weights.weight_law import WeightLaw

__all__ = [
    "TRACE_ERROR",
    "BlockMass",
    "Distance",
    "EdelmanSmallest",
    "ExpectedTraces",
    "GeneralizedMarchenkoPastur",
    "JointWeights",
    "MarchenkoPastur",
    "Outlier",
    "Panels",
    "Sector",
    "TracyWidom",
    "WeightLaw",
    "block_mass",
    "block_ratio",
    "distance",
    "expected_traces",
    "johnstone_scaling",
    "joint_weights",
    "largest_eigenvalue_law",
    "limit_law",
    "linear_second_moments",
    "masses_given_v",
    "outliers",
    "outside",
    "scaled_block_ratio",
    "smallest_eigenvalue_law",
    "visible_support",
    "vv_limit",
    "weight_law",
]
