"""What tshark's dissectors tell of a capture, as facts: from its trees, in which names repeat."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.agreement_facts import Fact, flows_of
from benchmarks.agreement_tls import handshakes
from benchmarks.agreement_zone import class_of, opcode, rcode, record_text, type_of

Tree = list[tuple[str, Any]]
"""Names with their values, each a text or a tree."""
OPTIONS = [
    "-o",
    "tcp.reassemble_out_of_order:TRUE",
    "-d",
    "tcp.port==8080,http",
    "-d",
    "tcp.port==4431-4433,tls",
]
SEPARATOR = "\ue000"
"""Between the words of a command; no program at hand sends it."""
PASSES = (
    (
        ["--disable-protocol", "resp"],
        "http or dns or mdns or llmnr or tls.handshake or tls.alert_message or icmp or icmpv6",
        "frame http dns mdns llmnr tls icmp icmpv6",
    ),
    ([], "resp", "frame resp"),
)
"""Options, filter, layers: Redis by itself, as its dissector takes long."""


def dissected(capture: Path) -> list[Fact]:  # noqa: C901
    """The facts of tshark."""
    found: list[Fact] = []
    tls_layers: list[tuple[int, Tree]] = []
    for options, condition, layers in PASSES:
        for frame, packet in packets(capture, [*options, "-Y", condition, "-J", layers]):
            seconds = float(_first(_first(packet, "frame", []), "frame.time_epoch", "0"))
            is_error = any(name in ("icmp", "icmpv6") for name, _ in packet)
            for name, layer in packet:
                if not isinstance(layer, list) or (is_error and "icmp" not in name):
                    continue  # a layer without fields, or a quoted packet
                if name == "tls":
                    tls_layers.append((frame, layer))
                elif name in READERS:
                    found += READERS[name](frame, seconds, layer)
    flows = flows_of(capture, {one.frame for one in found} | {frame for frame, _ in tls_layers})
    for fact in found:
        fact.flow, fact.to_port = flows[fact.frame]
    of_flow: dict[Any, list[tuple[int, Tree]]] = defaultdict(list)
    for frame, layer in tls_layers:
        of_flow[flows[frame][0]].append((frame, layer))
    for flow, trees in of_flow.items():
        for fact in handshakes(trees):
            fact.flow = flow
            found.append(fact)
    return [
        *(one for one in found if one.kind not in ("icmp", "resp")),
        *pings(found),
        *commands(found),
    ]


def packets(capture: Path, options: list[str]) -> Iterator[tuple[int, Tree]]:
    """The frames that meet a filter, with the trees of their layers."""
    command = ["tshark", "-r", str(capture), "-n", "-T", "json", *OPTIONS, *options]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        errors="surrogateescape",
    ) as process:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            if line == "  {\n":
                lines = []
            lines.append(line)
            if line in ("  }\n", "  },\n"):
                tree = json.loads(
                    "".join(lines).rstrip(",\n"), object_pairs_hook=list, strict=False
                )
                layers = _first(_first(tree, "_source", []), "layers", [])
                yield int(_first(_first(layers, "frame", []), "frame.number", "0")), layers


def _first(tree: Tree, name: str, otherwise: Any = None) -> Any:
    return next((value for found, value in tree if found == name), otherwise)


def leaves(tree: Tree) -> Iterator[tuple[str, str]]:
    """All names with texts, in their order."""
    for name, value in tree:
        if isinstance(value, list):
            yield from leaves(value)
        else:
            yield name, value


def octets_of(text: str) -> bytes:
    """What a text of tshark had on the wire."""
    return text.encode("utf-8", "surrogateescape")


def http(frame: int, seconds: float, layer: Tree) -> Iterator[Fact]:
    """A request or a response."""
    values: dict[str, str] = {}
    for name, value in leaves(layer):
        values.setdefault(name, value)
    headers: dict[str, str] = {}
    for name, line in leaves(layer):
        if name in ("http.request.line", "http.response.line"):
            key, _, value = line.partition(":")
            key, value = key.strip().lower(), value.strip()
            headers[key] = f"{headers[key]}, {value}" if key in headers else value
    chunks = [int(value) for name, value in leaves(layer) if name == "http.chunk_size"]
    body: dict[str, object] = {
        "body_octets": sum(chunks),
        "content_type": headers.get("content-type"),
    }
    if not chunks:
        is_there = "http.file_data" in values  # what a response to HEAD announces is not
        body["body_octets"] = int(values.get("http.content_length", 0)) if is_there else 0
        if "http.content_length" not in values and "http.file_data" in values:
            body["body_octets"] = len(octets_of(values["http.file_data"]))
    if "http.file_data" in values:
        body["content"] = values["http.file_data"]
    if "http.request.method" in values:
        uri = values.get("http.request.uri", "")
        yield Fact(
            "http request",
            frame,
            {
                "method": values["http.request.method"],
                "uri": uri,
                **body,
                "version": values.get("http.request.version", "")[5:],
                "host": headers.get("host"),
                "user_agent": headers.get("user-agent"),
            },
            told=f"{values['http.request.method']} {uri}",
        )
    elif "http.response.code" in values:
        status = int(values["http.response.code"])
        if status < 200 and status != 101:
            return
        yield Fact(
            "http response",
            frame,
            {
                "status": status,
                "phrase": values.get("http.response.phrase", ""),
                "server": headers.get("server"),
                "location": headers.get("location"),
                **body,
                "answers": values.get("http.response_for.uri"),
            },
            told=str(status),
        )


def mdns(frame: int, seconds: float, layer: Tree) -> Iterator[Fact]:
    """A message of mDNS, where a bit of the class means something else."""
    yield from dns(frame, seconds, layer, is_mdns=True)


def dns(frame: int, seconds: float, layer: Tree, *, is_mdns: bool = False) -> Iterator[Fact]:
    """A message; where the layer has several, the first."""
    values = {}
    for name, value in leaves([one for one in layer if one[0] != "Additional records"]):
        values.setdefault(name, value)
    if "dns.flags" not in values:
        return
    flags = int(values["dns.flags"], 16)
    is_answer = flags >> 15 == 1
    opts = [
        one
        for _, one in _first(layer, "Additional records", [])
        if _first(one, "dns.resp.type") == "41"
    ]
    opt = opts[0] if opts else []
    high = int(_first(opt, "dns.resp.ext_rcode", "0"), 16)
    answers = [one for _, one in _first(layer, "Answers", []) or _first(layer, "Prerequisites", [])]
    number = int(values["dns.id"], 16)
    found: dict[str, object] = {
        "id": number,
        "opcode": opcode(flags >> 11 & 15),
        "name": values.get("dns.qry.name", _service_name(values)),
        "type": type_of(values.get("dns.qry.type")),
        "class": class_of(values.get("dns.qry.class"), is_mdns=is_mdns),
        "answers_count": _count(values, "answers", "prerequisites"),
        "authorities_count": _count(values, "auth_rr", "updates"),
        "additionals_count": _count(values, "add_rr"),
        "do": int(_first(opt, "dns.resp.z", "0"), 16) >> 15 == 1 if opt else None,
        "udp_size": int(_first(opt, "dns.rr.udp_payload_size", "0"), 0) if opt else None,
        "rcode": rcode(high << 4 | flags & 15) if is_answer else None,
        "answers": [
            (
                _first(one, "dns.resp.name") or _service_name(dict(leaves(one))),
                type_of(_first(one, "dns.resp.type")),
                class_of(_first(one, "dns.resp.class"), is_mdns=is_mdns),
                _first(one, "dns.resp.ttl"),
            )
            for one in answers
        ],
        "data": [record_text(dict(leaves(one)), list(leaves(one))) for one in answers],
        "aa": flags >> 10 & 1 == 1,
        "tc": flags >> 9 & 1 == 1,
        "rd": flags >> 8 & 1 == 1,
        "ra": flags >> 7 & 1 == 1,
        "ad": flags >> 5 & 1 == 1,
        "cd": flags >> 4 & 1 == 1,
    }
    if "dns.time" in values:
        found["time_us"] = round(float(values["dns.time"]) * 1e6)
    yield Fact("dns", frame, found, told=f"{'answer' if is_answer else 'query'} {number}")


def _count(values: dict[str, str], *sections: str) -> int:
    """Records of a section, which has another name in an update (RFC 2136)."""
    return next(
        (int(values[f"dns.count.{name}"]) for name in sections if f"dns.count.{name}" in values), 0
    )


def _service_name(values: dict[str, str]) -> str | None:
    """The owner of an SRV record, which tshark has in three parts."""
    parts = [values.get(f"dns.srv.{part}", "") for part in ("service", "proto", "name")]
    return ".".join(parts) if all(parts) else None


def icmp(frame: int, seconds: float, layer: Tree) -> Iterator[Fact]:
    """A message, of which `pings` makes flows."""
    values: dict[str, str] = {}
    for name, value in leaves(layer):
        values.setdefault(name.replace("icmpv6.", "icmp."), value)
    yield Fact(
        "icmp",
        frame,
        {
            "type": int(values["icmp.type"]),
            "code": int(values["icmp.code"]),
            "ident": values.get("icmp.ident", values.get("icmp.echo.identifier")),
            "resp_to": values.get("icmp.resp_to"),
        },
    )


ASKED = {8: 0, 13: 14, 15: 16, 17: 18, 128: 129}
"""Types of ICMP that are answered, with those of the answers."""


def pings(found: list[Fact]) -> Iterator[Fact]:
    """Echo requests with their replies, by the flows of the sensor."""
    of_flow: dict[Any, list[Fact]] = defaultdict(list)
    for fact in found:
        if fact.kind == "icmp" and fact.values["type"] in (*ASKED, *ASKED.values()):
            of_flow[fact.flow, fact.values["ident"]].append(fact)
    for (flow, _), facts in of_flow.items():
        asked = [one for one in facts if one.values["type"] in ASKED]
        if asked:
            kind = asked[0].values["type"]
            yield Fact(
                "icmp",
                facts[0].frame,
                {
                    "type": kind,
                    "code": asked[0].values["code"],
                    "requests": len(asked),
                    "replies": len(facts) - len(asked),
                },
                flow,
                str(kind),
            )


def resp(frame: int, seconds: float, layer: Tree) -> Iterator[Fact]:
    """The values of a frame, those at the top."""
    for name, value in layer:
        text = _value_text(name, value)
        if text is not None:
            yield Fact("resp", frame, {"text": text, "is_array": name == "resp.array"})


def _value_text(name: str, value: Any) -> str | None:
    if name == "resp.array":
        parts = [part for one in value if (part := _value_text(*one)) is not None]
        whole = len(parts) == int(_first(value, "resp.array.length", "-1"))
        return SEPARATOR.join(parts) if whole else None  # those that are cut come again
    if name == "resp.bulk_string":
        text = _first(value, "resp.bulk_string.value", "") if isinstance(value, list) else ""
        octets = bytes.fromhex(text.replace(":", ""))
        is_whole = len(octets) == int(_first(value, "resp.bulk_string.length", "0"))
        return octets.decode("utf-8", "backslashreplace") if is_whole else None
    return None


def commands(found: list[Fact]) -> Iterator[Fact]:
    """Arrays that clients have sent."""
    for fact in found:
        if fact.kind == "resp" and fact.values["is_array"] and fact.to_port == 6379:
            words = str(fact.values["text"]).split(SEPARATOR)
            query = " ".join([words[0].upper(), *words[1:]])
            yield Fact("redis command", fact.frame, {"query": query[:4000]}, fact.flow, query[:200])


READERS: dict[str, Callable[[int, float, Tree], Iterator[Fact]]] = {
    "http": http,
    "dns": dns,
    "mdns": mdns,
    "llmnr": dns,
    "icmp": icmp,
    "icmpv6": icmp,
    "resp": resp,
}
