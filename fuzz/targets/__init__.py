"""What can be fuzzed: each target takes octets and raises if something does not hold.

A target's module has `make(name)`, which gives the function that is run on every input. It is
imported late, so that the harness can instrument what it imports.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

Check = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Target:
    """One target: where it is, how long its inputs may be, what guides its fuzzer."""

    module: str
    max_bytes: int
    native: bool = True
    """Whether the compiled core's coverage guides it; else that of the Python sources does."""
    faulty: bool = False
    """A canary: it has a planted fault, and a run that does not find it has failed."""


def _decoder(max_bytes: int = 256) -> Target:
    return Target("frames", max_bytes)


TARGETS: dict[str, Target] = {
    "ethernet": _decoder(),
    "links": _decoder(),
    "ipv4": _decoder(),
    "ipv6": _decoder(),
    "tcp": _decoder(),
    "udp": _decoder(),
    "icmp": _decoder(),
    "icmpv6": _decoder(),
    "wireless": _decoder(),
    "ppp": _decoder(),
    "pppoe": _decoder(),
    "mpls": _decoder(),
    "gre": _decoder(),
    "ip_in_ip": _decoder(),
    "vxlan": _decoder(),
    "geneve": _decoder(),
    "gtp": _decoder(),
    "teredo": _decoder(),
    "pcap": Target("captures", 1024),
    "pcapng": Target("captures", 1024),
    "flows": Target("flows", 512),
    "fragments": Target("fragments", 256),
    "reassembly": Target("analyzers", 64, native=False),
    "ssh": Target("analyzers", 512, native=False),
    **{name: Target("analyzers", 512, native=False)
       for name in ("ftp", "smtp", "pop3", "imap", "redis", "dns")},
    "tls": Target("analyzers", 2048, native=False),
    "rlogin": Target("analyzers", 256, native=False),
    "dns_message": Target("dns", 512, native=False),
    "http": Target("analyzers", 1024, native=False),
    "telnet": Target("telnet", 512, native=False),
    "scan": Target("documents", 512),
    "documents": Target("documents", 1024, native=False),
    "frame_filter": Target("frame_filter", 256),
    "decompress": Target("compressed", 512, native=False),
    "kql": Target("queries", 160, native=False),
    "eql": Target("queries", 240, native=False),
    "regex": Target("queries", 64, native=False),
    "rule": Target("rule_files", 2048, native=False),
    "exceptions": Target("rule_files", 1024, native=False),
    "canary_read": Target("canary", 64, faulty=True),
    "canary_native": Target("canary", 128, faulty=True),
    "canary_python": Target("canary", 64, native=False, faulty=True),
}


def check_of(name: str) -> Check:
    """The function of a target. Errors: KeyError for a name that is not in TARGETS."""
    module = import_module(f"fuzz.targets.{TARGETS[name].module}")
    check: Check = module.make(name)
    return check
