"""The bare functions of the operations in plain NumPy, obvious and slow: what devices are tested against."""
