"""Codes in flow records, the texts they stand for, and what all flows of a run have in common.

The codes are the indices of the tables; `memory/records.py` has the layout of a record.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sensor.model.addresses import Networks
from sensor.model.logins import Logins
from sensor.model.processes import Processes
from sensor.model.tunnels import Tunnels

VERDICTS = ("unknown", "accepted", "denied", "dropped", "attempted")
UNKNOWN, ACCEPTED, DENIED, DROPPED, ATTEMPTED = range(len(VERDICTS))
EVIDENCE = (
    "none", "responder_data", "handshake", "reset_after_handshake", "half_open_scan",
    "handshake_incomplete", "rst", "icmp_prohibited", "icmp_port_unreachable", "icmp_unreachable",
    "timeout", "one_sided", "inferred_one_sided", "backscatter", "fast_open", "reply", "midstream",
    "no_reply_expected",
)
(
    NO_EVIDENCE, RESPONDER_DATA, HANDSHAKE, RESET_AFTER_HANDSHAKE, HALF_OPEN_SCAN,
    HANDSHAKE_INCOMPLETE, RST_TO_SYN, ICMP_PROHIBITED, ICMP_PORT_UNREACHABLE, ICMP_UNREACHABLE,
    TIMEOUT, ONE_SIDED, INFERRED_ONE_SIDED, BACKSCATTER, FAST_OPEN, REPLY, MIDSTREAM,
    NO_REPLY_EXPECTED,
) = range(len(EVIDENCE))
TAGS = ("connect_scan", "tarpit", "direction_guessed")
TAG_CONNECT_SCAN, TAG_TARPIT, TAG_DIRECTION_GUESSED = (1 << bit for bit in range(len(TAGS)))
END_REASONS = ("none", "fin", "rst", "idle_timeout", "active_timeout", "end_of_capture", "evicted")
(
    NOT_ENDED, END_FIN, END_RST, END_IDLE_TIMEOUT, END_ACTIVE_TIMEOUT, END_OF_CAPTURE, END_EVICTED,
) = range(len(END_REASONS))
LOSSY_FLOWS_MIN = 3
LOSSY_SHARE = 10
"""A capture is lossy if so many flows have gaps, and one of so many that were seen both ways."""
CONN_STATES = (
    "OTH", "S0", "S1", "SF", "REJ", "S2", "S3", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR",
)
(OTH, S0, S1, SF, REJ, S2, S3, RSTO, RSTR, RSTOS0, RSTRH, SH, SHR) = range(len(CONN_STATES))
"""Zeek's connection states, in the meaning of its conn.log."""


@dataclass(frozen=True, slots=True)
class Action:
    """The kind of a flow event, in the words of ECS."""

    action: str
    types: tuple[str, ...]
    final: bool
ACTIONS = (
    Action("flow_started", ("connection", "start", "allowed"), final=False),
    Action("flow_denied", ("connection", "start", "denied"), final=False),
    Action("flow_dropped", ("connection", "start", "denied"), final=False),
    Action("network_flow", ("connection", "end"), final=True),
    Action("network_flow", ("connection",), final=False),
)
"""By code: accepted; refused; unanswered; over; still open at the active timeout."""
FLOW_STARTED, FLOW_DENIED, FLOW_DROPPED, FLOW_ENDED, FLOW_ACTIVE = range(len(ACTIONS))
FLOW_ORDER = ("first_ns", "orig_hi", "orig_lo", "resp_hi", "resp_lo", "orig_port", "resp_port",
              "protocol", "tenant", "first_seq")  # fmt: skip
"""Members of a flow by which flows that became known at one time are ordered, however a run is cut
into batches and workers; the one that counts most first."""


@dataclass(frozen=True, slots=True)
class FlowContext:
    """The facts that all flows of a run share and that stand in their documents."""

    internal: Networks
    hostname: str = "localhost"
    version: str = "0"
    live: bool = False
    files: list[str] = field(default_factory=list)
    """Paths by `decided_file`; grows as files are opened."""
    interfaces: list[str] = field(default_factory=list)
    """Names by `interface`; grows as interfaces appear."""
    processes: Processes | None = None
    """By `process`; grows as processes become known. None: this run never learns of any."""
    tunnels: Tunnels | None = None
    """By `tunnel`; grows as flows come through tunnels. None: paths are not asked for."""
    logins: Logins | None = None
    """By `pending_isn`; grows as logins become known. None: this run never learns of any."""
    fields: frozenset[str] | None = None
    """Documents have these fields, and those of processes, tunnels and logins; None: all."""


class FlowRecords(Protocol):
    """Some flow records of a run: what columns and documents are made from."""

    records: NDArray[np.void]
    """Of `records.FLOW_LAYOUT`."""
    context: FlowContext
    created_ns: int
    """Wall clock of `event.created` in live capture."""

    def __len__(self) -> int: ...
