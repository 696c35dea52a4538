"""docs/hunting.md: its questions get the answers that the packets of the demo give.

The expected answers are counted from the packets by dpkt, or stand in truth.toml.
"""

from __future__ import annotations

import ast
import ipaddress
import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dpkt
import pytest

import sensor
from tests.command import DEMO, quiet
from tests.running import ROOT

duckdb = pytest.importorskip("duckdb")
pandas = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

PAGE = (ROOT / "docs/hunting.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
DATASET = "Many days: a dataset"
QUESTIONS = {name: text for name, text in SECTIONS.items() if name != DATASET}
PRIVATE = [ipaddress.ip_network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
                                                   "fe80::/10", "fc00::/7")]
SYN, ACK = 2, 16
ACCEPTED = "Accepted Default Telnet Port Connection"
EXTERNAL = "Accepted Telnet Connection to External Network"
"""The rules whose alerts follow from verdicts alone; others read what was said."""
Rows = list[tuple[Any, ...]]


@dataclass
class Seen:
    """What dpkt saw of a flow of TCP or UDP."""

    source: str
    source_port: int
    destination: str
    port: int
    transport: int
    first_s: float
    last_s: float = 0.0
    octets: int = 0
    answered: bool = False
    """True if the other side sent payload."""
    said: list[tuple[bool, bytes]] = field(default_factory=list)
    """Payload, with whether it is the originator's."""


def packets() -> Iterator[tuple[float, Any, str, str]]:
    with open(DEMO, "rb") as file:
        for time_s, octets in dpkt.pcap.Reader(file):
            packet = dpkt.ethernet.Ethernet(octets).data
            if isinstance(packet, dpkt.ip.IP | dpkt.ip6.IP6):
                yield (float(time_s), packet, str(ipaddress.ip_address(packet.src)),
                       str(ipaddress.ip_address(packet.dst)))


def length_of(packet: Any) -> int:
    return int(packet.len) if isinstance(packet, dpkt.ip.IP) else int(packet.plen) + 40


@pytest.fixture(scope="module")
def seen() -> list[Seen]:
    flows: dict[frozenset[tuple[str, int]], Seen] = {}
    for time_s, packet, source, destination in packets():
        inner = packet.data
        if not isinstance(inner, dpkt.tcp.TCP | dpkt.udp.UDP):
            continue
        ends = (source, inner.sport), (destination, inner.dport)
        is_tcp = isinstance(inner, dpkt.tcp.TCP)
        if is_tcp and inner.flags & (SYN | ACK) == SYN | ACK:
            ends = ends[1], ends[0]  # an answer, also where nobody asked
        flow = flows.setdefault(frozenset(ends), Seen(
            *ends[0], *ends[1], packet.p if hasattr(packet, "p") else packet.nxt, time_s))
        flow.last_s, flow.octets = time_s, flow.octets + length_of(packet)
        is_orig = source == flow.source
        flow.answered |= bool(inner.data) and not is_orig
        flow.said += [(is_orig, bytes(inner.data))] if inner.data else []
    return list(flows.values())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hunt")
    ended = quiet("--flows", str(folder / "flows.parquet"), "--alerts",
                  str(folder / "alerts.parquet"), "--protocol-events",
                  str(folder / "said.parquet"), DEMO)  # fmt: skip
    assert ended.code == 0
    assert quiet("--flows", f"{folder}/flows/", DEMO).code == 0
    return folder


def truth() -> dict[str, Any]:
    captures = tomllib.loads((ROOT / "tests/golden/truth.toml").read_text("utf-8"))["capture"]
    (found,) = (entry for entry in captures if entry["file"] == "demo.pcap")
    return dict(found)


