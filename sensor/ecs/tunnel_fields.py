"""The fields of documents whose flow came through tunnels, the outermost first."""

from __future__ import annotations

from sensor.ecs.field import Entry, Field, Values
from sensor.model.tunnels import NAMES, Tunnel

Path = tuple[Tunnel, ...]


def _types(path: Path) -> Values:
    return tuple(tunnel.type for tunnel in path)


def _ids(path: Path) -> Values:
    return tuple(tunnel.id for tunnel in path if tunnel.id)


def _sources(path: Path) -> Values:
    return tuple(tunnel.source for tunnel in path)


def _destinations(path: Path) -> Values:
    return tuple(tunnel.destination for tunnel in path)


TUNNEL_FIELDS = (
    Field("sensor.tunnel.type", "keyword", "of " + ", ".join(f"`{name}`" for name in NAMES[1:]),
          Entry(_types), array=True, values=NAMES[1:]),
    Field("sensor.tunnel.id", "keyword", "VNI, VSID, key, TEID, call or session; of those "
          "tunnels that have one", Entry(_ids), array=True),
    Field("sensor.tunnel.source", "ip", "outer source of the flow's first packet",
          Entry(_sources), array=True),
    Field("sensor.tunnel.destination", "ip", "outer destination of the flow's first packet",
          Entry(_destinations), array=True),
)
"""Of flow documents whose flow came through a tunnel; the outermost first."""
