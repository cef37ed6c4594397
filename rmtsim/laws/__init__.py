"""Limit laws of the spectra: theory only, shares no code with the simulation."""

from .block_mass import BlockMass, block_mass
from .compression import compression_error, gauss_compress
from .generalized import GeneralizedMarchenkoPastur
from .marchenko_pastur import MarchenkoPastur
from .ratios import block_ratio, scaled_block_ratio
from .tracy_widom import (
    EdelmanSmallest,
    TracyWidom,
    johnstone_scaling,
    largest_eigenvalue_law,
    smallest_eigenvalue_law,
)

__all__ = [
    "BlockMass",
    "EdelmanSmallest",
    "GeneralizedMarchenkoPastur",
    "MarchenkoPastur",
    "TracyWidom",
    "block_mass",
    "block_ratio",
    "compression_error",
    "gauss_compress",
    "johnstone_scaling",
    "largest_eigenvalue_law",
    "scaled_block_ratio",
    "smallest_eigenvalue_law",
]