def is_inside(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return any(parsed.version == net.version and parsed in net for net in PRIVATE)


def talkers(seen: list[Seen]) -> Rows:
    octets: dict[str, int] = defaultdict(int)
    for _, packet, source, destination in packets():
        for address in (source, destination):
            octets[address] += length_of(packet)
    return sorted(octets.items(), key=lambda item: (-item[1], item[0]))[:5]


def from_outside(seen: list[Seen]) -> Rows:
    found: dict[tuple[str, str, int], int] = defaultdict(int)
    for flow in seen:
        if flow.answered and not is_inside(flow.source) and is_inside(flow.destination):
            found[flow.source, flow.destination, flow.port] += 1
    return [(*key, count) for key, count in found.items()]


def beacons(seen: list[Seen]) -> Rows:
    starts = defaultdict(list)
    for flow in seen:
        starts[flow.destination, flow.port].append(flow.first_s)
    found = []
    for key, times in starts.items():
        gaps = [later - before for before, later in zip(times, sorted(times)[1:], strict=False)]
        mean = sum(gaps) / len(gaps) if gaps else 0
        if len(gaps) >= 3 and all(abs(gap - mean) < 0.05 * mean for gap in gaps):
            found.append((*key, len(times)))
    return found


def longest(seen: list[Seen]) -> Rows:
    order = sorted(seen, key=lambda flow: flow.first_s - flow.last_s)
    return [(flow.source, flow.destination, flow.port, pytest.approx(flow.last_s - flow.first_s))
            for flow in order[:3]]


def first_seen(seen: list[Seen]) -> Rows:
    end_s = max(time_s for time_s, *_ in packets())
    first: dict[tuple[str, str, int], float] = {}
    for flow in seen:
        first.setdefault((flow.source, flow.destination, flow.port), flow.first_s)
    return [key for key, time_s in first.items() if time_s > end_s - 300]


def to_network(seen: list[Seen]) -> Rows:
    network = ipaddress.ip_network("185.199.108.0/22")
    return [(flow.source, flow.destination, flow.port) for flow in seen
            if ipaddress.ip_address(flow.destination) in network]


def alerted(seen: list[Seen]) -> Rows:
    """Every accepted telnet flow, and once more those that lead outside."""
    rows = []
    octets = {(flow.source, flow.source_port): flow.octets for flow in seen}
    for _, source, source_port, destination, _, verdict, *_ in truth()["flows"]:
        if verdict == "accepted":
            flow = source, destination, octets[source, source_port]
            rows.append((ACCEPTED, *flow))
            if not is_inside(destination):
                rows.append((EXTERNAL, *flow))
    return rows


def logins(seen: list[Seen]) -> Rows:
    """What was typed behind each prompt for a name."""
    rows = []
    for flow in seen:
        prompt, name, is_asked = b"", b"", False
        for is_orig, octets in flow.said:
            text = re.sub(rb"\xff[\xfb-\xfe].|\xff\xfa.*?\xff\xf0", b"", octets, flags=re.DOTALL)
            if not is_orig:
                prompt += text
                is_asked = is_asked or prompt.lower().rstrip().endswith(b"login:")
            elif is_asked:
                name += text
                if b"\r" in name:
                    rows.append((flow.source, flow.destination, name.split(b"\r")[0].decode()))
                    prompt, name, is_asked = b"", b"", False
    return rows


def scanners(seen: list[Seen]) -> Rows:
    hosts = defaultdict(set)
    for _, source, _, destination, port, verdict, *_ in truth()["flows"]:
        if verdict in ("denied", "dropped", "attempted"):
            hosts[source, port].add(destination)
    return [(*key, len(found)) for key, found in hosts.items() if len(found) >= 10]


def services(seen: list[Seen]) -> Rows:
    return list({(flow.destination, flow.port): None for flow in seen
                 if flow.answered and flow.transport == dpkt.ip.IP_PROTO_TCP})


ANSWERS: dict[str, tuple[Callable[[list[Seen]], Rows], int]] = {
    "Who moved the most?": (talkers, 2),
    "What did anybody outside get into?": (from_outside, 4),
    "Who is asked at even intervals? (beacons)": (beacons, 3),
    "Which connections lasted longest?": (longest, 4),
    "What was seen for the first time in the last five minutes?": (first_seen, 3),
    "What went to a network?": (to_network, 3),
    "Which flows do the alerts belong to?": (alerted, 4),
    "Who logged in where, and as whom?": (logins, 3),
    "Who scans?": (scanners, 3),
    "Which services are there?": (services, 2),
}
"""What gives the answer to each question, and how many columns of it are compared."""


def test_every_question_has_its_answer() -> None:
    assert len(QUESTIONS) == 10 and set(QUESTIONS) == set(ANSWERS)


def ordered(rows: Rows, question: str = "") -> Rows:
    if ANSWERS.get(question, (None,))[0] is alerted:
        rows = [row for row in rows if row[0] in (ACCEPTED, EXTERNAL)]
    # Seconds are equal about; the addresses in front of them order such rows.
    return sorted(rows, key=lambda row: tuple(str(value) for value in row if is_exact(value)))


def is_exact(value: object) -> bool:
    return not isinstance(value, float | type(pytest.approx(0.0)))


@pytest.mark.parametrize("question", ANSWERS)
@pytest.mark.parametrize("kind", ["file", "dataset"])
def test_answers_in_sql(kind: str, question: str, folder: Path, seen: list[Seen]) -> None:
    expected, columns = ANSWERS[question]
    connection = duckdb.connect()
    (query,) = sql_of(QUESTIONS[question])
    if kind == "dataset":
        (view,) = sql_of(SECTIONS[DATASET])
        connection.execute(view.replace("'flows/", f"'{folder}/flows/"))
        query = query.replace("'flows.parquet'", "flows")
    query = re.sub(r"'(\w+\.parquet)'", rf"'{folder}/\1'", query)
    found = connection.execute(query).fetchall()
    assert ordered([row[:columns] for row in found], question) == ordered(expected(seen))


def sql_of(text: str) -> list[str]:
    return re.findall(r"```sql\n(.*?)```", text, re.DOTALL)


def test_networks_are_ranges_of_the_dataset(folder: Path, seen: list[Seen]) -> None:
    (condition,) = re.findall(r"`(destination_ip4 between .*?)`", SECTIONS[DATASET])
    found = duckdb.connect().execute(
        f"select source_ip, destination_ip, destination_port from '{folder}/flows/**/*.parquet'"
        f" where {condition}").fetchall()
    assert ordered(found) == ordered(to_network(seen))


@pytest.fixture(scope="module", params=["file", "library"])
def frame(request: pytest.FixtureRequest, folder: Path) -> Any:
    if request.param == "library":
        return sensor.flows(DEMO).to_pandas()
    return pandas.read_parquet(folder / "flows.parquet")


@pytest.mark.parametrize("question", ANSWERS)
def test_answers_in_pandas(
    question: str, frame: Any, folder: Path, seen: list[Seen], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, columns = ANSWERS[question]
    (code,) = re.findall(r"```python\n(.*?)```", QUESTIONS[question], re.DOTALL)
    monkeypatch.chdir(folder)
    tree = ast.parse(code)
    last = tree.body.pop()
    assert isinstance(last, ast.Expr)
    names = {"flows": frame, "pandas": pandas}
    exec(compile(tree, question, "exec"), names)
    answer = eval(compile(ast.Expression(last.value), question, "eval"), names)
    if isinstance(answer, pandas.Series):
        answer = answer.to_frame("value").reset_index()
    found = [tuple(row)[:columns] for row in answer.itertuples(index=False)]
    assert ordered(found, question) == ordered(expected(seen))
