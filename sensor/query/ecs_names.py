"""The field names of ECS, as far as rules can ask: to tell a typing error from a field that
this sensor does not have.

Field sets that events here fill are listed name by name; of the others (and of the modules whose
events Elastic's rules read) only the first part of the name is known here. Every vendor has a name
space of its own, so a first part that nothing here resembles is one. Source: ECS 8.17; of
Packetbeat the fields of its integration, Network Packet Capture.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

_ENDPOINT = (
    "address as bytes domain geo ip mac nat packets port registered_domain subdomain "
    "top_level_domain user "
    "process"  # Packetbeat's own
)
_LISTED = {
    "event": "action agent_id_status category code created dataset duration end hash id ingested "
             "kind module original outcome provider reason reference risk_score risk_score_norm "
             "sequence severity start timezone type url",
    "source": _ENDPOINT, "destination": _ENDPOINT, "client": _ENDPOINT, "server": _ENDPOINT,
    "network": "application bytes community_id direction forwarded_ip iana_number inner name "
               "packets protocol transport type vlan",
    "observer": "egress geo hostname ingress ip mac name os product serial_number type vendor "
                "version",
    "related": "hash hosts ip user",
    "data_stream": "dataset namespace type",
}
LISTED = {name: frozenset(below.split()) for name, below in _LISTED.items()}


def _below(path: str, names: str) -> str:
    return " ".join(f"{path}.{name}" for name in names.split())


_NAMED = ("common_name country distinguished_name locality organization organizational_unit "
          "state_or_province")
_CERTIFICATE = (
    "certificate certificate_chain issuer not_after not_before subject hash.md5 hash.sha1 "
    "hash.sha256 " + _below("x509", (
        "alternative_names not_after not_before public_key_algorithm public_key_curve "
        "public_key_exponent public_key_size serial_number signature_algorithm version_number "
        f"{_below('issuer', _NAMED)} {_below('subject', _NAMED)}"))
)
_DETAILED = (  # Packetbeat's
    "alert_types client_certificate.* client_certificate_chain.* client_certificate_requested "
    "ocsp_response resumption_method server_certificate.* server_certificate_chain.* version "
    + _below("client_hello", "random session_id supported_compression_methods version")
    + " " + _below("server_hello", "random selected_compression_method session_id version "
                   "extensions.*")
    + " " + _below("client_hello.extensions", "_unparsed_ ec_points_formats "
                   "application_layer_protocol_negotiation server_name_indication session_ticket "
                   "signature_algorithms status_request.* supported_groups supported_versions")
)
_MESSAGE = "body.bytes body.content bytes headers.* mime_type"
_ICMP = (f"version {_below('request', 'code message type')} "
         f"{_below('response', 'code message type')}")
_WHOLE = {
    "dns": "header_flags id op_code resolved_ip response_code type Ext.* " + " ".join((
        _below("answers", "class data name ttl type"),
        _below("question", "class name registered_domain subdomain top_level_domain type "
               "etld_plus_one"),
        # Packetbeat's
        "additionals.* additionals_count answers_count authorities.* authorities_count",
        _below("flags", "authentic_data authoritative checking_disabled recursion_available "
               "recursion_desired truncated_response"),
        _below("opt", "do ext_rcode udp_size version"))),
    "http": f"version {_below('request', f'id method referrer {_MESSAGE}')} "
            f"{_below('response', f'status_code status_phrase {_MESSAGE}')}",
    "tls": "cipher curve established next_protocol resumed version version_protocol " + " ".join((
        _below("client", f"{_CERTIFICATE} ja3 ja4 server_name supported_ciphers"),
        _below("server", f"{_CERTIFICATE} ja3s ja4s"), _below("detailed", _DETAILED))),
    "url": "domain extension fragment full original password path port query registered_domain "
           "scheme subdomain top_level_domain username",
    "user_agent": "device.name name original version "
                  + _below("os", "family full kernel name platform type version"),
    # Of Packetbeat and other Beats.
    "flow": "final id locality vlan",
    "icmp": _ICMP,
    "network_traffic": "amqp.* cassandra.* dhcpv4.* dns.* flow.* http.* memcached.* mongodb.* "
                       "mysql.* nfs.* pgsql.* sip.* status thrift.* tls.* " + " ".join((
        _below("icmp", _ICMP),
        _below("redis", "error method query request resource response return_value status"))),
    "redis": "error info.* key.* keyspace.* log.* return_value slowlog.*",
    # Of nobody that is known but this sensor.
    "ftp": "", "imap": "", "pop3": "", "smtp": "", "ssh": "",
}
"""Field sets by their whole names; `*`: anything may be below."""
ANY = "*"
_Names = frozenset[tuple[str, ...]]
"""Names of a field set, cut into their parts."""
WHOLE: dict[str, _Names] = {
    name: frozenset(tuple(rest.split(".")) for rest in below.split())
    for name, below in _WHOLE.items()}
MULTI_FIELDS = frozenset({"text", "caseless", "keyword"})
"""What Elastic's templates put below a field: the same value, searched in another way."""

_SETS = (  # of ECS, beside those above
    "agent as client cloud code_signature container device dll dns ecs elf email entity error faas "
    "file geo gen_ai group hash host http icmp interface labels log macho message orchestrator "
    "organization os package pe process registry risk rule service span tags threat tls trace "
    "transaction url user user_agent vlan volume vulnerability x509"
)
_MODULES = (  # and integrations whose events Elastic's rules read
    "auditd auditbeat aws azure barracuda beat bluecoat checkpoint cisco citrix_adc crowdstrike "
    "cyberarkpas dhcpv4 endgame f5 fields fim flow fortinet gcp github google_workspace infoblox "
    "juniper kibana kubernetes m365_defender microsoft mysql netflow netscout o365 okta "
    "amqp cassandra memcache mongodb network_traffic nfs pgsql rpc sip status thrift "  # Packetbeat
    "osquery packetbeat panw processor pfsense powershell process_tree redis "
    "sentinel_one_cloud_funnel signal snort sonicwall sophos suricata sysmon system ti type "
    "winlog zeek zscaler "
    "Effective_process Endpoint Target Ransomware Memory_protection"
)
ECS_SETS = frozenset([*LISTED, *_SETS.split()])
FOREIGN = frozenset([*_SETS.split(), *_MODULES.split()])


