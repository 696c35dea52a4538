"""The field names of ECS, as far as rules can ask: to tell a typing error from a field that
this sensor does not have.

Field sets that flow events fill are listed name by name; of the others (and of the modules whose
events Elastic's rules read) only the first part of the name is known here. Every vendor has a name
space of its own, so a first part that nothing here resembles is one. Source: ECS 8.17.
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
RESEMBLES = 0.75
"""The likeness (difflib) of two parts of names if one may be the other, misspelt."""
CATEGORIES = frozenset([
    "any", "api", "authentication", "configuration", "database", "driver", "email", "file",
    "host", "iam", "intrusion_detection", "library", "malware", "network", "package",
    "process", "registry", "session", "threat", "vulnerability", "web",
])
"""The event categories of ECS (and EQL's word for each of them)."""


def exists(name: str) -> bool:
    """True if ECS (or a product's events) has, or may have, a field of this name."""
    if name == "@timestamp" or name in FOREIGN:
        return True
    first, _, rest = name.partition(".")
    if first in LISTED:
        return rest.split(".")[0] in LISTED[first]
    return first in FOREIGN or (bool(rest) and first != OWN and _is_vendor(first))


def is_ecs(name: str) -> bool:
    """True if a name lies in a field set of ECS: then its ending tells its type."""
    return name == "@timestamp" or name.partition(".")[0] in ECS_SETS


def mistake(name: str, fields: Iterable[str] = ()) -> str | None:
    """What a name that nobody has was to be, where it is a near miss of one that somebody has.

    Empty for a name in this sensor's own space that is near none; None for what may be a field
    of somebody's.
    """
    if exists(name):
        return None
    near = meant(name, fields)
    return near if near or name.partition(".")[0] == OWN else None


@lru_cache(maxsize=1024)
def _is_vendor(first: str) -> bool:
    """True if the first part of a name is a vendor's rather than a misspelt one of ECS."""
    return first[:1].isalpha() and not _close(first, [*LISTED, *FOREIGN])


def meant(name: str, fields: Iterable[str] = ()) -> str:
    """The field that was probably meant by a name that nobody is known to have; empty if none.

    `fields` are known fields beside those that are listed here.
    """
    if exists(name):
        return ""
    first, _, rest = name.partition(".")
    below: dict[str, set[str]] = {key: set(names) for key, names in LISTED.items()}
    for known in fields:
        if known == name:
            return ""
        key, _, more = known.partition(".")
        below.setdefault(key, set()).add(more)
    firsts = {*below, *FOREIGN}
    right = first if first in firsts else _close(first, firsts)
    if not right:
        return ""
    rests = below.get(right, set())
    if right != first and (rest in rests or right in FOREIGN):
        return f"{right}.{rest}".removesuffix(".")
    near = _close(rest, rests)
    return f"{right}.{near}" if near else ""


def meant_category(name: str) -> str:
    """The event category that was probably meant by another word; empty if none."""
    return "" if name in CATEGORIES else _close(name, CATEGORIES)


def _close(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415  few names have to be compared

    # In order: of two that are as near, the choice must not depend on the order of a set.
    return next(iter(get_close_matches(word[:100], sorted(known), 1, RESEMBLES)), "")
