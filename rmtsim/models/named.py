"""Objects with a name, which is what files and command lines call them."""

from typing import Any, ClassVar, Self


class Named(str):
    """An object that is written as its name and equals it.

    Names come in as text, from experiments, command lines and results files, and are looked up there once;
    inside, what differs from one to the other is asked of the object.

    Attributes
    ----------
    known : dict
        Of each class: its objects by name, in the order in which they are made.
    """

    known: ClassVar[dict[str, Any]]

    def __init_subclass__(cls) -> None:
        if Named in cls.__bases__:
            cls.known = {}

    @classmethod
    def make(cls, name: str) -> Self:
        """Return a new object, known by its name from now on; its attributes are the caller's to set.

        Raises
        ------
        ValueError
            There is one of that name.
        """
        if name in cls.known:
            raise ValueError(f"name: expected one that no other {cls.__name__} has, got {name!r}")
        made = str.__new__(cls, name)
        cls.known[name] = made
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return _known, (type(self), str(self))


def _known(kind: type[Named], name: str) -> Any:
    return kind.known[name]