OWN = "sensor"
"""The first part of this sensor's own fields, all of which its schema has."""
_OURS = frozenset({OWN, "telnet", "rlogin"})
"""The first parts of names that nobody else has."""
RESEMBLES = 0.75
"""The likeness (difflib) of two parts of names if one may be the other, misspelt."""
RESEMBLES_WHOLE = 0.9
"""That of two names of one set, where a part more or less hides which parts belong together."""
CATEGORIES = frozenset([
    "any", "api", "authentication", "configuration", "database", "driver", "email", "file",
    "host", "iam", "intrusion_detection", "library", "malware", "network", "package",
    "process", "registry", "session", "threat", "vulnerability", "web",
])
"""The event categories of ECS (and EQL's word for each of them)."""


def exists(name: str) -> bool:
    """True if ECS (or a product's events) is known to have a field, or objects, of this name, or
    may have one in a set whose names are not known.
    """
    if name == "@timestamp" or name in FOREIGN:
        return True
    first, _, rest = name.partition(".")
    if first in LISTED:
        return rest.split(".")[0] in LISTED[first]
    if first in WHOLE:
        return _is_listed(tuple(rest.split(".")), WHOLE[first])
    return first in FOREIGN or (bool(rest) and first not in _OURS and _is_vendor(first))


def is_ecs(name: str) -> bool:
    """True if a name lies in a field set of ECS: then its ending tells its type."""
    return name == "@timestamp" or name.partition(".")[0] in ECS_SETS


def mistake(name: str, fields: Iterable[str] = ()) -> str | None:
    """What a name that nobody has was to be, where it is a near miss of one that somebody has.

    Empty for a name in this sensor's own spaces that is near none; None for what may be a field
    of somebody's.
    """
    if exists(name):
        return None
    near = meant(name, fields)
    first = name.partition(".")[0]
    is_ours = first == OWN or (
        first in _OURS and any(known.startswith(f"{first}.") for known in fields))
    return near if near or is_ours else None


def _is_listed(parts: tuple[str, ...], names: _Names) -> bool:
    """True for a field of a set, objects that have such fields, and what may be below one."""
    size = len(parts)
    return any(known[:size] == parts or (known[-1] == ANY and parts[: len(known) - 1] == known[:-1])
               for known in names) or (parts[-1] in MULTI_FIELDS and parts[:-1] in names)


@lru_cache(maxsize=1024)
def _is_vendor(first: str) -> bool:
    """True if the first part of a name is a vendor's rather than a misspelt one that is known."""
    return first[:1].isalpha() and not _close(first, [*LISTED, *FOREIGN, *WHOLE, *_OURS])


def meant(name: str, fields: Iterable[str] = ()) -> str:
    """The field that was probably meant by a name that nobody is known to have; empty if none.

    `fields` are known fields beside those that are listed here.
    """
    if exists(name):
        return ""
    first, _, rest = name.partition(".")
    below: dict[str, set[tuple[str, ...]]] = {key: set(names) for key, names in WHOLE.items()}
    for key, listed in LISTED.items():
        below[key] = {(part,) for part in listed} | {(part, ANY) for part in listed}
    for known in fields:
        if known == name:
            return ""
        key, *parts = known.split(".")
        below.setdefault(key, set()).add(tuple(parts))
    firsts = {*below, *FOREIGN}
    right = first if first in firsts else _close(first, firsts)
    if not right:
        return ""
    if not rest:
        return right if right != first and (right in FOREIGN or () in below[right]) else ""
    names = below.get(right, set())
    near = _nearest(rest, names) or _close(
        rest, [".".join(known) for known in names if ANY not in known], RESEMBLES_WHOLE)
    if not near and right != first and right in FOREIGN:
        near = rest  # of that set not all names are known
    return f"{right}.{near}" if near else ""


def _nearest(name: str, names: Iterable[tuple[str, ...]]) -> str:
    """The one of some names, cut into their parts, that is near to another one in each of its
    parts; empty if none is.
    """
    parts, left = name.split("."), list(names)
    path: list[str] = []
    for at, part in enumerate(parts):
        options = {known[at] for known in left if len(known) > at}
        right = part if part in options else _close(part, options - {ANY})
        if not right:
            return ".".join([*path, *parts[at:]]) if ANY in options else ""
        path.append(right)
        left = [known for known in left if len(known) > at and known[at] == right]
    return ".".join(path) if any(len(known) == len(parts) for known in left) else ""


def meant_value(text: str, values: Iterable[str]) -> str:
    """The value that was probably meant by another text; empty if none."""
    return _nearest(text, [tuple(value.split(".")) for value in values])


def meant_category(name: str) -> str:
    """The event category that was probably meant by another word; empty if none."""
    return "" if name in CATEGORIES else _close(name, CATEGORIES)


def _close(word: str, known: Iterable[str], likeness: float = RESEMBLES) -> str:
    from difflib import get_close_matches  # noqa: PLC0415  few names have to be compared

    # In order: of two that are as near, the choice must not depend on the order of a set.
    return next(iter(get_close_matches(word[:100], sorted(known), 1, likeness)), "")
