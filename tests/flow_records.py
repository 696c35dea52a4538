"""Flow records for tests: one that is plain, and random ones that use every code."""

from __future__ import annotations

from typing import Any

import numpy as np

from sensor.ecs.flow_batch import FlowBatch
from sensor.memory.records import FLOW_LAYOUT, NO_VLAN
from sensor.model import flow as flows
from sensor.model.addresses import V4_PREFIX, Networks
from sensor.model.flow import FlowContext

INTERNAL = ("10.0.0.0/8", "192.168.0.0/16", "fc00::/7")
PROTOCOLS = (1, 2, 6, 6, 6, 17, 33, 47, 50, 58, 132, 136, 200, 255)
LETTERS = b"ShADadFfRrT^"


def context(**changes: Any) -> FlowContext:
    """What is true of a run, for tests."""
    settings: dict[str, Any] = {
        "internal": Networks(INTERNAL), "hostname": "tap1", "version": "1.2.3",
        "files": ["a.pcap", 'b "\\\n\u00e4\udcff.pcap'], "interfaces": ["", "eth0", "e\x01th"],
    }
    return FlowContext(**settings | changes)


def batch_of(*rows: dict[str, Any], **changes: Any) -> FlowBatch:
    """One record for each dict: an accepted TCP connection to port 23, but for what it says."""
    plain = {
        "orig_lo": V4_PREFIX | 0xC000020A, "resp_lo": V4_PREFIX | 0xC6336407,
        "orig_port": 50432, "resp_port": 23, "protocol": 6, "ip_version": 4,
        "first_ns": 1767323045_000000001, "last_ns": 1767323046_000000003,
        "decided_ns": 1767323045_500000002, "vlan_outer": NO_VLAN, "vlan_inner": NO_VLAN,
        "verdict": flows.ACCEPTED, "evidence": flows.HANDSHAKE, "confidence": 85,
    }
    records = np.zeros(len(rows), FLOW_LAYOUT.dtype)
    for index, row in enumerate(rows):
        for name, value in (plain | row).items():
            records[name][index] = value
    return FlowBatch(records, context(**changes))


def random_batch(seed: int, count: int = 60, live: bool = False) -> FlowBatch:
    """Records of random octets, with codes, letters and addresses that a flow table can produce."""
    random = np.random.default_rng(seed)
    kind = FLOW_LAYOUT.dtype
    records = random.integers(0, 256, count * kind.itemsize, dtype=np.uint8).view(kind)
    limits = {
        "verdict": len(flows.VERDICTS), "evidence": len(flows.EVIDENCE), "confidence": 101,
        "tags": 1 << len(flows.TAGS), "end_reason": len(flows.END_REASONS),
        "conn_state": len(flows.CONN_STATES), "action": len(flows.ACTIONS),
        "history_seen": 1 << 16, "decided_file": 3, "interface": 4,
    }
    for name, limit in limits.items():
        records[name] = random.integers(0, limit, count)
    records["protocol"] = random.choice(PROTOCOLS, count)
    records["ip_version"] = random.choice((4, 6), count)
    for name in ("vlan_outer", "vlan_inner"):
        records[name] = random.choice((NO_VLAN, 0, 7, 4095), count)
    letters = random.choice(np.frombuffer(LETTERS, np.uint8), (count, 16))
    records["history"] = letters
    records["decided_frame"][random.random(count) < 0.3] = 0
    unset = random.random(count) < 0.3
    records["orig_mac"][unset] = 0
    records["resp_mac"][unset | (random.random(count) < 0.3)] = 0
    for name in ("packets", "bytes", "payload_bytes", "missed_bytes"):
        records[name] >>= random.integers(1, 64, (count, 2), dtype=np.uint64)
    _set_addresses(records, random)
    icmp = (records["protocol"] == 1) | (records["protocol"] == 58)
    records["orig_port"][icmp] &= 0xFF
    records["resp_port"][icmp] &= 0xFF
    return FlowBatch(records, context(live=live), created_ns=1767323050_123456789 if live else 0)


def _set_addresses(records: Any, random: np.random.Generator) -> None:
    """IPv4 where the version is 4; else IPv6 with runs of zero groups, as real ones have."""
    count = len(records)
    for side in ("orig", "resp"):
        for half in ("hi", "lo"):
            groups = random.integers(0, 1 << 16, (count, 4), dtype=np.uint64)
            groups >>= random.integers(0, 16, (count, 4), dtype=np.uint64)
            groups[random.random((count, 4)) < 0.5] = 0
            shifts = np.array([48, 32, 16, 0], dtype=np.uint64)
            records[f"{side}_{half}"] = np.bitwise_or.reduce(groups << shifts, axis=1)
        four = records["ip_version"] == 4
        records[f"{side}_hi"][four] = 0
        low = records[f"{side}_lo"]
        low[four] = low[four] & np.uint64(0xFFFF_FFFF) | np.uint64(V4_PREFIX)
        inside = random.random(count) < 0.4
        low[four & inside] = low[four & inside] & np.uint64(0xFFFF_00FF_FFFF) | np.uint64(
            V4_PREFIX | 10 << 24)
    same = random.random(count) < 0.1
    for half in ("hi", "lo"):
        records[f"resp_{half}"][same] = records[f"orig_{half}"][same]
