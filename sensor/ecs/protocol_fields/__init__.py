"""The fields of protocol events: what each protocol has of its own, and what it has of its flow."""

from __future__ import annotations

from sensor.ecs.field import Field
from sensor.ecs.protocol_fields.cleartext import FTP_FIELDS, RLOGIN_FIELDS, login_fields
from sensor.ecs.protocol_fields.dns import DNS_FIELDS
from sensor.ecs.protocol_fields.flow import FROM_THE_FLOW
from sensor.ecs.protocol_fields.http import HTTP_FIELDS
from sensor.ecs.protocol_fields.redis import REDIS_FIELDS
from sensor.ecs.protocol_fields.ssh import SSH_FIELDS
from sensor.ecs.protocol_fields.telnet import TELNET_EVENT_FIELDS
from sensor.ecs.protocol_fields.tls import TLS_FIELDS

PROTOCOL_FIELDS: dict[str, tuple[Field, ...]] = {
    "ssh": SSH_FIELDS,
    "telnet": TELNET_EVENT_FIELDS,
    "ftp": FTP_FIELDS,
    "smtp": login_fields("smtp"),
    "pop3": login_fields("pop3"),
    "imap": login_fields("imap"),
    "tls": TLS_FIELDS,
    "redis": REDIS_FIELDS,
    "rlogin": RLOGIN_FIELDS,
    "dns": DNS_FIELDS,
    "mdns": DNS_FIELDS,
    "llmnr": DNS_FIELDS,
    "http": HTTP_FIELDS,
}
"""By the protocol's name in `network.protocol`."""
PROTOCOL_ACTIONS: dict[str, tuple[str, ...]] = {
    "ssh": ("ssh_identification",),
    "telnet": ("telnet_login", "telnet_command", "telnet_exploit", "telnet_session"),
    "ftp": ("ftp_login", "ftp_transfer"),
    "smtp": ("smtp_login",),
    "pop3": ("pop3_login",),
    "imap": ("imap_login",),
    "tls": ("tls_handshake",),
    "redis": ("redis_command", "redis_login"),
    "rlogin": ("rlogin_login",),
    **dict.fromkeys(("dns", "mdns", "llmnr"), ("dns_query", "dns_answer")),
    "http": ("http_transaction", "http_login"),
}
"""The values of `event.action` that events of a protocol have."""
PROTOCOL_EVENT_FIELDS = tuple({
    field.name: field for fields in PROTOCOL_FIELDS.values() for field in fields
    if field.name not in FROM_THE_FLOW
}.values())  # fmt: skip
"""What protocol events have beside these."""
