"""Results: the contract of stores, in memory and in HDF5."""

from .contract import Results, Store, stacked
from .hdf5 import HDF5Store, StoreError, open_results
from .memory import MemoryStore

__all__ = ["HDF5Store", "MemoryStore", "Results", "Store", "StoreError", "open_results", "stacked"]
