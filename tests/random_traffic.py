"""Random conversations: plausible ones, then mixed up, cut, repeated, reordered and damaged.

Few addresses and ports, so that connections meet on the same 5-tuple; pauses around every timeout.
Run as a program it prints what the sensor makes of given seeds, one line for each event.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from typing import Any

from sensor.flowtable import table
from tests.conversation import Frames, Side, Talk, play
from tests.running import SMALL, Run

PAUSES = (0.0, 0.0001, 0.001, 0.01, 0.01, 0.01, 0.3, 0.99, 1.01, 4.9, 5.1, 61, 66, 299.99, 301)
BACKWARDS = (-0.0005, -0.5, -40)
STORIES = (
    "c.syn s.synack c.ack s.data c.ack c.data s.ack c.fin s.fin c.ack",
    "c.syn s.synack c.ack c.data s.data s.data c.ack s.fin c.fin s.ack",
    "c.syn s.synack c.ack",
    "c.syn s.synack c.ack c.data s.ack c.fin s.ack s.fin c.ack",
    "c.syn s.synack c.ack s.rst",
    "c.syn s.synack c.rst",
    "c.syn s.refuse c.syn s.refuse",
    "c.syn c.syn s.synack s.synack c.ack s.synack c.ack",
    "c.syn s.icmp c.syn s.icmp",
    "c.syn s.syn c.synack s.synack c.data s.data",
    "c.fast s.synack s.data c.ack",
    "s.data c.ack c.data s.data c.fin s.fin c.ack",
    "c.ack s.ack c.ack s.ack",
    "s.synack s.synack s.rst",
    "c.syn c.ack c.data c.data c.ack",
    "c.udp s.udp c.udp",
    "c.udp s.icmp",
    "s.udp",
    "c.ask s.answer c.ask",
    "c.other s.other",
)
ACTS = (
    "syn", "synack", "ack", "data", "fin", "rst", "refuse", "stray", "udp", "icmp", "ask", "other"
)


def random_frames(seed: int, *, low_ports: bool = True, sound: bool = True) -> Frames:
    """Frames of some conversations; `sound` leaves every frame well-formed."""
    chance = random.Random(seed)
    talks = [_talk(chance, low_ports) for _ in range(chance.randint(1, 6))]
    frames = _interleaved(chance, [talk.frames for talk in talks])
    frames = _spoilt(chance, frames)
    if not sound:
        frames = [(time, _damaged(chance, octets)) for time, octets in frames]
    return frames


def _talk(chance: random.Random, low_ports: bool) -> Talk:
    version = chance.choice((4, 4, 6))
    servers = (23, 53) if low_ports else (50_000, 52_323)
    ports = (chance.choice((40_000, 40_001)), chance.choice(servers))
    isns = (chance.choice((7, 0xFFFF_FFFE, 80_000)), chance.choice((9, 0xFFFF_FFF0, 5_000_000)))
    talk = Talk(version, ports=ports, isns=isns, vlan=chance.choice((None, None, 5)))
    talk.ip_id = chance.randrange(60_000)
    if chance.random() < 0.1:
        talk.server.window = 0
    at = chance.choice(PAUSES) * chance.random()
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        for step in chance.choice(STORIES).split():
            at += chance.choice(PAUSES[:10])
            if chance.random() < 0.1:
                at += chance.choice(PAUSES)
            side, act = step.split(".")
            act = chance.choice(ACTS) if chance.random() < 0.05 else act
            _act(chance, talk, talk.client if side == "c" else talk.server, act, at)
        at += chance.choice(PAUSES)
        for side, isn in ((talk.client, 111), (talk.server, 222)):
            if chance.random() < 0.5:
                side.isn = side.next = isn
    return talk


def _act(chance: random.Random, talk: Talk, side: Side, act: str, at: float) -> None:
    version4 = talk.version == 4
    match act:
        case "fast":
            side.syn(at, b"early")
        case "data":
            side.data(at, b"x" * chance.choice((1, 10, 1_000)), lost=chance.random() < 0.05)
        case "refuse":
            side.rst(at, seq=0)
        case "stray":
            flags = chance.randrange(64)
            side.segment(at, flags, b"y" * chance.randrange(3), seq=chance.getrandbits(32),
                         ack=chance.getrandbits(32))
        case "icmp":
            if talk.frames:
                kind = chance.choice((3, 11)) if version4 else chance.choice((1, 3))
                quote = side.sent(chance.randrange(len(talk.frames)))
                side.unreachable(at, kind, chance.choice((0, 1, 3, 4, 13)), quote)
        case "ask" | "answer":
            kinds = (8, 0) if version4 else (128, 129)
            side.echo(at, kinds[act == "answer"], chance.choice((1, 2)))
        case "other":
            side.other(at, 253)
        case _:
            getattr(side, act)(at)


def _interleaved(chance: random.Random, streams: list[Frames]) -> Frames:
    frames: Frames = []
    for stream in streams:
        frames += stream
    return sorted(frames, key=lambda frame: frame[0])


def _spoilt(chance: random.Random, frames: Frames) -> Frames:
    """Lost, repeated, late: what happens to frames on their way into a capture."""
    spoilt: Frames = []
    for time, octets in frames:
        fate = chance.random()
        if fate < 0.04:
            continue
        spoilt.append((time, octets))
        if fate < 0.08:
            spoilt.append((time + chance.choice((0, 500_000, 5_000_000, 20_000_000)), octets))
        elif fate < 0.12 and len(spoilt) > 1:
            spoilt[-1], spoilt[-2] = spoilt[-2], spoilt[-1]
        elif fate < 0.13:
            spoilt[-1] = (time + int(chance.choice(BACKWARDS) * 1e9), octets)
    return spoilt


def _damaged(chance: random.Random, octets: bytes) -> bytes:
    fate = chance.random()
    if fate < 0.6:
        return octets
    if fate < 0.7:
        return octets[: chance.randrange(len(octets))] or b"\0"
    damaged = bytearray(octets)
    for _ in range(chance.choice((1, 1, 2, 8))):
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    return bytes(damaged)


def random_options(number: int) -> dict[str, Any]:
    """Options and limits of the flow table."""
    chance = random.Random(~number)
    limits = replace(
        SMALL,
        flows_max=chance.choice((1, 2, 3, 1_000)),
        tcp_idle_timeout_ns=300_000_000_000,
        active_timeout_ns=chance.choice((0, 0, 3_000_000_000)),
    )
    return {
        "limits": limits,
        "accept_on_data": chance.random() < 0.2,
        "key_vlan": chance.random() < 0.2,
        "duplicates": chance.random() < 0.8,
        # What `auto` learns of the frames that came depends on how many of them it sees at once.
        "sliced": chance.choice(("always", "never")),
    }


def random_run(number: int, *, sound: bool = True, **options: Any) -> Run:
    """What the sensor makes of a seed; options and limits follow from it too."""
    return play(random_frames(number, sound=sound), **{**random_options(number), **options})


def printed(run: Run) -> str:
    """Everything that came out of a run: records, documents and the ledger."""
    rows = [repr([member.tolist() for member in row]) for row in run.rows]
    return "\n".join([*rows, *(repr(event) for event in run.events), repr(run.ledger)])


if __name__ == "__main__":
    if not table.__file__.endswith(".py"):
        sys.exit("the flow table is compiled: this was to be the interpreted one")
    for number in range(int(sys.argv[1]), int(sys.argv[2])):
        print(printed(random_run(number, sound=number % 2 == 0)))
