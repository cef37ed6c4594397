"""Laws of the sample weights of every block whose order grows with d, theory.md section 3.

- ``conditions``: what users give (classes, V, units), checked where it is asked for;
- ``weight_law``: the law of a weight, atoms and a density by panels;
- ``joint_weights``: a weight together with the projections it depends on, for outliers;
- ``linear_density``, ``linear_joint``: both for the linear model;
- ``hidden_density``, ``hidden_joint``: both for the hidden model given V.
"""
