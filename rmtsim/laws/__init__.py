"""Limit laws of the spectra: theory only, shares no code with the simulation."""

from .compression import gauss_compress

__all__ = ["gauss_compress"]
