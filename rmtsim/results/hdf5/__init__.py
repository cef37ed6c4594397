"""Results files in HDF5; the only package that imports h5py.

Every dataset is contiguous and allocated when the file is created, so writing trials touches array
bytes alone and never the structure of the file: whatever the instant at which the writer is killed,
the file opens. HDF5 builds that structure once, in memory, and from then on only reads: the bytes of
arrays are written past it, at the places that it gave them, so that a write that fails is one error
with its reason, and nothing waits in HDF5 to be written again. The array bytes of a trial reach the
disk before its ``done`` mark is written, see `marks`: a power cut leaves no mark without them. HDF5's
mode for concurrent reading (SWMR) is not used: a killed writer would leave its flag behind.
"""

from .creation import write_table
from .errors import StoreError
from .layout import cell_bytes
from .reader import HDF5Results, open_results
from .writer import EnvironmentWarning, HDF5Store, check_new_file

__all__ = [
    "EnvironmentWarning",
    "HDF5Results",
    "HDF5Store",
    "StoreError",
    "cell_bytes",
    "check_new_file",
    "open_results",
    "write_table",
]
