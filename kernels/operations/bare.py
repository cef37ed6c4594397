"""The bare functions of a device, found by the names of their operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ..errors import DeviceError
from ..host.activations import ACTIVATIONS

KERNELS = __name__.rpartition(".operations")[0]


class BareFunctions:
    """Functions without checks, one to an operation, as attributes.

    That of an operation is a function of the same name in kernels/<device>/<group>.py and takes the same
    parameters by position, each of them checked and in its plainest form. Where a device has no such
    function, asking for it raises DeviceError. A module may name the activations that it has in
    ``HAS_ACTIVATIONS``.
    """

    def __init__(self, device: str, groups: Mapping[str, Sequence[str]]) -> None:
        self._device = device
        self.activations = tuple(ACTIVATIONS)
        for group, names in groups.items():
            path = f"{KERNELS}.{device}.{group}"
            module = import_module(path) if find_spec(path) else None
            self.activations = getattr(module, "HAS_ACTIVATIONS", self.activations)
            vars(self).update({name: getattr(module, name) for name in names if hasattr(module, name)})

    def require(self, activation: str) -> None:
        """Refuse an activation that the device has not."""
        if activation not in self.activations:
            expected = " or ".join(map(repr, self.activations))
            raise DeviceError(f"activation: expected {expected} on device {self._device}, got {activation!r}")

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Refuse what the device has no function for; Python asks here for names that are no attributes."""
        if name.startswith("_"):
            raise AttributeError(name)
        raise DeviceError(f"device {self._device} has no operation {name}")


class Group:
    """Operations that belong together, on the device of `_bare`; kernels/<device> has a module for each."""

    _bare: BareFunctions
