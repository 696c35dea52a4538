"""The names that tshark has for codes, and where the sensor's tables have others.

    python -m benchmarks.agreement_tables

prints codes that one of both does not know or names otherwise: DNS types, classes and codes, TLS
cipher suites, groups and alerts.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from functools import cache

TYPES, CLASSES, OPCODES, RCODES = (
    "dns.qry.type", "dns.qry.class", "dns.flags.opcode", "dns.flags.rcode")
CIPHERS, GROUPS, ALERTS = (
    "tls.handshake.ciphersuite", "tls.handshake.extensions_supported_group",
    "tls.alert_message.desc")  # fmt: skip
_CODES = {  # where tshark has words: the mnemonics of the IANA registry
    OPCODES: {0: "QUERY", 1: "IQUERY", 2: "STATUS", 4: "NOTIFY", 5: "UPDATE", 6: "DSO"},
    RCODES: {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED",
             6: "YXDOMAIN", 7: "YXRRSET", 8: "NXRRSET", 9: "NOTAUTH", 10: "NOTZONE",
             11: "DSOTYPENI", 16: "BADVERS", 17: "BADKEY", 18: "BADTIME", 19: "BADMODE",
             20: "BADNAME", 21: "BADALG", 22: "BADTRUNC", 23: "BADCOOKIE"},
    CLASSES: {1: "IN", 3: "CH", 4: "HS", 254: "NONE", 255: "ANY"},
}  # fmt: skip


@cache
def names(field: str) -> Mapping[int, str]:
    """The names of a field's codes."""
    return _CODES.get(field) or _of_tshark().get(field, {})


@cache
def _of_tshark() -> dict[str, dict[int, str]]:
    told = subprocess.run(["tshark", "-G", "values"], check=True, capture_output=True, text=True)
    found: dict[str, dict[int, str]] = {}
    for line in told.stdout.splitlines():
        kind, field, code, *rest = [*line.split("\t"), "", ""]
        rest = rest[:1]
        if kind == "V" and field in (TYPES, CIPHERS, GROUPS, ALERTS):
            name = rest[-1].split(" (")[0]
            if field == ALERTS:
                name = name.lower().replace(" ", "_")
            found.setdefault(field, {}).setdefault(int(code, 0), name.removesuffix(" "))
    return found


def main() -> None:
    """Print where the tables differ."""
    from sensor.model.protocol_values import TLS_ALERTS  # noqa: PLC0415
    from sensor.protocols.dns import codes  # noqa: PLC0415  only this needs them
    from sensor.protocols.tls import cipher_suites  # noqa: PLC0415
    from sensor.protocols.tls import names as tls  # noqa: PLC0415

    pairs: tuple[tuple[str, Mapping[int, str]], ...] = (
        (TYPES, codes.TYPES), (CIPHERS, cipher_suites.CIPHER_SUITES), (GROUPS, tls.GROUPS),
        (ALERTS, TLS_ALERTS))  # fmt: skip
    for field, ours in pairs:
        theirs = names(field)
        for code in sorted(ours.keys() | theirs.keys()):
            if ours.get(code) != theirs.get(code):
                print(f"{field} {code:#06x}: sensor {ours.get(code)}, tshark {theirs.get(code)}")


if __name__ == "__main__":
    main()
