"""Batches of whole trials, from their streams to the spectra of their blocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ..arguments.trials import LECUN, HiddenForms, LinearForms, Network, checked_network, trial_batch
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
        network: Network = LECUN,
        masses: bool = False,
    ) -> LinearForms:
        """Tridiagonal forms of blocks of linear models f(x) = V x at initialisation, a batch of trials.

        X (N, d) has N(0, 1) entries and V (C, d) N(0, v_std^2/d) entries, each the normals of a stream from
        number 0 on, row by row. The blocks are those of theory.md (2.1). A block with fewer than d samples of
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
            Deviations of the parameters in units of LeCun's initialisation, and the activation.
        masses : bool
            Whether to sum the masses of all blocks, as `linear_masses` does, from the same draws.

        Returns
        -------
        LinearForms
            classes: diagonals (T, B, d) and off_diagonals (T, B, d-1), float64; masses (T, 2) or None. A
            trial has the same bits in any batch.

        Raises
        ------
        TypeError, ValueError
            For another dtype, shape or loss, or an index out of range.
        """
        batch = trial_batch(streams, sizes, ("n_samples", "n_features", "n_classes"), loss, dtype)
        classes = indices(class_pairs, "class_pairs", (None, 2), batch.sizes[2])
        checked = checked_network(network)
        return self._bare.linear_forms(
            batch.streams, batch.sizes, loss, classes, batch.dtype, checked, bool(masses)
        )

    def hidden_forms(
        self,
        streams: ArrayLike,
        sizes: Sequence[int],
        loss: str,
        hidden_pairs: ArrayLike,
        class_pairs: ArrayLike,
        dtype: DTypeLike = np.float64,
        network: Network = LECUN,
        masses: bool = False,
    ) -> HiddenForms:
        """Tridiagonal forms of blocks of hidden models f(x) = V phi(W x) at initialisation, a batch.

        As `linear_forms`, with W (m, d) of N(0, w_std^2/d) and V (C, m) of N(0, v_std^2/m) entries. The
        blocks are those of theory.md (2.2) and (2.3).

        Parameters
        ----------
        streams : (T, 3, 4) uint32
            Streams of X, W and V of each trial; with (T, 4, 4) that of the labels, where residuals enter: for
            masses, and for activations with a second derivative.
        sizes : (N, d, C, m)
        loss : {"ce", "mse"}
        hidden_pairs : (B, 2) integers in [0, m)
            The blocks (w_i, w_j).
        class_pairs : (B', 2) integers in [0, C)
            The blocks (v_c, v_e).
        dtype, network, masses
            As `linear_forms`.

        Returns
        -------
        HiddenForms
            hidden: Forms of order d, classes: Forms of order m, scales (T, B), masses (T, 5) or None.

        Raises
        ------
        TypeError, ValueError
            As `linear_forms`.
        """
        names = "n_samples", "n_features", "n_classes", "n_hidden"
        checked = checked_network(network)
        self._bare.require(checked.activation)
        labelled = masses or checked.residuals_enter
        batch = trial_batch(streams, sizes, names, loss, dtype, labelled)
        hidden = indices(hidden_pairs, "hidden_pairs", (None, 2), batch.sizes[3])
        classes = indices(class_pairs, "class_pairs", (None, 2), batch.sizes[2])
        pairs = hidden, classes
        return self._bare.hidden_forms(
            batch.streams, batch.sizes, loss, *pairs, batch.dtype, checked, bool(masses)
        )
