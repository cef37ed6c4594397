"""The contract of operations: of each its signature, its documentation and the check of its arguments, once.

An operation is a public method of the class of its group. A device is a package kernels/<device> with a
module for each group, that is named as the file of the group here; `bare.BareFunctions` says what it has to
hold.
"""

from .bare import BareFunctions
from .classes import ClassOperations
from .masses import MassOperations
from .matrices import MatrixOperations
from .random import RandomOperations
from .spectra import SpectrumOperations
from .structured import StructuredOperations
from .trials import TrialOperations
from .weights import WeightOperations

__all__ = ["OPERATIONS", "Operations"]


class Operations(
    RandomOperations,
    ClassOperations,
    WeightOperations,
    MatrixOperations,
    SpectrumOperations,
    MassOperations,
    TrialOperations,
    StructuredOperations,
):
    """All operations on one device, made by `kernels.load`.

    Arrays go in and come out as NumPy arrays, whatever the device. A strided one is copied on its way in; a
    foreign dtype is refused rather than converted, so that no precision is lost unseen.

    Each method says of its arguments which dtypes, shapes and values they may have. Any other is refused with
    a sentence that names the argument, what was expected and what came.

    Attributes
    ----------
    device : str
        Its name.
    lacks : tuple of str
        Operations that the device has not.
    activations : tuple of str
        Activations of hidden models that it has.

    Raises
    ------
    TypeError
        By every operation, for an argument of another dtype or type.
    ValueError
        For one of another shape, or with a number out of range or not finite.
    DeviceError
        For an operation or an activation that the device has not.
    """

    def __init__(self, device: str) -> None:
        self.device = device
        self._bare = BareFunctions(device, GROUPS)
        self.activations = self._bare.activations
        self.lacks = tuple(name for name in OPERATIONS if name not in vars(self._bare))

    def __repr__(self) -> str:
        """Name of the class and of the device."""
        return f"Operations({self.device!r})"


GROUPS = {
    group.__module__.rpartition(".")[2]: tuple(name for name in vars(group) if not name.startswith("_"))
    for group in Operations.__bases__
}
"""Names of the operations by group, in the order of their declaration."""

OPERATIONS = tuple(name for names in GROUPS.values() for name in names)
