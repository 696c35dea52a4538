"""How much of what happened in telnet sessions is told, and how much of what is told happened.

    python benchmarks/telnet.py [--show] [--truth FILE] [--reshaped]

Sessions and truth are those of `captures/sessions/truth.toml`, or of a file of that form beside its
captures. Printed are precision and recall of login outcomes, accounts, commands and attacks;
`--show` lists what is missing or wrong; `--reshaped` does the same for copies of the captures as
other taps would have seen them: split, out of order, doubled, with losses, one side only, begun
late. There a success may become unknown, but never the other way round.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dpkt

ROOT = Path(__file__).resolve().parent.parent
Frames = list[tuple[float, bytes]]
Told = dict[int, list[dict[str, Any]]]
KINDS = ("success", "failure", "none", "bypass", "account", "commands", "exploits", "elevation")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--reshaped", action="store_true")
    parser.add_argument("--truth", type=Path, default=ROOT / "captures/sessions/truth.toml")
    arguments = parser.parse_args()
    captures = tomllib.loads(arguments.truth.read_text())["capture"]
    shapes = {"as captured": same, **(SHAPES if arguments.reshaped else {})}
    for name, reshape in shapes.items():
        score = Score(arguments.show)
        for capture in captures:
            told = run(arguments.truth.parent / capture["file"], reshape)
            for one in capture["session"]:
                session = capture.get("all", {}) | one
                score.add(f"{name}: {capture['file']}:{session['client']}", session,
                          told.get(session["client"], []))
        score.print(name)


class Score:
    """What was right, what was told and what there is, by kind."""

    def __init__(self, show: bool) -> None:
        self._show = show
        self._right: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._true: Counter[str] = Counter()

    def add(self, place: str, session: dict[str, Any], events: list[dict[str, Any]]) -> None:
        """Hold what was told of a session against the truth."""
        unsure = session.get("unsure", False)
        for kind in KINDS:
            truth, told = Counter(true_of(kind, session)), Counter(told_of(kind, events))
            if kind == "exploits":
                names = {also: one.get("id", one.get("name")) for one in session.get("exploits", ())
                         for also in one.get("also", ())}
                told = Counter((names.get(name, name), outcome) for name, outcome in told)
            if kind == "account" and unsure:
                continue
            right = truth & told
            self._right[kind] += right.total()
            self._told[kind] += told.total()
            self._true[kind] += right.total() if unsure else truth.total()
            if self._show and truth != told and not (unsure and not told - truth):
                print(f"{place} {kind}: missing {list((truth - told).elements())},"
                      f" wrong {list((told - truth).elements())}")

    def print(self, name: str) -> None:
        """A row."""
        cells = []
        for kind in KINDS:
            precision = self._right[kind] / self._told[kind] if self._told[kind] else 1
            recall = self._right[kind] / self._true[kind] if self._true[kind] else 1
            cells.append(f"{kind} {precision:.3f}/{recall:.3f} of {self._true[kind]}")
        print(f"{name}: " + ", ".join(cells))


def true_of(kind: str, session: dict[str, Any]) -> Iterator[Any]:
    """What happened."""
    attempts = session.get("attempts", [])
    if kind in ("success", "failure"):
        yield from (kind for one in attempts if one["outcome"] == kind)
    elif kind in ("none", "bypass"):
        yield from [kind] if session.get("login") == kind else []
    elif kind == "account":
        yield from (one["user"] for one in attempts if one.get("user"))
    elif kind == "commands":
        yield from (masked(one, session.get("secrets", [])) for one in session.get("commands", []))
    elif kind == "exploits":
        yield from ((one.get("id", one.get("name")), one["outcome"])
                    for one in session.get("exploits", []))
    else:
        yield from ((one["kind"], one["outcome"]) for one in session.get("elevation", []))


def told_of(kind: str, events: list[dict[str, Any]]) -> Iterator[Any]:
    """What was told."""
    for event in events:
        action, telnet = event["event"]["action"], event["telnet"]
        if action == "telnet_login":
            outcome = telnet["login"]["outcome"]
            if kind == outcome:
                yield kind
            if kind == "account" and "user" in event and outcome != "bypass":
                yield event["user"]["name"]
        elif action == "telnet_command" and kind == "commands":
            yield telnet["command"]["line"]
        elif action == "telnet_session" and kind == "elevation":
            elevation = telnet.get("elevation", {})
            yield from zip(elevation.get("kind", ()), elevation.get("outcome", ()), strict=True)
    if kind == "exploits":
        yield from exploits_of(events)


def exploits_of(events: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """The attacks, each with the most that is told of it."""
    found: dict[str, str] = {}
    for event in events:
        if event["event"]["action"] == "telnet_exploit":
            exploit = event["telnet"]["exploit"]
            named = event.get("vulnerability", {}).get("id", exploit["name"])
            if found.get(named) != "bypass":
                found[named] = exploit["outcome"]
    yield from found.items()


def masked(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def run(path: Path, reshape: Callable[[Frames, random.Random], Frames]) -> Told:
    """The protocol events of a capture, or of a changed copy, by the client's port."""
    with tempfile.TemporaryDirectory() as folder:
        if reshape is not same:
            with path.open("rb") as stream:
                reader = dpkt.pcap.Reader(stream)
                frames, link = list(reader), reader.datalink()
            path = Path(folder) / "reshaped.pcap"
            with path.open("wb") as stream:
                writer = dpkt.pcap.Writer(stream, linktype=link)
                for time_s, octets in reshape(frames, random.Random(path.name)):
                    writer.writepkt(octets, time_s)
        ended = subprocess.run(
            [sys.executable, "-m", "sensor", "replay", "--quiet", "--protocol-events", "-",
             str(path)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, cwd=ROOT)  # fmt: skip
    told: Told = defaultdict(list)
    for line in ended.stdout.splitlines():
        event = json.loads(line)
        if "telnet" in event:
            told[event["source"]["port"]].append(event)
    return told


def same(frames: Frames, chance: random.Random) -> Frames:
    """As it is."""
    return frames


def segment_of(octets: bytes) -> tuple[dpkt.ethernet.Ethernet, dpkt.tcp.TCP] | None:
    """A frame whose TCP segment has payload."""
    frame = dpkt.ethernet.Ethernet(octets)
    tcp = getattr(frame.data, "data", None)
    return (frame, tcp) if isinstance(tcp, dpkt.tcp.TCP) and tcp.data else None


def split(frames: Frames, chance: random.Random) -> Frames:
    """Every payload in segments of one to three octets."""
    changed: Frames = []
    for time_s, octets in frames:
        found = segment_of(octets)
        if found is None:
            changed.append((time_s, octets))
            continue
        frame, tcp = found
        payload, seq, at = bytes(tcp.data), tcp.seq, 0
        while at < len(payload):
            size = chance.randint(1, 3)
            tcp.seq, tcp.data = (seq + at) & 0xFFFFFFFF, payload[at : at + size]
            tcp.sum = 0
            if hasattr(frame.data, "len"):
                frame.data.len, frame.data.sum = len(frame.data), 0
            else:
                frame.data.plen = len(tcp)
            changed.append((time_s, bytes(frame)))
            at += size
    return changed


def out_of_order(frames: Frames, chance: random.Random) -> Frames:
    """Payloads swapped with the one before them, split ones above all."""
    changed = split(frames, chance)
    for index in range(1, len(changed)):
        alike = changed[index][0] == changed[index - 1][0]
        if alike and chance.random() < 0.5 and segment_of(changed[index - 1][1]):
            changed[index - 1], changed[index] = changed[index], changed[index - 1]
    return changed


def doubled(frames: Frames, chance: random.Random) -> Frames:
    """A fifth of the frames sent again later."""
    changed = list(frames)
    changed += [(time_s + 0.21, octets) for time_s, octets in frames
                if chance.random() < 0.2 and segment_of(octets)]
    return sorted(changed, key=lambda frame: frame[0])


def lossy(frames: Frames, chance: random.Random) -> Frames:
    """A twentieth of the payloads is not captured."""
    return [frame for frame in frames if not (segment_of(frame[1]) and chance.random() < 0.05)]


def one_side(client: bool) -> Callable[[Frames, random.Random], Frames]:
    """Only the packets of clients, or only those of servers."""

    def keep(frames: Frames, chance: random.Random) -> Frames:
        kept = []
        for time_s, octets in frames:
            tcp = getattr(dpkt.ethernet.Ethernet(octets).data, "data", None)
            if isinstance(tcp, dpkt.tcp.TCP) and (tcp.sport > tcp.dport) == client:
                kept.append((time_s, octets))
        return kept

    return keep


def begun_late(frames: Frames, chance: random.Random) -> Frames:
    """Without the first part of each connection."""
    left: dict[int, int] = {}
    kept = []
    for time_s, octets in frames:
        tcp = getattr(dpkt.ethernet.Ethernet(octets).data, "data", None)
        if isinstance(tcp, dpkt.tcp.TCP):
            port = max(tcp.sport, tcp.dport)
            left.setdefault(port, chance.randint(2, 40))
            left[port] -= 1
            if left[port] >= 0:
                continue
        kept.append((time_s, octets))
    return kept


SHAPES = {"split": split, "out of order": out_of_order, "doubled": doubled, "lossy": lossy,
          "clients only": one_side(True), "servers only": one_side(False),
          "begun late": begun_late}  # fmt: skip

if __name__ == "__main__":
    main()
