"""JSON that Kibana exports, or that somebody took for such: its objects with their lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from sensor.errors import QueryError

SAVED_RULE = "security-rule"
"""The type of a package's saved objects that are rules."""
SUFFIXES = (".ndjson", ".jsonl", ".json")
_SPACE = re.compile(r"[\s,]*")

Table = dict[str, object]
"""A table of a TOML file, an object of a JSON file."""
Placed = tuple[int, object]
"""A line of a file, counted from 1, and the value that begins there."""


def is_json(path: str) -> bool:
    """True if a file is JSON, by its name."""
    return path.lower().endswith(SUFFIXES)


def values_of(path: str, content: str) -> Iterator[Placed | QueryError]:
    """The values of a file, members of arrays one by one; what is wrong in between."""
    if path.lower().endswith(".json"):
        yield from _spread(path, content)
        return
    for line, text in enumerate(content.split("\n"), 1):
        if not text.strip():
            continue
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            yield QueryError(f"JSON: {error}", path=path, line=line)
            continue
        for member in unwrapped(value):
            yield line, member


def _spread(path: str, content: str) -> Iterator[Placed | QueryError]:
    """Values that may be spread over lines: one, several, or those of an array."""
    decoder, end = json.JSONDecoder(), len(content.rstrip())
    at = _after_space(content, 0)
    array = content[at : at + 1] == "["
    at += array
    while (at := _after_space(content, at)) < end:
        if array and content[at] == "]":
            array, at = False, at + 1
            continue
        try:
            value, last = decoder.raw_decode(content, at)
        except json.JSONDecodeError as error:
            yield QueryError(f"JSON: {error.msg}", path=path, line=error.lineno)
            return
        except RecursionError:
            yield QueryError("JSON: nested too deep", path=path)
            return
        line = content.count("\n", 0, at) + 1
        for member in unwrapped(value):
            yield line, member
        at = last
    if array:
        yield QueryError("JSON: the array does not end", path=path)


def unwrapped(value: object) -> list[object]:
    """The objects in a value: members of an array or of an answer of Kibana's `_find`, and what a
    package keeps in a saved object.
    """
    if isinstance(value, list):
        return [member for item in value for member in unwrapped(item)]
    if isinstance(value, dict):
        if isinstance(value.get("data"), list) and "total" in value:
            return unwrapped(value["data"])
        if isinstance(value.get("attributes"), dict) and value.get("type") == SAVED_RULE:
            return [value["attributes"]]
    return [value]


def _after_space(content: str, at: int) -> int:
    space = _SPACE.match(content, at)
    return space.end() if space else at


def kind_of(values: Iterable[object]) -> str:
    """The probable kind of JSON that was not looked for, and where it belongs."""
    objects = [value for value in values if isinstance(value, dict)]
    if any("detection" in each and "logsource" in each for each in objects):
        return "this is a Sigma rule: it has to be converted first"
    if any("rule_id" in each for each in objects):
        return "these are rules: give them to --rules"
    if any("entries" in each and ("item_id" in each or "list_id" in each) for each in objects):
        return "these are exception items: give them to --exceptions"
    if any(key in each for each in objects for key in ("@timestamp", "_source", "event")):
        return "these look like events: give them to --events"
    return "something else is in it" if objects else "it is empty"
