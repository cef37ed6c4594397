"""Masses of the parts of the whole Hessian."""

from .statistic import Field, Labels, RecordShape, Statistic


class Masses(Statistic):
    """Squared Frobenius norms summed over all blocks of each part, which no spectrum of one block tells."""

    def fields(self, shape: RecordShape) -> dict[str, Field]:
        """Return "masses"."""
        long_name = "sum of the squared Frobenius norms of all blocks of the part"
        return {"masses": Field((len(shape.parts),), "float64", ("part",), long_name)}

    def coordinates(self, shape: RecordShape) -> dict[str, Labels]:
        """Return the parts."""
        return {"part": shape.parts}


MASSES = Masses("masses")
