"""From a weight law to the law of the spectrum, theory.md (3.8), in the variable w = -1/e.

- ``measure``: discrete weight laws, and the array types of all laws; ``cumulants``: moments;
- ``panels``, ``log_spline``: densities by Legendre series, and densities of weighted points;
- weights that are atoms: ``chart`` (the map z(w)), ``edges``, ``arc`` (the curve of the law), ``boundary``
  (all bulks), ``resolvent`` (off the support);
- weights with a density: ``dense_map``, ``dense_edges``, ``dense_table``, ``dense_boundary``;
- ``bulks``: what both have in common;
- ``roots``, ``antiderivative``, ``poisson_kernel``: bracketed roots, integrals of distribution functions, and
  levels of the Marchenko-Pastur law.
"""
