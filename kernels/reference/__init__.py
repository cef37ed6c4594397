"""Every operation in plain NumPy, obvious and slow: the specification that devices are tested against."""
