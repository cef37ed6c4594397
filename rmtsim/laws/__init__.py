"""Limit laws of the spectra: theory only, shares no code with the simulation."""

from .compression import gauss_compress
from .generalized import GeneralizedMarchenkoPastur

__all__ = ["GeneralizedMarchenkoPastur", "gauss_compress"]
