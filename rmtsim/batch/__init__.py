"""Runs: batches of trials over workers, into a store."""

from .batches import Batch, batch_size
from .montecarlo import MemoryWarning, run, run_batches

__all__ = ["Batch", "MemoryWarning", "batch_size", "run", "run_batches"]
