"""The values of a document's fields, and their text for people, which is harmless."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sensor.base.escape import harmless


def field(document: Mapping[str, object], name: str) -> str:
    """The field of a dotted name, harmless, values joined by a comma; "" where it is missing."""
    return value_text(value_at(document, name))


def value_text(value: object) -> str:
    """A value of a document for people, harmless."""
    if type(value) is str:
        return harmless(value)
    if value is None or isinstance(value, dict):
        return ""
    if isinstance(value, (list, tuple)):
        return ",".join(value_text(member) for member in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return harmless(str(value))


def value_at(document: Mapping[str, object], name: str) -> Any:
    """The value of a dotted name, of a list of objects those of each; None where there is none."""
    found: Any = document
    for part in name.split("."):
        if isinstance(found, list):
            found = [one[part] for one in found if isinstance(one, dict) and part in one]
        elif isinstance(found, dict):
            found = found.get(part)
        else:
            return None
    return found


def leaves(document: Mapping[str, object], above: str = "") -> Iterator[tuple[str, Any]]:
    """The dotted names of all values with the values, as `value_at` gives them; of many names it is
    much cheaper."""
    for name, value in document.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{above}{name}.")
        elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
            objects = [one for one in value if isinstance(one, dict)]
            names = dict.fromkeys(key for one in objects for key in one)
            yield from leaves({key: [one[key] for one in objects if key in one] for key in names},
                              f"{above}{name}.")  # fmt: skip
        else:
            yield above + name, value


def values(document: Mapping[str, object], name: str) -> list[str]:
    """The values of a dotted name, each harmless; none where there is nothing."""
    found = value_at(document, name)
    members = found if isinstance(found, (list, tuple)) else [] if found is None else [found]
    return [value_text(value) for value in members]
