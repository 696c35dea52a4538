"""Cuts flows out of captures in this process, and reads frames as tshark does."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from sensor.capture.files.capture import FileCapture
from sensor.config import Config
from sensor.decode import Decoder
from sensor.evidence.cutter import Cutter
from sensor.evidence.frame_copies import FrameCopy
from sensor.evidence.request import Request
from sensor.evidence.wanted import WantedFlow, WantedFlows
from sensor.flowtable.table import FlowTable
from tests.programs import require
from tests.running import SMALL, run_capture

Cut = dict[str, list[FrameCopy]]
"""The frames of flows, by their ids."""


def flow_ids(source: Any, **options: Any) -> list[str]:
    """The ids of all flows of a capture."""
    return [record["flow"]["id"] for record in run_capture(source, **options).records]


def cut(source: Any, names: Iterable[str], config: Config | None = None) -> Cut:
    """The frames of some flows of a path, a list of paths or a Capture."""
    found, _ = cut_flows(source, names, config)
    return found


def cut_flows(
    source: Any, names: Iterable[str], config: Config | None = None
) -> tuple[Cut, WantedFlows]:
    """The same, and the flows that were met."""
    config = config or Config(flow=SMALL)
    capture = FileCapture([str(source)]) if isinstance(source, str | Path) else source
    capture = FileCapture([str(path) for path in source]) if isinstance(source, list) else capture
    request = Request()
    request.add_names(names)
    wanted = WantedFlows(request, key_vlan=config.key_vlan)
    table = FlowTable(config.flow, note=True, key_vlan=config.key_vlan,
                      duplicates=config.duplicates)
    frames: dict[WantedFlow, list[FrameCopy]] = {}
    cutter = Cutter(capture, Decoder(config).decode, table, wanted,
                    lambda flow, frame: frames.setdefault(flow, []).append(frame),
                    key_vlan=config.key_vlan)
    cutter.run()
    return {flow.id: some for flow, some in frames.items()}, wanted


class Seen(NamedTuple):
    """A frame as tshark sees it: whose it is, and the frame that its packet is put together in."""

    key: tuple[Any, ...]
    """Protocol, addresses and ports, identifier, overlays; empty: none.

    Of an ICMP error, that of what it quotes.
    """
    error: tuple[Any, ...]
    """The key of the ICMP error itself; empty: the frame is none."""
    whole_in: int


FIELDS = (
    "frame.protocols", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport",
    "udp.srcport", "udp.dstport", "icmp.ident", "icmpv6.echo.identifier", "vxlan.vni",
    "ip.reassembled_in", "ipv6.reassembled.in",
)  # fmt: skip
MESSAGES = ("icmp", "icmpv6")
TRANSPORTS = {"tcp": ("tcp.srcport", "tcp.dstport"), "udp": ("udp.srcport", "udp.dstport")}


def seen_by_tshark(path: Path) -> list[Seen]:
    """All frames of a capture."""
    require("tshark")
    columns = list(chain.from_iterable(("-e", name) for name in FIELDS))
    run = subprocess.run(
        ["tshark", "-2", "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=a", *columns],
        capture_output=True, text=True, check=True)
    return [_seen(dict(zip(FIELDS, line.split("\t"), strict=True)))
            for line in run.stdout.splitlines()]


def _seen(fields: dict[str, str]) -> Seen:
    """Follow the layers of a frame, from the outside in; what an ICMP error quotes comes last."""
    values = {name: iter(text.split(",")) for name, text in fields.items()}
    ends: list[str] = []
    key: tuple[Any, ...] = ()
    error: tuple[Any, ...] = ()
    for layer in fields["frame.protocols"].split(":"):
        if layer in ("ip", "ipv6"):
            ends = [next(values[f"{layer}.src"]), next(values[f"{layer}.dst"])]
        elif layer in TRANSPORTS:
            ports = [next(values[name]) for name in TRANSPORTS[layer]]
            error = key if key and key[0] in MESSAGES else ()
            key = (layer, frozenset(zip(ends, ports, strict=True)))
        elif layer in MESSAGES:
            name = "icmp.ident" if layer == "icmp" else "icmpv6.echo.identifier"
            key = (layer, frozenset(ends), next(values[name]))
    overlays = fields["vxlan.vni"]
    whole_in = fields["ip.reassembled_in"] or fields["ipv6.reassembled.in"] or "0"
    return Seen((*key, overlays) if key else (), (*error, overlays) if error else (),
                int(whole_in.split(",")[0]))


def keys_of(frames: Sequence[Seen], places: range) -> list[tuple[Any, ...]]:
    """The key of each frame at these places, of a fragment that of the packet that it is a part of.

    An ICMP error belongs to the flow that it quotes, if a frame among them is of that.
    """
    whole = [frames[frames[at].whole_in - 1] if frames[at].whole_in else frames[at]
             for at in places]
    spoken = {frame.key for frame in whole if not frame.error}
    return [frame.error if frame.error and frame.key not in spoken else frame.key
            for frame in whole]
