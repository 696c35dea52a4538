"""The counters of all lanes, added up in the shape of `--stats`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sensor.engine.lane import Lane
from sensor.model.flow import LOSSY_FLOWS_MIN, LOSSY_SHARE

Ledger = dict[str, Any]
"""Counters by name, in groups: the JSON object of `--stats`."""


def lanes_ledger(lanes: Sequence[Lane]) -> Ledger:
    """The counters of all lanes together, in the shape of `--stats`."""
    all_counters = [lane.counters for lane in lanes]
    anomalies: Counter[str] = Counter()
    for counters in all_counters:
        anomalies.update(counters["anomalies_by_name"])

    def total(name: str) -> int:
        return sum(counters[name] for counters in all_counters)

    frames, one_way, both_ways = total("frames"), total("one_way"), total("two_way")
    gaps = total("lossy")
    return {
        "frames": frames,
        "bytes": total("bytes"),
        "packets": frames - total("anomalies") - total("non_ip") - total("outside_window")
                   - total("filtered"),
        "anomalies": dict(sorted(anomalies.items())),
        "non_ip_frames": total("non_ip"),
        "outside_window": total("outside_window"),
        "filtered": total("filtered"),
        "duplicates": total("duplicates"),
        "fragments": total("fragments"),
        "fragments_evicted": total("fragments_evicted"),
        "sliced": total("sliced"),
        "icmp_errors": total("icmp_quoting"),
        "late": total("late"),
        "time_backwards": total("time_backwards"),
        "tunnels": {"paths": total("tunnel_paths"), "refused": total("tunnel_paths_refused")},
        "time_jumps": total("time_jumps"),
        "flows": {
            "total": total("flows_total"),
            **{name: sum(counters["verdicts"][name] for counters in all_counters)
               for name in _VERDICTS},
            "evicted": total("evicted"),
            "peak": total("flows_peak"),
        },
        "seen": {
            "one_sided": one_way > both_ways,
            "lossy": gaps >= LOSSY_FLOWS_MIN and gaps * LOSSY_SHARE >= both_ways,
            "flows_one_way": one_way,
            "flows_both_ways": both_ways,
            "flows_with_gaps": gaps,
        },
    }  # fmt: skip
_VERDICTS = ("accepted", "denied", "dropped", "attempted", "unknown")
