"""Limit laws of the spectra: theory only, shares no code with the simulation."""

from .block_mass import BlockMass, block_mass
from .compression import gauss_compress
from .generalized import GeneralizedMarchenkoPastur
from .ratios import block_ratio, scaled_block_ratio

__all__ = [
    "BlockMass",
    "GeneralizedMarchenkoPastur",
    "block_mass",
    "block_ratio",
    "gauss_compress",
    "scaled_block_ratio",
]
