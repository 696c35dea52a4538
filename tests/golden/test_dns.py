"""DNS as tshark reads it (an independent reference), of shipped captures and of one made here."""

from __future__ import annotations

import json
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conversation import START_NS, Talk, merged
from tests.dns_messages import (
    AAAA,
    ANSWER,
    CNAME,
    MX,
    OPT,
    QUERY,
    SOA,
    TXT,
    answer,
    framed,
    message,
    name,
    query,
    question,
    record,
)
from tests.programs import require
from tests.running import CAPTURES, run_capture

SECTIONS = ("count.answers", "count.auth_rr", "count.add_rr")
TYPES = {"A": 1, "CNAME": 5, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28}
CODES = {"NOERROR": 0, "NXDOMAIN": 3, "REFUSED": 5}
SHIPPED = ("background.pcap", "demo.pcap")
"""Captures with DNS in them whose datagrams come whole."""


def made(path: Path) -> Path:
    """Transactions of many kinds over UDP and TCP, as a capture file."""
    talks = []
    edns = record(OPT, b"", b"\0", class_=1232)
    text = record(TXT, b"\x0bv=spf1 -all")
    said = (
        (query(1), answer(1, "www.example.com", b"\xc0\0\2\1", b"\xc0\0\2\2")),
        (query(2, "v6.example.com", AAAA), message(2, ANSWER, question("v6.example.com", AAAA),
         answers=(record(CNAME, b"\2v6\3net\0"), record(AAAA, bytes(15) + b"\1", b"\2v6\3net\0")))),
        (query(3, "gone.example.com"), message(
            3, 0x8183, question("gone.example.com"), authorities=(
                record(SOA, name("ns.example") + name("admin.example") + bytes(20)),))),
        (message(4, QUERY, question("example.com", MX), additionals=(edns,)), message(
            4, ANSWER, question("example.com", MX), answers=(record(MX, b"\0\x0a\4mail\xc0\x0c"),),
            additionals=(edns,))),
        (query(5, "silent.example.com", TXT), None),
        (None, message(6, 0x8185, question("refused.example.com"))),
    )
    for number, (asked, told) in enumerate(said):
        talk = Talk(ports=(40_000 + number, 53))
        if asked is not None:
            talk.client.udp(number, asked)
        if told is not None:
            side = talk.server if asked is not None else talk.client
            side.udp(number + 0.1, told)
        talks.append(talk)
    stream = Talk(ports=(41_000, 53))
    stream.handshake(10)
    stream.client.data(10.1, framed(query(7, "a.example.com", TXT), query(8, "b.example.com")))
    stream.server.data(10.2, framed(answer(8, "b.example.com"), message(
        7, ANSWER, question("a.example.com", TXT), answers=(text,))))
    stream.close(10.3)
    frames = merged(*talks, stream)
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65_535, 1))
        for time_ns, octets in frames:
            assert time_ns >= START_NS
            file.write(struct.pack("<IIII", *divmod(time_ns, 10**9), len(octets), len(octets)))
            file.write(octets)
    return path


def messages_by_tshark(path: Path) -> list[dict[str, list[str]]]:
    """The fields of each message, in order; a frame of TCP may have several."""
    require("tshark")
    command = ["tshark", "-n", "-r", str(path), "-Y", "dns", "-T", "json", "-J", "dns",
               "--no-duplicate-keys"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = []
    for packet in json.loads(done.stdout):
        layers = packet["_source"]["layers"]["dns"]
        for layer in layers if isinstance(layers, list) else [layers]:
            values: dict[str, list[str]] = {}
            gather(layer, values)
            found.append(values)
    return found


def gather(node: Any, values: dict[str, list[str]]) -> None:
    """The values of all fields below a layer, by name."""
    for key, value in node.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                gather(one, values)
            else:
                values.setdefault(key, []).append(one)


def seen_by_tshark(one: dict[str, list[str]]) -> tuple[Any, ...]:
    return (
        int(one["dns.id"][0], 16), int(one["dns.flags.opcode"][0]),
        one["dns.qry.name"][0], int(one["dns.qry.type"][0]),
        *(int(one[f"dns.{section}"][0]) for section in SECTIONS),
        sorted(one.get("dns.a", []) + one.get("dns.aaaa", [])),
    )


def seen_by_us(dns: dict[str, Any]) -> tuple[Any, ...]:
    has_edns = "opt" in dns
    return (
        int(dns["id"]), {"QUERY": 0}[dns["op_code"]],
        dns["question"]["name"], TYPES[dns["question"]["type"]],
        dns["answers_count"], dns["authorities_count"], dns["additionals_count"] + has_edns,
        sorted(dns.get("resolved_ip", [])),
    )


def compare(path: Path) -> list[dict[str, Any]]:
    """Hold our documents against tshark's answers, and its queries that have none; ours."""
    said = [event for event in run_capture(path).said if "dns" in event]
    told = messages_by_tshark(path)
    answers = [one for one in told if one["dns.flags.response"] == ["1"]]
    answered = {one["dns.id"][0] for one in answers}
    alone = [one for one in told if one["dns.id"][0] not in answered]
    assert sorted(seen_by_us(event["dns"]) for event in said) == sorted(
        seen_by_tshark(one) for one in (*answers, *alone))
    codes = sorted(int(one["dns.flags.rcode"][0]) for one in answers)
    assert codes == sorted(CODES[event["dns"]["response_code"]] for event in said
                           if event["dns"]["type"] == "answer")
    times = [float(one["dns.time"][0]) for one in answers if "dns.time" in one]
    ours = [event["event"]["duration"] / 1e9 for event in said if "duration" in event["event"]]
    assert sorted(ours) == pytest.approx(sorted(times), abs=1e-6)
    return said


@pytest.mark.parametrize("capture", SHIPPED)
def test_shipped_captures(capture: str) -> None:
    assert compare(CAPTURES / capture)


def test_many_kinds_of_transactions(tmp_path: Path) -> None:
    said = compare(made(tmp_path / "dns.pcap"))
    actions = [(event["event"]["action"], event["dns"]["id"]) for event in said]
    assert sorted(actions, key=lambda one: int(one[1])) == [
        *(("dns_query", str(number)) for number in range(1, 6)), ("dns_answer", "6"),
        ("dns_query", "7"), ("dns_query", "8")]
    assert {event["network"]["transport"] for event in said} == {"udp", "tcp"}
    (text,) = (event for event in said if event["dns"]["id"] == "7")
    assert [one["data"] for one in text["dns"]["answers"]] == ["v=spf1 -all"]
