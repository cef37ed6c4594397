"""Runs without a file, for tests of what is made of their results."""

from rmtsim.results import MemoryStore
from rmtsim.sampling import pilot_edges, run_trial


def run_in_memory(experiment, *, drawn=lambda cell: cell):
    """Run all trials; ``drawn`` may draw them as those of another cell."""
    store = MemoryStore(experiment)
    for cell in experiment.cells:
        edges = None
        if "histogram" in experiment.measure.statistics:
            edges = pilot_edges(experiment, cell)
            store.set_edges(cell.index, edges)
        records = [run_trial(experiment, drawn(cell), trial, edges) for trial in range(experiment.trials)]
        store.write(cell.index, 0, records)
    return store
