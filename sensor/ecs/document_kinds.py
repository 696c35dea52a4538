"""The closed sets of values: what the keywords of each kind of document can be, and nothing else.

A rule is held against these to find that it can never fire. An analyzer that makes documents adds a
kind, or values to the fields of those that are here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from sensor.ecs.field import ALWAYS, Code, Constant, Entry, Field, Values
from sensor.ecs.login_fields import LOGIN_FIELDS
from sensor.ecs.process_fields import PROCESS_EVENT_FIELDS, PROCESS_FIELDS
from sensor.ecs.protocol_fields import (
    PROTOCOL_ACTIONS,
    PROTOCOL_EVENT_FIELDS,
    PROTOCOL_FIELDS,
)
from sensor.ecs.protocol_fields.flow import FROM_THE_FLOW
from sensor.ecs.schema import ALERT_FIELDS, FIELDS
from sensor.ecs.tunnel_fields import TUNNEL_FIELDS
from sensor.model.flow import ACTIONS

CLOSED_TYPES = ("keyword", "constant_keyword", "boolean")
NEVER: tuple[Values, ...] = ((),)
"""The possible values of a field that no document of a kind has."""


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """A kind of document that the sensor writes."""

    name: str
    closed: Mapping[str, tuple[Values, ...]]
    """Per field all that it can have: an alternative each, an empty one where it may be absent.

    A field of several values has each of them as an alternative. Fields that are not here may
    have any value.
    """


@cache
def document_kinds(*, processes: bool = False) -> tuple[DocumentKind, ...]:
    """The kinds that occur: flows by their actions, what was said in them by protocol, and process
    events if there are any.
    """
    flows = tuple(
        DocumentKind(f"{action.action} event", _flow(code, processes))
        for code, action in enumerate(ACTIONS)
    )
    said = tuple(event_kind(name, processes=processes) for name in PROTOCOL_FIELDS)
    return (*flows, *said, *((DocumentKind("process event", _process()),) if processes else ()))


@cache
def any_flow_kind() -> DocumentKind:
    """Flow events of every action, with all that any of them can have."""
    kinds = [_flow(action, processes=True) for action in range(len(ACTIONS))]
    closed = {name: tuple(dict.fromkeys(values for kind in kinds for values in kind[name]))
              for name in kinds[0] if all(name in kind for kind in kinds)}
    return DocumentKind("flow event", closed)


@cache
def event_kind(protocol: str, *, processes: bool = True) -> DocumentKind:
    """The events of a protocol."""
    return DocumentKind(f"{protocol} event", _said(protocol, processes))


def _flow(action: int, processes: bool) -> dict[str, tuple[Values, ...]]:
    """The closed fields of the flow events of one action."""
    fields = (*FIELDS, *TUNNEL_FIELDS, *(PROCESS_FIELDS if processes else ()),
              *(LOGIN_FIELDS if ACTIONS[action].final else ()))
    closed = _closed(fields)
    for field in FIELDS:
        if isinstance(field.reading, Code) and field.reading.member == "action":
            closed[field.name] = (field.reading.table[action],)
    return _never((*ALERT_FIELDS, *PROCESS_EVENT_FIELDS, *PROTOCOL_EVENT_FIELDS), fields) | closed


def _said(protocol: str, processes: bool) -> dict[str, tuple[Values, ...]]:
    """The closed fields of the events of a protocol."""
    dataset: tuple[Values, ...] = ((f"network_traffic.{protocol}",),)
    own = {
        "event.dataset": dataset, "data_stream.dataset": dataset,
        "event.action": tuple((action,) for action in PROTOCOL_ACTIONS[protocol]),
        "event.type": (("info",), ("protocol",)),
        "network.protocol": ((protocol,), ()),  # of Telnet its session may prove it, or its port
    } | _sometimes(_closed(PROTOCOL_FIELDS[protocol]))
    named = {field.name for field in PROTOCOL_FIELDS[protocol]} | set(own)
    shared = tuple(field for field in FIELDS if field.name in FROM_THE_FLOW)
    fields = (*shared, *TUNNEL_FIELDS, *(PROCESS_FIELDS if processes else ()),
              *PROTOCOL_FIELDS[protocol])
    others = (*FIELDS, *ALERT_FIELDS, *PROCESS_EVENT_FIELDS, *PROTOCOL_EVENT_FIELDS)
    return (_never(others, fields) | _closed(field for field in fields if field.name not in named)
            | own)  # fmt: skip


_ALWAYS = ("event.category", "event.type")
"""Of a protocol's own fields those that each of its events has."""


def _sometimes(closed: dict[str, tuple[Values, ...]]) -> dict[str, tuple[Values, ...]]:
    """The closed fields of a protocol: most stand in some of its events only."""
    return {name: values if name in _ALWAYS else tuple(dict.fromkeys((*values, ())))
            for name, values in closed.items()}


_OF_BOTH = ("@timestamp", "event.created", "ecs.version", "data_stream.type",
            "data_stream.namespace", "observer.type", "observer.product", "observer.hostname",
            "observer.version")  # fmt: skip
"""The fields that process events have as flow documents have them."""


def _process() -> dict[str, tuple[Values, ...]]:
    shared = tuple(field for field in FIELDS if field.name in _OF_BOTH)
    fields = (*shared, *PROCESS_FIELDS, *PROCESS_EVENT_FIELDS)
    others = (*FIELDS, *TUNNEL_FIELDS, *ALERT_FIELDS, *PROTOCOL_EVENT_FIELDS)
    return _never(others, fields) | _closed(fields)


def _never(fields: Iterable[Field], kept: Iterable[Field]) -> dict[str, tuple[Values, ...]]:
    names = {field.name for field in kept}
    return {field.name: NEVER for field in fields if field.name not in names}


def _closed(fields: Iterable[Field]) -> dict[str, tuple[Values, ...]]:
    return {field.name: values for field in fields
            if field.type in CLOSED_TYPES and (values := _alternatives(field))}


def _alternatives(field: Field) -> tuple[Values, ...]:
    """All that a field can have; nothing if that is open."""
    absent = () if field.when == ALWAYS and not isinstance(field.reading, Entry) else NEVER
    match field.reading:
        case _ if field.values:
            return (*((value,) for value in field.values), *absent)
        case Constant(values):
            return (values, *absent)
        case Code(_, table):
            return (*dict.fromkeys(table), *absent)
    return ()
