"""Laws of the sample weights of every block whose order grows with d, theory.md section 3.

- ``conditions``: what users give (classes, V, units, scales), checked (``checks``) where it is asked for;
- ``activation``: activations of the hidden layer, and their derivatives;
- ``weight_law``: the law of a weight, atoms and a density by panels;
- ``joint_weights``: a weight together with the projections it depends on, for outliers;
- ``linear_density``, ``linear_joint``: both for the linear model;
- ``hidden_weights``: weights of the hidden model given V at points of its pre-activations;
- ``hidden_density``, ``hidden_joint``: law and projections of these.
"""
