"""Experiments, known answers and published values that ship with rmtsim."""
