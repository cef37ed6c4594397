"""Batches of whole trials, from their streams to the spectra of their blocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ..arguments.trials import Forms, HiddenForms, Network, trial_batch
from ..arguments.values import indices
from .bare import Group


class TrialOperations(Group):
    """Blocks of models at initialisation, drawn and brought to a form from which statistics are cheap."""

    def linear_forms(
        self,
        streams: ArrayLike,
        sizes: Sequence[int],
        loss: str,
        class_pairs: ArrayLike,
        dtype: DTypeLike = np.float64,
        network: Network = Network(1.0, 1.0),  # noqa: B008 - cannot be changed
    ) -> Forms:
        """Tridiagonal forms of blocks of linear models f(x) = V x at initialisation, a batch of trials.

        X (N, d) has N(0, 1) entries and V (C, d) N(0, 1/d) entries, each the normals of a stream from number
        0 on, row by row. The blocks are those of theory.md (2.1). A block with fewer than d samples of
        nonzero weight comes from the matrix of their inner products, and has its zero eigenvalues exactly.

        Parameters
        ----------
        streams : (T, 2, 4) uint32
            Streams of X and V of each trial.
        sizes : (N, d, C)
        loss : {"ce", "mse"}
        class_pairs : (B, 2) integers in [0, C)
            The blocks (v_c, v_e).
        dtype : float64 or float32
            Of the draws and of the linear algebra.
        network : Network
            v_std: the deviation of V, in units of d^-1/2.

        Returns
        -------
        Forms
            diagonals (T, B, d) and off_diagonals (T, B, d-1), float64. A trial has the same bits in any
            batch.

        Raises
        ------
        TypeError, ValueError
            For another dtype, shape or loss, or an index out of range.
        """
        batch = trial_batch(streams, sizes, ("n_samples", "n_features", "n_classes"), loss, dtype)
        classes = indices(class_pairs, "class_pairs", (None, 2), batch.sizes[2])
        return self._bare.linear_forms(batch.streams, batch.sizes, loss, classes, batch.dtype, network)

    def hidden_forms(
        self,
        streams: ArrayLike,
        sizes: Sequence[int],
        loss: str,
        hidden_pairs: ArrayLike,
        class_pairs: ArrayLike,
        dtype: DTypeLike = np.float64,
        network: Network = Network(1.0, 1.0),  # noqa: B008 - cannot be changed
    ) -> HiddenForms:
        """Tridiagonal forms of blocks of hidden models f(x) = V relu(W x) at initialisation, a batch.

        As `linear_forms`, with W (m, d) of N(0, 1/d) and V (C, m) of N(0, 1/m) entries. The blocks are those
        of theory.md (2.2) and (2.3).

        Parameters
        ----------
        streams : (T, 3, 4) uint32
            Streams of X, W and V of each trial.
        sizes : (N, d, C, m)
        loss : {"ce", "mse"}
        hidden_pairs : (B, 2) integers in [0, m)
            The blocks (w_i, w_j).
        class_pairs : (B', 2) integers in [0, C)
            The blocks (v_c, v_e).
        dtype : float64 or float32
        network : Network
            w_std and v_std: the deviations of W and V, in units of d^-1/2 and m^-1/2.

        Returns
        -------
        HiddenForms
            hidden: Forms of order d, classes: Forms of order m, scales (T, B), float64.

        Raises
        ------
        TypeError, ValueError
            As `linear_forms`.
        """
        names = "n_samples", "n_features", "n_classes", "n_hidden"
        batch = trial_batch(streams, sizes, names, loss, dtype)
        hidden = indices(hidden_pairs, "hidden_pairs", (None, 2), batch.sizes[3])
        classes = indices(class_pairs, "class_pairs", (None, 2), batch.sizes[2])
        words, n = batch.streams, batch.sizes
        return self._bare.hidden_forms(words, n, loss, hidden, classes, batch.dtype, network)
