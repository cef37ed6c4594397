"""Gaussian averages that weight laws, masses and ratios are made of.

- ``gauss_rules``, ``quasi_monte_carlo``: nodes and points;
- ``softmax_moments``: of one sample at any number of classes;
- ``softmax_pairs``: of two samples that share V; ``hidden_pairs`` averages these over hidden activations;
- ``log_ratio``: the density of the logit of one class.
"""
