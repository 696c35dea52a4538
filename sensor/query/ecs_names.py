"""Which field names exist in ECS, as far as rules can ask: to tell a typing error from a field that
this sensor does not have.

Field sets that flow events fill are listed name by name; of the others (and of the modules whose
events Elastic's rules read) only the first part of the name is known here. Every vendor has a name
space of its own, so a first part that nothing here resembles is one. Source: ECS 8.17.
"""

from __future__ import annotations

from difflib import get_close_matches
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

_FOREIGN = (
    # ECS field sets
    "agent as client cloud code_signature container device dll dns ecs elf email entity error faas "
    "file geo gen_ai group hash host http icmp interface labels log macho message orchestrator "
    "organization os package pe process registry risk rule service span tags threat tls trace "
    "transaction url user user_agent vlan volume vulnerability x509 "
    # modules and integrations whose events Elastic's rules read
    "auditd auditbeat aws azure barracuda beat bluecoat checkpoint cisco citrix_adc crowdstrike "
    "cyberarkpas dhcpv4 endgame f5 fields fim flow fortinet gcp github google_workspace infoblox "
    "juniper kibana kubernetes m365_defender microsoft mysql netflow netscout o365 okta "
    "amqp cassandra memcache mongodb network_traffic nfs pgsql rpc sip status thrift "  # Packetbeat
    "osquery packetbeat panw pfsense powershell process_tree redis sentinel_one_cloud_funnel "
    "signal snort sonicwall sophos suricata sysmon system ti type winlog zeek zscaler "
    "Effective_process Endpoint Target Ransomware Memory_protection"
)
FOREIGN = frozenset(_FOREIGN.split())


OWN = "sensor"
"""The first part of this sensor's own fields, all of which its schema has."""
RESEMBLES = 0.75
"""How much two first parts have in common (difflib) if one may be a typing error of the other."""


def exists(name: str) -> bool:
    """Whether ECS (or a product's events) has, or may have, a field of this name."""
    if name == "@timestamp" or name in FOREIGN:
        return True
    first, _, rest = name.partition(".")
    if first in LISTED:
        return rest.split(".")[0] in LISTED[first]
    return first in FOREIGN or (bool(rest) and first != OWN and _is_vendor(first))


@lru_cache(maxsize=1024)
def _is_vendor(first: str) -> bool:
    """Whether the first part of a name is a vendor's rather than a misspelt one of ECS."""
    known = [*LISTED, *FOREIGN]
    return first[:1].isalpha() and not get_close_matches(first[:100], known, 1, RESEMBLES)
