"""Limit laws of the spectra: theory only, shares no code with the simulation."""

from .block_mass import BlockMass, block_mass
from .compression import compression_error, gauss_compress
from .finite_size import TRACE_ERROR, ExpectedTraces, expected_traces, linear_second_moments
from .generalized import GeneralizedMarchenkoPastur
from .given_v import masses_given_v
from .joint_weights import JointWeights, LawErrors, Sector
from .limit import limit_law
from .marchenko_pastur import MarchenkoPastur
from .outliers import Outlier, outliers, outside
from .ratios import block_ratio, scaled_block_ratio
from .tracy_widom import (
    EdelmanSmallest,
    TracyWidom,
    johnstone_scaling,
    largest_eigenvalue_law,
    smallest_eigenvalue_law,
)
from .weights import WeightLaw, joint_weights, weight_law
from .weights_hidden import vv_limit

__all__ = [
    "TRACE_ERROR",
    "BlockMass",
    "EdelmanSmallest",
    "ExpectedTraces",
    "GeneralizedMarchenkoPastur",
    "JointWeights",
    "LawErrors",
    "MarchenkoPastur",
    "Outlier",
    "Sector",
    "TracyWidom",
    "WeightLaw",
    "block_mass",
    "block_ratio",
    "compression_error",
    "expected_traces",
    "gauss_compress",
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
    "vv_limit",
    "weight_law",
]
