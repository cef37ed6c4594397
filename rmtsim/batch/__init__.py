"""Runs: batches of trials over workers, into a store."""

from .montecarlo import Batch, batch_size, run, run_batches

__all__ = ["Batch", "batch_size", "run", "run_batches"]
