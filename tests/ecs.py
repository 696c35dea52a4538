"""Is a document valid ECS? For every test that has documents.

The field list in data/ecs_fields.tsv holds names, types and array-ness of ECS 8.17.
"""

from __future__ import annotations

import csv
import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_TSV = Path(__file__).parent / "data" / "ecs_fields.tsv"
with _TSV.open(newline="") as _file:
    ECS = {
        row["field"]: (row["type"], row["array"] == "array")
        for row in csv.DictReader(_file, delimiter="\t")
    }

CUSTOM = re.compile(
    r"(sensor\.|ssh\.|telnet\.|flow\.(id|final)$|(network_traffic\.)?icmp\.|(status|request)$"
    r"|(network_traffic\.)?redis\.|tls\.detailed\.|tls\.client\.ja4$|tls\.(client|server)\.x509\.|dns\.(flags|opt|\w+_count)\b"
    r"|http\.(login|password|(request|response)\.headers)\.|http\.response\.status_phrase$"
    r"|zeek\.http\.(client|server)_header_names$)")
"""Fields that are ours or, like icmp.request, Beats'."""

KINDS = {"alert", "event"}
CATEGORIES = {"network", "intrusion_detection", "process", "authentication", "session",
              "web"}
TYPES = {"access", "allowed", "connection", "denied", "end", "info", "protocol", "start"}
"""ECS's event.type values for the categories network and process."""
OUTCOMES = {"success", "failure", "unknown"}
DIRECTIONS = {"inbound", "outbound", "internal", "external", "unknown"}
_ENUMERATIONS = {
    "event.kind": KINDS,
    "event.category": CATEGORIES,
    "event.type": TYPES,
    "event.outcome": OUTCOMES,
    "network.direction": DIRECTIONS,
}
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.(\d{9}|000)Z")
"""To the nanosecond; what certificates say, to the second."""
_MAC = re.compile(r"[0-9A-F]{2}(-[0-9A-F]{2}){5}")


def leaves(document: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a document as (dotted name, value); an array is a leaf."""
    for key, value in document.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def problems(document: dict[str, Any]) -> list[str]:
    """What is wrong with a document, one line each; empty if it is valid."""
    found = []
    for name, value in leaves(document):
        if name in ECS:
            found += _field_problems(name, value, *ECS[name])
        elif not CUSTOM.match(name):
            found.append(f"{name}: neither ECS nor a field of ours")
    for name in ("@timestamp", "event", "ecs"):
        if name not in document:
            found.append(f"{name}: absent")
    return found


def _field_problems(name: str, value: Any, ecs_type: str, array: bool) -> list[str]:
    if isinstance(value, list) != array:
        return [f"{name}: {'no' if array else 'an'} array: {value!r}"]
    values = value if array else [value]
    found = [f"{name}: not a {ecs_type}: {one!r}" for one in values if not _fits(ecs_type, one)]
    allowed = _ENUMERATIONS.get(name)
    if allowed:
        found += [f"{name}: not a value of ECS: {one!r}" for one in values if one not in allowed]
    if name.endswith(".mac"):
        found += [f"{name}: not as RFC 7042 has it: {one}" for one in values
                  if not _MAC.fullmatch(one)]
    if not values:
        found.append(f"{name}: empty")
    return found


def _fits(  # noqa: PLR0911  a list of cases
    ecs_type: str, value: Any
) -> bool:
    match ecs_type:
        case "long":
            return isinstance(value, int) and not isinstance(value, bool)
        case "float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "date":
            return isinstance(value, str) and _DATE.fullmatch(value) is not None
        case "nested" | "object":
            return isinstance(value, dict)
        case "ip":
            return _is_address(value)
    return isinstance(value, str)


def _is_address(value: Any) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return isinstance(value, str)
