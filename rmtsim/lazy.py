"""Properties that are computed once, by whichever thread asks."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from functools import cached_property as lazy_property
else:

    class lazy_property:
        """As `functools.cached_property`, without a lock.

        That of Python 3.11 holds one for all objects of a class while it computes: worker threads would run
        one after another. Here two threads that ask one object at once may both compute, and one value stays.
        """

        def __init__(self, function: Any) -> None:
            self.function, self.__doc__ = function, function.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            self.name = name

        def __get__(self, instance: Any, owner: type | None = None) -> Any:
            """Compute the value and keep it in the object's dictionary, where it is found from then on."""
            if instance is None:
                return self
            return vars(instance).setdefault(self.name, self.function(instance))


__all__ = ["lazy_property"]
