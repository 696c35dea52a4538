"""The fields of documents whose flow came through tunnels, the outermost first."""

from __future__ import annotations

from operator import attrgetter

from sensor.ecs.field import Entry, Field
from sensor.model.tunnels import NAMES


def _each(member: str) -> Entry:
    """Of each tunnel of a path what it has of that."""
    return Entry(lambda path: tuple(map(attrgetter(member), path)))


TUNNEL_FIELDS = (
    Field("sensor.tunnel.type", "keyword", "of " + ", ".join(f"`{name}`" for name in NAMES[1:]),
          _each("type"), array=True, values=NAMES[1:]),
    Field("sensor.tunnel.id", "keyword", "VNI, VSID, key, TEID, call or session; of those "
          "tunnels that have one",
          Entry(lambda path: tuple(tunnel.id for tunnel in path if tunnel.id)), array=True),
    Field("sensor.tunnel.source", "ip", "outer source of the flow's first packet",
          _each("source"), array=True),
    Field("sensor.tunnel.destination", "ip", "outer destination of the flow's first packet",
          _each("destination"), array=True),
)
"""Of flow documents whose flow came through a tunnel; the outermost first."""
