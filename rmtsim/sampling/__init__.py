"""Draws of trials: names of random words, Gaussian arrays, and the samplers of blocks and masses."""
