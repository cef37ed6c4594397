"""Gaussian averages that weight laws and ratios are made of, by quadrature."""
