"""Runs: batches of trials over workers, into a store."""

from .montecarlo import Batch, batch_size, pilot_edges, run, run_batches, run_trial

__all__ = ["Batch", "batch_size", "pilot_edges", "run", "run_batches", "run_trial"]
