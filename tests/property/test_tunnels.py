"""What goes through a tunnel gives the flows that it gives outside; two tenants do not mix."""

from __future__ import annotations

import struct
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.conversation import Frames, play
from tests.examples import examples
from tests.random_traffic import random_frames, random_options
from tests.running import Run

SEEDS = st.integers(0, 2**40)
FEWER = examples(60)


def outer(protocol: int, tail: bytes) -> bytes:
    """A frame from 10.0.0.1 to 10.0.0.2."""
    head = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(tail), 0, 0, 64, protocol, 0,
                       0x0A000001, 0x0A000002)  # fmt: skip
    return b"\x02\0\0\0\0\2\x02\0\0\0\0\1\x08\0" + head + tail


def vxlan(frame: bytes, vni: int) -> bytes:
    """A frame in VXLAN, written octet by octet."""
    tail = struct.pack("!HHHHII", 55555, 4789, 16 + len(frame), 0, 0x08000000, vni << 8) + frame
    return outer(17, tail)


def mirrored(frame: bytes, session: int) -> bytes:
    """A frame in ERSPAN of type II."""
    tail = struct.pack("!HHIHHI", 0x1000, 0x88BE, 1, 0x1000, session, 0) + frame
    return outer(47, tail)


def flows_of(run: Run) -> list[tuple[Any, ...]]:
    """All that is said of flows, but for their names and tunnels."""
    found = []
    for event in run.events:
        event["flow"].pop("id")
        event["event"].pop("id")
        event["sensor"].pop("tunnel", None)
        found.append(event)
    return sorted(map(repr, found))  # type: ignore[arg-type]


def wrapped(frames: Frames, wrap: Any, number: int) -> Frames:
    return [(time, wrap(octets, number)) for time, octets in frames]


@FEWER
@given(seed=SEEDS, wrap=st.sampled_from([vxlan, mirrored]))
def test_a_tunnel_changes_nothing_but_the_path(seed: int, wrap: Any) -> None:
    frames = random_frames(seed)
    options = random_options(seed)
    plain, inside = play(frames, **options), play(wrapped(frames, wrap, 7), **options)
    assert flows_of(inside) == flows_of(plain)
    assert inside.ledger["frames"] == plain.ledger["frames"]
    assert inside.ledger["flows"] == plain.ledger["flows"]


@FEWER
@given(seed=SEEDS)
def test_tenants_with_the_same_traffic_do_not_mix(seed: int) -> None:
    frames = random_frames(seed)
    options = random_options(seed)
    options["limits"] = type(options["limits"])()
    both = sorted(wrapped(frames, vxlan, 1) + wrapped(frames, vxlan, 2), key=lambda one: one[0])
    one = play(sorted(frames, key=lambda one: one[0]), **options)
    two = play(both, **options)
    assert two.ledger["flows"]["total"] == 2 * one.ledger["flows"]["total"]
    by_id: dict[str, list[Any]] = {"1": [], "2": []}
    for record in two.records:
        by_id[record["sensor"]["tunnel"]["id"][0]].append(
            (record["source"], record["destination"], record["event"]["start"]))
    assert sorted(map(repr, by_id["1"])) == sorted(map(repr, by_id["2"]))
