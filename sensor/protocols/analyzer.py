"""The contract of an analyzer: octets of one flow in, events out. No clock, no I/O, bounded memory.

An analyzer is made for one flow and sees both directions of it as a stream puts them together: in
order, each octet once. The same stream gives the same events, however it was cut into segments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

Value = str | int | float | bool | Sequence["Value"] | Mapping[str, "Value"]

CLIENT = 0
SERVER = 1
"""The side that a piece comes from: the flow's originator, or its responder."""


class Moment(NamedTuple):
    """The packet that completed what was said."""

    time_ns: int
    frame: int = 0
    """Its number in its file, from 1; 0 where nothing but the flow's end told."""
    file: int = 0


@dataclass(frozen=True, slots=True)
class ProtocolEvent:
    """Something that was said in a connection."""

    moment: Moment
    action: str
    """`event.action`."""
    fields: Mapping[str, Value]
    """By the dotted names of ecs/protocol_fields/; an object has the names below its own."""
    secret: str = ""
    """A password that it tells of, if passwords are to be revealed."""
    is_proven: bool = True
    """The flow speaks the protocol, not only looks like it: `network.protocol` says so."""
    began_ns: int = 0
    """When something began that ended at `moment`, in packet time: `event.start`, `event.end` and
    `event.duration` say so; 0: it is of that moment alone."""
    protocol: str = ""
    """The name of its protocol, where that may not be the one by which the flow was found."""


class Analyzer(Protocol):
    """One flow's analyzer. What it raises is a defect, and ends it for that flow."""

    done: bool
    """It wants no more: the flow does not speak its protocol, or nothing follows that it reads."""
    due_ns: int
    """Packet time at which it wants to hear that nothing came; 0: it does not wait.

    One of datagrams that does not wait is not kept: the next datagram may go to a new one.
    """

    @property
    def held_bytes(self) -> int:
        """About how much memory what it has read takes until more comes; each of them has a bound
        of its own, and all of a run have one together (streams/streams.py)."""

    def feed(self, side: int, octets: bytes, moment: Moment) -> None:
        """The next octets of a direction."""

    def gap(self, side: int, count: int, moment: Moment) -> None:
        """So many octets of a direction are missing; 0: what came before the capture."""

    def turn(self) -> None:
        """The sides have changed places: what was the client's is the server's."""

    def expire(self) -> None:
        """Its `due_ns` has come, and nothing else before it."""

    def close(self, moment: Moment) -> None:
        """The flow is over."""

    def take(self) -> list[ProtocolEvent]:
        """The events since the last call."""
