"""The IANA special-purpose ranges that a rule's list of internal networks may lack.

With the setting `strict_external`, each `not cidrmatch(destination.ip, ...)` of a rule also excepts
these. Left out on purpose: ::ffff:0:0/96 and 64:ff9b::/96, whose addresses mean the IPv4 address in
them; to except them would hide every connection to IPv4, or every one through NAT64.
Sources: iana-ipv4-special-registry, iana-ipv6-special-registry; RFC 5771 and RFC 4291 2.7 for
multicast.
"""

from __future__ import annotations

from dataclasses import replace

from sensor.query.ast import (
    And,
    Call,
    EventQuery,
    FieldRef,
    Literal,
    Node,
    Not,
    Or,
    Query,
    Sample,
    Sequence,
    Step,
    children,
)

SPECIAL_PURPOSE = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
    "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32",
    "::/128", "::1/128", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23",
    "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7",
    "fe80::/10", "ff00::/8",
)


def external_lists(query: Query | Step) -> list[tuple[str, ...]]:
    """The lists that `not cidrmatch(destination.ip, ...)` tests of a query have."""
    match query:
        case Not(Call("cidrmatch", (FieldRef("destination.ip"), *_)) as call):
            return [_texts(call)]
        case And() | Or() | Not() | EventQuery() | Step() | Sequence() | Sample():
            return [cidrs for child in children(query) for cidrs in external_lists(child)]
    return []


def strictly_external(query: Query) -> Query:
    """The query with every such list extended by the special-purpose ranges that it lacks."""
    match query:
        case Sequence(steps=steps, until=until):
            return replace(query, steps=tuple(map(_strict_step, steps)),
                           until=None if until is None else _strict_step(until))
        case Sample(steps=steps):
            return replace(query, steps=tuple(map(_strict_step, steps)))
    return _strict(query)


def _strict_step(step: Step) -> Step:
    event = step.event
    return replace(step, event=replace(event, condition=_strict(event.condition)))


def _strict(node: Node) -> Node:
    match node:
        case EventQuery(condition=condition):
            return replace(node, condition=_strict(condition))
        case And(items):
            return And(tuple(map(_strict, items)))
        case Or(items):
            return Or(tuple(map(_strict, items)))
        case Not(Call("cidrmatch", (FieldRef("destination.ip"), *_)) as call):
            return Not(_extended(call))
        case Not(item):
            return Not(_strict(item))
    return node


def _texts(call: Call) -> tuple[str, ...]:
    return tuple(str(arg.value) for arg in call.args[1:] if isinstance(arg, Literal))


def _extended(call: Call) -> Node:
    more = missing_ranges(_texts(call))
    return Call(call.name, (*call.args, *(Literal(cidr) for cidr in more)), False, call.at)


def missing_ranges(cidrs: tuple[str, ...]) -> list[str]:
    """The special-purpose ranges that a list does not cover."""
    from netaddr import IPNetwork, IPSet  # noqa: PLC0415  slow to import

    covered = IPSet(IPNetwork(cidr) for cidr in cidrs)
    return [cidr for cidr in SPECIAL_PURPOSE if IPNetwork(cidr) not in covered]
