"""Counter-based random numbers, compiled: the same bits on every machine."""

import numpy as np

from .compiled import random

philox4x32 = random.philox4x32


def uniforms(stream, start, size, dtype):
    """Uniform numbers into a new array."""
    out = np.empty(size, dtype)
    random.fill_uniforms(stream, np.uint64(start), out)
    return out


def normals(stream, start, size, dtype, scale, out):
    """Normal numbers in place."""
    random.fill_normals(stream, np.uint64(start), scale, out)


def labels(stream, start, size, n_classes):
    """Labels into a new array."""
    out = np.empty(size, np.int64)
    random.fill_labels(stream, np.uint64(start), n_classes, out)
    return out
