"""Conversations that several tests of the flow table play, and what they read of a run."""

from __future__ import annotations

from functools import cache
from typing import Any

from tests.conversation import Frames, Talk, time_ns
from tests.running import Run

TICK = 0.017
"""Deadlines are rounded up to a tick of 2**24 ns."""


def flow_of(run: Run, which: int = 0) -> dict[str, Any]:
    """The sensor's own fields of a flow's final record."""
    fields: dict[str, Any] = run.records[which]["sensor"]["flow"]
    return fields


def reasons(run: Run) -> list[str]:
    """Why each flow ended, in the order of their final records."""
    return [record["sensor"]["flow"]["end_reason"] for record in run.records]


def bystander(at: float, port: int = 1_111) -> Talk:
    """A datagram of somebody else: time passes."""
    talk = Talk(ports=(port, 2_222))
    talk.client.udp(at)
    return talk


@cache
def crowd(count: int, at: float = 0.0, apart: float = 0.0) -> Frames:
    """SYNs of `count` clients, by octets: quicker than a Talk for each."""
    talk = Talk()
    talk.client.syn(at)
    _, octets = talk.frames[0]
    frames = []
    for number in range(count):
        source = bytes([10, number >> 16 & 255, number >> 8 & 255, number & 255])
        frames.append((time_ns(at + number * apart), octets[:26] + source + octets[30:]))
    return frames
