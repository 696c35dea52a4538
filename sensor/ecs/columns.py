"""Columns of the flow document, read from records by the tables of ecs/schema.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensor.base.escape import utf8_text
from sensor.ecs import field as fields
from sensor.ecs import identifiers, schema
from sensor.ecs.text import mac_text, time_text
from sensor.memory.records import NO_VLAN
from sensor.model.addresses import IPV6, V4_PREFIX, address_text
from sensor.model.columns import AddressColumn, CodedColumn, Column, Mask, NumberColumn
from sensor.model.flow import FLOW_ACTIVE, FLOW_ENDED, FlowRecords

_HAS_PORTS = np.zeros(256, dtype=bool)
_HAS_PORTS[list(schema.PORT_PROTOCOLS)] = True


def when_mask(batch: FlowRecords, when: int) -> Mask | None:  # noqa: PLR0911  a list of cases
    """The rows for which one of field.WHEN holds; None for all of them."""
    rows = batch.records
    match when:
        case fields.ALWAYS:
            return None
        case fields.PORTS:
            return np.asarray(_HAS_PORTS[rows["protocol"]])
        case fields.ICMP:
            return np.asarray((rows["protocol"] == 1) | (rows["protocol"] == 58))
        case fields.TCP:
            return np.asarray(rows["protocol"] == 6)
        case fields.MACS:
            pairs = rows["orig_mac"].view(np.uint16) | rows["resp_mac"].view(np.uint16)
            return np.asarray((pairs[:, 0] | pairs[:, 1] | pairs[:, 2]) != 0)
        case fields.VLAN_OUTER:
            return np.asarray(rows["vlan_outer"] != NO_VLAN)
        case fields.VLAN_INNER:
            return np.asarray(rows["vlan_inner"] != NO_VLAN)
        case fields.HISTORY:
            return np.asarray(rows["history_seen"] != 0)
        case fields.DECIDED:
            return np.asarray(rows["decided_frame"] != 0)
    return np.full(len(rows), schema.created_ns(batch) != 0)


def direction_codes(batch: FlowRecords) -> NDArray[np.uint8]:
    """Codes into schema.DIRECTIONS."""
    rows, internal = batch.records, batch.context.internal
    halves = [np.ascontiguousarray(rows[name]) for name in ("orig_hi", "orig_lo", "resp_hi",
                                                            "resp_lo")]
    orig, resp = internal.mask(*halves[:2]), internal.mask(*halves[2:])
    return np.asarray(orig.view(np.uint8) * np.uint8(2) + resp.view(np.uint8))


def outcome_codes(batch: FlowRecords) -> NDArray[np.uint8]:
    """Codes into schema.OUTCOMES."""
    table = np.zeros(256, dtype=np.uint8)
    table[: len(schema.OUTCOME_BY_VERDICT)] = schema.OUTCOME_BY_VERDICT
    codes = table[batch.records["verdict"]]
    codes[batch.records["action"] == FLOW_ACTIVE] = 0
    return np.asarray(codes)


def derived_codes(batch: FlowRecords) -> NDArray[np.uint8]:
    """The codes of a row that more than one member gives, in one octet: direction, outcome."""
    outcomes = outcome_codes(batch) << np.uint8(schema.OUTCOME_SHIFT)
    return np.asarray(direction_codes(batch) | outcomes)


def column_of(batch: FlowRecords, name: str) -> Column | None:
    """The column of a field, or None where no event of the batch can have it."""
    if field := schema.FLOW_FIELDS.get(name):
        return read(field, batch)
    if name in schema.GROUP_FIELDS:
        return _group_column(batch, schema.GROUP_FIELDS[name])
    return None


def _group_column(
    batch: FlowRecords, pairs: Sequence[tuple[schema.Group, fields.Field]]
) -> Column | None:
    """The column of a field of one or several groups; None where no record refers to an entry."""
    codes = np.zeros(len(batch), np.intp)
    table: tuple[fields.Values, ...] = ((),)
    for group, field in pairs:
        entry_of = group.entries(batch.context)
        numbers = batch.records[group.member]
        if entry_of is None or not numbers.any():
            continue
        assert isinstance(field.reading, fields.Entry)
        distinct, found = np.unique(numbers, return_inverse=True)
        values = [field.reading.values(entry_of(number)) if number else ()
                  for number in distinct.tolist()]  # fmt: skip
        here = np.array([value != () for value in values])[found]
        codes[here] = found[here] + len(table)
        table += tuple(values)
    return CodedColumn(codes, table, pairs[0][1].type) if len(table) > 1 else None


def read(  # noqa: C901, PLR0911  a list of cases
    field: fields.Field, batch: FlowRecords
) -> Column | None:
    """The column of a field; None where no event of the sensor has it."""
    valid = when_mask(batch, field.when)
    match field.reading:
        case fields.Absent() | fields.Entry():
            return None
        case fields.Constant(values):
            return _same(batch, values, field.type)
        case fields.ContextValue(attribute):
            return _same(batch, (utf8_text(getattr(batch.context, attribute)),), field.type)
        case fields.Number(member, index, text):
            numbers = _member(batch, member, index)
            if text:
                return _distinct(numbers, valid, lambda number: (str(number),), field.type)
            return NumberColumn(numbers, valid, field.type)
        case fields.Total(member):
            return NumberColumn(batch.records[member].sum(axis=1), valid, field.type)
        case fields.Code(member, table, index):
            return _by_code(_member(batch, member, index), valid, table, field.type)
        case fields.ContextTable(member, attribute):
            table = schema.context_table(schema.context_names(batch.context, attribute))
            return _by_code(batch.records[member], valid, table, field.type)
        case fields.Address(member):
            return _addresses(batch, member, valid, field.type)
        case fields.Timestamp(member):
            return _distinct(batch.records[member], valid, _time, field.type)
        case fields.Mac(member):
            octets = np.ascontiguousarray(batch.records[member]).view("V6")[:, 0]
            return _distinct(octets, valid, lambda mac: (mac_text(bytes(mac)),), field.type)
        case fields.Computed(what):
            return _COMPUTED[what](batch, valid, field.type)


def _member(batch: FlowRecords, member: str, index: int = 0) -> NDArray[Any]:
    """A member of every record, side by side: many rules look at it, and records lie far apart."""
    values = batch.records[member]
    return np.ascontiguousarray(values[:, index] if values.ndim > 1 else values)


def _addresses(batch: FlowRecords, member: str, valid: Mask | None, ecs_type: str) -> Column:
    """Addresses as numbers; as text where one is v4-mapped in an IPv6 packet."""
    hi, lo = _member(batch, member), _member(batch, member.replace("_hi", "_lo"))
    versions = batch.records["ip_version"]
    if not ((versions == IPV6) & (hi == 0) & (lo >> 32 == V4_PREFIX >> 32)).any():
        return AddressColumn(hi, lo, valid, ecs_type)
    texts = [(text,) for text in map(address_text, hi.tolist(), lo.tolist(), versions.tolist())]
    return _distinct(np.arange(len(texts)), valid, lambda row: texts[row], ecs_type)


def _same(batch: FlowRecords, values: fields.Values, ecs_type: str) -> CodedColumn:
    return CodedColumn(np.zeros(len(batch), np.uint8), (values,), ecs_type)


def _by_code(
    codes: NDArray[np.integer], valid: Mask | None, table: tuple[fields.Values, ...], ecs_type: str
) -> CodedColumn:
    """A column over `table`; a code beyond it, or a row that is not valid, has no value."""
    missing = codes >= len(table)
    if valid is not None:
        missing |= ~valid
    if missing.any():
        codes = np.where(missing, len(table), codes.astype(np.uint32))
        table = (*table, ())
    return CodedColumn(codes, table, ecs_type)


def _distinct(
    values: NDArray[np.generic], valid: Mask | None, text: Callable[[Any], fields.Values],
    ecs_type: str,
) -> CodedColumn:
    """A column whose table is what `text` says of each distinct value."""
    kept = values if valid is None else values[valid]
    distinct, found = np.unique(kept, return_inverse=True)
    table = tuple(text(value) for value in distinct.tolist())
    if valid is None:
        return CodedColumn(found, table, ecs_type)
    codes = np.full(len(values), len(table), dtype=np.intp)
    codes[valid] = found
    return CodedColumn(codes, (*table, ()), ecs_type)


def _each(texts: list[str], ecs_type: str) -> CodedColumn:
    return CodedColumn(np.arange(len(texts)), tuple((text,) for text in texts), ecs_type)


def _time(time_ns: int) -> fields.Values:
    return (time_text(time_ns),)


def event_times(rows: NDArray[np.void]) -> NDArray[np.int64]:
    """`@timestamp` of flow records: of a decision when it was made, of a record its end."""
    return np.where(rows["action"] >= FLOW_ENDED, rows["last_ns"], rows["decided_ns"])


def _event_time(batch: FlowRecords, valid: Mask | None, ecs_type: str) -> Column:
    return _distinct(event_times(batch.records), valid, _time, ecs_type)


def _created(batch: FlowRecords, _valid: Mask | None, ecs_type: str) -> Column | None:
    created = schema.created_ns(batch)
    return _same(batch, (time_text(created),), ecs_type) if created else None


def _duration(batch: FlowRecords, valid: Mask | None, ecs_type: str) -> Column:
    first, last = (np.maximum(batch.records[name], 0) for name in ("first_ns", "last_ns"))
    return NumberColumn(np.maximum(last - first, 0), valid, ecs_type)


def _outcome(batch: FlowRecords, _valid: Mask | None, ecs_type: str) -> Column:
    return CodedColumn(outcome_codes(batch), fields.coded(schema.OUTCOMES), ecs_type)


def _direction(batch: FlowRecords, _valid: Mask | None, ecs_type: str) -> Column:
    return CodedColumn(direction_codes(batch), fields.coded(schema.DIRECTIONS), ecs_type)


def _related(batch: FlowRecords, _valid: Mask | None, ecs_type: str) -> Column:
    names = ("orig_hi", "orig_lo", "resp_hi", "resp_lo", "ip_version")
    columns = [batch.records[name].tolist() for name in names]
    pairs = [
        (address_text(a, b, version),) if (a, b) == (c, d)
        else (address_text(a, b, version), address_text(c, d, version))
        for a, b, c, d, version in zip(*columns, strict=True)
    ]
    return CodedColumn(np.arange(len(pairs)), tuple(pairs), ecs_type)


def _history(batch: FlowRecords, valid: Mask | None, ecs_type: str) -> Column:
    rows = batch.records
    length = np.bitwise_count(rows["history_seen"])
    used = np.arange(rows["history"].shape[1]) < length[:, None]
    letters = np.where(used, rows["history"], 0).astype(np.uint8).view("S16")[:, 0]
    return _distinct(letters, valid, lambda text: (text.decode("ascii"),), ecs_type)


def _names(which: int) -> Callable[[FlowRecords, Mask | None, str], Column]:
    return lambda batch, _valid, ecs_type: _each(
        identifiers.identifiers_of(batch.records, which), ecs_type)


_COMPUTED: dict[str, Callable[[FlowRecords, Mask | None, str], Column | None]] = {
    "event_time": _event_time,
    "created": _created,
    "duration": _duration,
    "direction": _direction,
    "outcome": _outcome,
    "related_ip": _related,
    "history": _history,
    "community_id": _names(identifiers.COMMUNITY),
    "flow_id": _names(identifiers.FLOW_ID),
    "event_id": _names(identifiers.EVENT_ID),
}
