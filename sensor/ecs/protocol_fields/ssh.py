"""The fields of SSH's identification strings."""

from __future__ import annotations

from sensor.ecs.field import Field

_SIDES = (("client", "the client"), ("server", "the server"))

SSH_FIELDS = tuple(
    Field(f"ssh.{side}.{name}", "keyword", meaning.format(who), origin="RFC 4253 4.2")
    for side, who in _SIDES
    for name, meaning in (
        ("protocol_version", "version of SSH that {} speaks: `2.0`, or `1.99` for both"),
        ("software", "software version in the identification string of {}"),
        ("comments", "comments behind it"),
    )
)
