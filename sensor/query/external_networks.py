"""The IANA special-purpose ranges that a rule's list of internal networks may lack.

With the setting `strict_external`, each `not cidrmatch(destination.ip, ...)` of a rule also excepts
these. Left out on purpose: ::ffff:0:0/96 and 64:ff9b::/96, whose addresses mean the IPv4 address in
them; to except them would hide every connection to IPv4, or every one through NAT64.
Sources: iana-ipv4-special-registry, iana-ipv6-special-registry; RFC 5771 and RFC 4291 2.7 for
multicast.
"""

from __future__ import annotations

from sensor.query import ast

SPECIAL_PURPOSE = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
    "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32",
    "::/128", "::1/128", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23",
    "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7",
    "fe80::/10", "ff00::/8",
)


def external_lists(query: ast.Query | ast.Step) -> list[tuple[str, ...]]:
    """The lists that `not cidrmatch(destination.ip, ...)` tests of a query have."""
    match query:
        case ast.Not(ast.Call("cidrmatch", (ast.FieldRef("destination.ip"), *_)) as call):
            return [_texts(call)]
        case (ast.And() | ast.Or() | ast.Not()
              | ast.EventQuery() | ast.Step() | ast.Sequence() | ast.Sample()):
            return [cidrs for child in ast.children(query) for cidrs in external_lists(child)]
    return []


def strictly_external(query: ast.Query) -> ast.Query:
    """The query with every such list extended by the special-purpose ranges that it lacks."""
    return ast.each_condition(query, lambda condition: ast.rewritten(condition, _extended))


def _extended(node: ast.Node) -> ast.Node | None:
    match node:
        case ast.Not(ast.Call("cidrmatch", (ast.FieldRef("destination.ip"), *_)) as call):
            more = tuple(ast.Literal(cidr) for cidr in missing_ranges(_texts(call)))
            return ast.Not(ast.Call(call.name, (*call.args, *more), False, call.at))
    return None


def _texts(call: ast.Call) -> tuple[str, ...]:
    return tuple(str(arg.value) for arg in call.args[1:] if isinstance(arg, ast.Literal))


def missing_ranges(cidrs: tuple[str, ...]) -> list[str]:
    """The special-purpose ranges that a list does not cover."""
    from netaddr import IPNetwork, IPSet  # noqa: PLC0415  slow to import

    covered = IPSet(IPNetwork(cidr) for cidr in cidrs)
    return [cidr for cidr in SPECIAL_PURPOSE if IPNetwork(cidr) not in covered]
