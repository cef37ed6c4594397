"""Results: the contract of stores, in memory and in HDF5."""

from .contract import MemoryStore, Record, Results, Store
from .hdf5 import HDF5Store, StoreError, open_results

__all__ = ["HDF5Store", "MemoryStore", "Record", "Results", "Store", "StoreError", "open_results"]
