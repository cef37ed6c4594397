"""How generalised Marchenko-Pastur laws are solved; users name the laws of the package above."""
