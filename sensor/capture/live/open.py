"""Opens interfaces for live capture: with a ring where the system has one, else through scapy."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from sensor.base.escape import harmless
from sensor.capture.base import PortCapture
from sensor.capture.diagnose.facts import NAME_BYTES_MAX, memory_available
from sensor.capture.interfaces import Interfaces
from sensor.config import CaptureLimits
from sensor.errors import CaptureError, ConfigError

INTERFACES_MAX = 64
RING_MIB_MAX = 2048
NAMED_MAX = 32
"""Interfaces that an error names."""


@dataclass(frozen=True, slots=True)
class PortOptions:
    """Options of live capture from the command line."""

    backend: str = "auto"
    bpf: str = ""
    promiscuous: bool = True
    timestamps: str = "kernel"
    """`kernel`, or `hardware`: those of the network card."""
    workers: int = 1
    limits: CaptureLimits = field(default_factory=CaptureLimits)


def check_ports(names: Sequence[str], options: PortOptions) -> tuple[str, ...]:
    """The names, each once. Errors: ConfigError for what cannot be, before anything is opened."""
    if not names:
        raise ConfigError("no interface is named: give -i IFACE; `sensor doctor` lists them")
    if len(set(names)) > INTERFACES_MAX:
        raise ConfigError(f"-i: {INTERFACES_MAX} interfaces at most")
    for name in names:
        if "," in name:
            raise ConfigError(f"-i {harmless(name)}: give -i once for each interface")
        if name == "any":
            raise ConfigError("-i any: name the interfaces; -i may be given several times")
        if not name or "/" in name or "\0" in name or len(os.fsencode(name)) > NAME_BYTES_MAX:
            raise ConfigError(f"-i {harmless(name)}: not the name of an interface")
    limits = options.limits
    if limits.block_bytes & (limits.block_bytes - 1) or limits.block_bytes < 1 << 12:
        raise ConfigError("capture.block_bytes: must be a power of two, 4,096 at least")
    if limits.ring_bytes > RING_MIB_MAX << 20:
        raise ConfigError(f"the ring: at most {RING_MIB_MAX} MiB for each worker")
    if options.workers > 1 and not _has_rings(options.backend):
        raise ConfigError("--workers: needs a ring; capture through scapy has one worker")
    return tuple(dict.fromkeys(names))


def check_present(names: Sequence[str]) -> None:
    """Errors: ConfigError names the interfaces that are missing, and those that there are."""
    try:
        present = sorted(name for _, name in socket.if_nameindex())
    except OSError:  # then nobody knows, and the capture says what comes
        return
    missing = [name for name in names if name not in present]
    if missing:
        listed = ", ".join(map(harmless, missing))
        known = ", ".join(map(harmless, present[:NAMED_MAX]))
        more = f" and {len(present) - NAMED_MAX} more" if len(present) > NAMED_MAX else ""
        raise ConfigError(f"-i {listed}: there is no such interface; there are: {known}{more}."
                          " --wait-for-interface is for one that will come")


def open_ports(
    names: Sequence[str], options: PortOptions, interfaces: Interfaces
) -> list[PortCapture]:
    """Captures of these interfaces, one for each worker; from now on frames are captured.

    Errors: ConfigError for a filter that is wrong, CaptureError if capturing is not possible.
    """
    if not _has_rings(options.backend):
        from sensor.capture.live.scapy_capture import ScapyCapture  # noqa: PLC0415

        return [ScapyCapture(names, options.bpf, options.promiscuous, interfaces)]
    from sensor.capture import bpf  # noqa: PLC0415
    from sensor.capture.live.af_packet import (  # noqa: PLC0415  Linux only
        LiveCapture,
        LiveOptions,
        PacketTime,
        link_type_of,
    )
    from sensor.capture.live.fanout import Fanout  # noqa: PLC0415

    needed, free = options.workers * options.limits.ring_bytes, memory_available()
    if free is not None and needed > free:  # the kernel would kill somebody instead of refusing
        listed = ", ".join(harmless(name) for name in names)
        raise CaptureError(listed, f"the rings need {needed >> 20} MiB, {free >> 20} MiB are free:"
                           " give a smaller --ring-mib or fewer --workers")
    program = bpf.compile_filter(options.bpf, link_type_of(names)) if options.bpf else ()
    live = LiveOptions(
        program=program,
        promiscuous=options.promiscuous,
        hardware_timestamps=options.timestamps == "hardware",
        fanout=Fanout() if options.workers > 1 else None,
        limits=options.limits,
    )
    clock = PacketTime()
    captures: list[PortCapture] = []
    try:
        for _ in range(options.workers):
            captures.append(LiveCapture(names, live, interfaces, clock))
    except BaseException:
        for capture in captures:
            capture.close()
        raise
    return captures


def _has_rings(backend: str) -> bool:
    return backend == "af_packet" or (backend == "auto" and sys.platform == "linux")
