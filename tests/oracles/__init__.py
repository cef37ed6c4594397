"""Independent answers that the tests compare with: no code shared with rmtsim, written to be obvious."""
