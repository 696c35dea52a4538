"""How far the sensor and tshark tell the same of what is said in a capture.

    python -m benchmarks.agreement CAPTURE [--examples N] [--json FILE]

Both read the file; requests, responses, messages of DNS, handshakes, commands of Redis and pings
are paired within their flows, and compared field by field. Printed are, for each kind, how many
there are, how many agree in everything, and the differences by field, each with example frames.
Who is right in a difference, the RFCs say: docs/http.md and its neighbours list those that stay.
Captures are pcap files of Ethernet: benchmarks/agreement_lab.py records real programs,
benchmarks/agreement_made.py makes what no program says.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.agreement_facts import Fact, Flow
from benchmarks.agreement_said import said
from benchmarks.agreement_tshark import dissected

KINDS = ("http request", "http response", "dns", "tls", "icmp", "redis command")
Groups = dict[tuple[str, Flow], list[Fact]]


class Score:
    """What was compared, and where it differs."""

    def __init__(self) -> None:
        self.facts: Counter[str] = Counter()
        self.agree: Counter[str] = Counter()
        self.fields: Counter[str] = Counter()
        self.differences: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)

    def add(self, ours: Fact | None, theirs: Fact | None) -> None:
        """One pair, of which one may be missing."""
        one = ours or theirs
        assert one is not None
        self.facts[one.kind] += 1
        if ours is None or theirs is None:
            whose = "only the sensor" if theirs is None else "only tshark"
            self._differ(one.kind, whose, one.frame, one.told, "")
            return
        is_same = True
        for name in sorted(ours.values.keys() & theirs.values.keys()):
            left, right = same_form(name, ours.values[name]), same_form(name, theirs.values[name])
            if agrees(name, left, right):
                self.fields[one.kind] += 1
            else:
                is_same = False
                self._differ(one.kind, name, theirs.frame, left, right)
        self.agree[one.kind] += is_same

    def _differ(self, kind: str, name: str, frame: int, left: object, right: object) -> None:
        self.differences[kind, name].append({"frame": frame, "sensor": left, "tshark": right})

    def print(self, examples: int) -> None:
        """The table, then the differences."""
        print("| kind | compared | agree in all | fields that agree | fields that differ |")
        print("|---|---|---|---|---|")
        for kind in KINDS:
            differ = sum(len(found) for (of, _), found in self.differences.items() if of == kind)
            share = 100 * self.agree[kind] / (self.facts[kind] or 1)
            print(f"| {kind} | {self.facts[kind]:,} | {share:.2f} % | {self.fields[kind]:,}"
                  f" | {differ:,} |")  # fmt: skip
        for (kind, name), found in sorted(self.differences.items()):
            print(f"\n{kind}: {name}: {len(found):,}")
            for one in found[:: max(len(found) // max(examples, 1), 1)][:examples]:
                print(f"    frame {one['frame']}: {one['sensor']!r:.300} | {one['tshark']!r:.300}")


def same_form(name: str, value: object) -> object:
    """A value without what differs in form alone."""
    if isinstance(value, list):
        return [same_form(name, one) for one in value] or None
    if isinstance(value, tuple):
        return tuple(same_form(name, one) for one in value)
    if isinstance(value, str):
        if name in ("name", "answers", "data"):
            value = value.replace("<Root>", ".")
        value = value.encode("utf-8", "surrogateescape")
        # tshark has marks for what is no ASCII, the sensor escapes for what is not printable
        escapes = _OCTETS if name in ("name", "answers", "data") else _BINARY
        return escapes.sub(b"?", value).decode() or None
    return value


_BINARY = re.compile(rb"(?:\\x[0-9a-f]{2}|\\[rnt0]|[^ -~]|\?)+")
_OCTETS = re.compile(rb"(?:[^ -~]|\?)+")


def agrees(name: str, left: object, right: object) -> bool:  # noqa: PLR0911  a line a field
    """True if the values of a field say the same."""
    if isinstance(left, str) and "***" in left:
        return True  # a password is masked, as it should be
    if name == "data" and isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same_data, left, right))
    if name == "answers" and isinstance(left, str) and isinstance(right, str):
        return left == right or right.endswith(left)  # tshark has the whole URI there
    if name == "answers" and isinstance(left, list) and isinstance(right, list):
        # tshark names the owners of most SRV records in parts
        return len(left) == len(right) and all(
            one[1:] == other[1:] and other[0] in (None, one[0])
            for one, other in zip(left, right, strict=True))
    if name == "time_us" and isinstance(left, int) and isinstance(right, int):
        return abs(left - right) <= 1
    if name == "ciphers" and isinstance(left, list) and isinstance(right, list):
        return left == right[: len(left)]
    return left == right


def _same_data(left: Any, right: Any) -> bool:
    if left is None or right is None or isinstance(right[1], str):
        return bool(left == right)
    return bool(left[0] == right[0]) and len(left[1] or "") == min(2 * (right[1] or 0), 1024)


def pairs(ours: list[Fact], theirs: list[Fact]) -> Iterator[tuple[Fact | None, Fact | None]]:
    """Facts of a flow, side by side."""
    if len(ours) == len(theirs):
        yield from zip(ours, theirs, strict=True)
        return
    for one, other in _aligned(ours, theirs, [f"{one.told} {one.frame}" for one in ours],
                               [f"{one.told} {one.frame}" for one in theirs]):
        if one and other and _told(one) == _told(other):
            yield from zip(one, other, strict=True)
        else:
            for mine, its in _aligned(one, other, [fact.told for fact in one],
                                      [fact.told for fact in other]):
                if _told(mine) == _told(its):
                    yield from zip(mine, its, strict=True)
                else:
                    yield from ((fact, None) for fact in mine)
                    yield from ((None, fact) for fact in its)


def _told(facts: list[Fact]) -> list[object]:
    return [same_form("told", fact.told) for fact in facts]


def _aligned(ours: list[Fact], theirs: list[Fact], keys: list[str], other_keys: list[str],
             ) -> Iterator[tuple[list[Fact], list[Fact]]]:  # fmt: skip
    """Stretches of both that have the same keys, and what stands between them."""
    matcher = difflib.SequenceMatcher(None, [same_form("told", key) for key in keys],
                                      [same_form("told", key) for key in other_keys],
                                      autojunk=False)  # fmt: skip
    for _, first, end, other_first, other_end in matcher.get_opcodes():
        yield ours[first:end], theirs[other_first:other_end]


def answered(theirs: list[Fact]) -> list[Fact]:
    """DNS: queries that have an answer are told with it, and not by themselves."""
    waiting: dict[str, int] = {}
    kept: list[Fact | None] = []
    for fact in theirs:
        number = str(fact.values["id"])
        if fact.told.startswith("query"):
            if (before := waiting.get(number)) is not None and _asks_same(kept[before], fact):
                continue  # sent again
            waiting[number] = len(kept)
        elif (before := waiting.get(number)) is not None and _asks_same(kept[before], fact):
            kept[before] = None
            del waiting[number]
        kept.append(fact)
    return [fact for fact in kept if fact is not None]


def _asks_same(one: Fact | None, other: Fact) -> bool:
    if one is None:
        return False
    if other.values["name"] is None:
        return True
    return (str(one.values["name"]).lower(), one.values["type"]) == (
        str(other.values["name"]).lower(), other.values["type"])


def grouped(facts: list[Fact]) -> Groups:
    """Facts by kind and flow, in the order of their frames."""
    groups: Groups = defaultdict(list)
    for fact in facts:
        groups[fact.kind, fact.flow].append(fact)
    for found in groups.values():
        found.sort(key=lambda fact: fact.frame)
    return groups


def compare(ours: list[Fact], theirs: list[Fact]) -> Score:
    """All facts of both."""
    score = Score()
    left, right = grouped(ours), grouped(theirs)
    for key in sorted(left.keys() | right.keys(), key=str):
        other = right.get(key, [])
        if key[0] == "dns" and not _is_group(key[1]):
            other = answered(other)
        for pair in pairs(left.get(key, []), other):
            score.add(*pair)
    return score


def _is_group(flow: Flow) -> bool:
    """mDNS and LLMNR: each message is told by itself."""
    return any(port in (5353, 5355) for _, port in flow[1])


def main() -> int:
    """Compare, and print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("captures", type=Path, nargs="+", metavar="CAPTURE")
    parser.add_argument("--examples", type=int, default=3, help="of each difference")
    parser.add_argument("--json", type=Path, help="all differences, for a closer look")
    args = parser.parse_args()
    for capture in args.captures:
        print(f"{capture.name}: {capture.stat().st_size / 1e6:.0f} MB")
        score = compare(list(said(capture)), dissected(capture))
        score.print(args.examples)
        if args.json is not None:
            args.json.write_text(json.dumps(
                {f"{kind}: {name}": found for (kind, name), found in score.differences.items()},
                default=str, indent=1), errors="backslashreplace")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
