"""Writing the small part of TOML that an experiment needs; the standard library only reads it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any


def value(item: Any) -> str:
    """Write one value: a string, boolean, integer, float or a flat list of these."""
    if isinstance(item, list | tuple):
        return "[" + ", ".join(value(i) for i in item) + "]"
    # JSON's strings, booleans and numbers are TOML's, and repr gives the shortest float that reads back.
    return json.dumps(item, allow_nan=False)


def dumps(table: Mapping[str, Any]) -> str:
    """Write nested tables with bare keys, in the order of the mapping."""
    return "\n".join(_lines(table, "")) + "\n"


def _lines(table: Mapping[str, Any], name: str) -> Iterator[str]:
    if name:
        yield from ("", f"[{name}]")
    for key, item in table.items():
        if not isinstance(item, Mapping):
            yield f"{key} = {value(item)}"
    for key, item in table.items():
        if isinstance(item, Mapping):
            yield from _lines(item, f"{name}.{key}" if name else key)
