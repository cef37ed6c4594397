"""One BLAS thread for the laws: with more, their small matrices took 10 to 40 times as long."""

import scipy.linalg  # noqa: F401 - loads its BLAS, which the controller has to find
from threadpoolctl import ThreadpoolController

single_blas_thread = ThreadpoolController().wrap(limits=1, user_api="blas")
"""Decorator of a function that runs with one BLAS thread and then gives the threads back."""
