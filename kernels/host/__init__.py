"""What every device leaves to NumPy on the host: confident samples, sums over pairs of samples."""
