"""What the sensor tells of a capture, as facts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.agreement_facts import Fact, flow_of

Event = dict[str, Any]
_ESCAPE = re.compile(r"\\(\d{3}|.)")
FLAGS = {
    "authoritative": "aa",
    "truncated_response": "tc",
    "recursion_desired": "rd",
    "recursion_available": "ra",
    "authentic_data": "ad",
    "checking_disabled": "cd",
}


def said(capture: Path) -> Iterator[Fact]:
    """The facts of `sensor replay`."""
    with tempfile.TemporaryDirectory() as folder:
        events, flows = Path(folder, "said.ndjson"), Path(folder, "flows.ndjson")
        subprocess.run(
            [
                sys.executable,
                "-m",
                "sensor",
                "replay",
                "--quiet",
                "--protocol-events",
                str(events),
                "--flows",
                str(flows),
                str(capture),
            ],
            check=False,
            stdout=subprocess.DEVNULL,
        )
        for path, readers in ((events, READERS), (flows, {"network_flow": icmp})):
            with path.open(encoding="utf-8") as stream:
                for line in stream:
                    event = json.loads(line)
                    read = readers.get(event["event"]["action"])
                    if read is not None:
                        yield from read(event)


def _fact(event: Event, kind: str, values: dict[str, object], told: str = "") -> Fact:
    ends = [(event[side]["ip"], event[side].get("port", 0)) for side in ("source", "destination")]
    frame = event["sensor"]["capture"].get("frame", 0)
    return Fact(kind, frame, values, flow_of(event["network"]["transport"], ends), told)


def http(event: Event) -> Iterator[Fact]:
    """A request and its response."""
    told, url = event.get("http", {}), event.get("url", {})
    request, response = told.get("request"), told.get("response")
    anomalies = event.get("sensor", {}).get("http", {})
    if request:
        headers = request.get("headers", {})
        one = _fact(
            event,
            "http request",
            {
                "method": request["method"],
                "uri": url.get("original"),
                "version": told["version"],
                "host": headers.get("host"),
                "user_agent": headers.get("user-agent"),
                "content_type": headers.get("content-type"),
                **_body(request, anomalies, "request"),
            },
            f"{request['method']} {url.get('original')}",
        )
        one.frame = anomalies.get("request", {}).get("frame", one.frame)
        yield one
    if response:
        headers = response.get("headers", {})
        yield _fact(
            event,
            "http response",
            {
                "status": response["status_code"],
                "phrase": response.get("status_phrase", ""),
                "content_type": headers.get("content-type"),
                "server": headers.get("server"),
                "location": headers.get("location"),
                **_body(response, anomalies, "response"),
                "answers": url.get("original"),
            },
            f"{response['status_code']}",
        )


def _body(message: Event, anomalies: Event, side: str) -> dict[str, object]:
    values: dict[str, object] = {"body_octets": message.get("body", {}).get("bytes", 0)}
    mine = anomalies.get(side, {})
    if "content" in message.get("body", {}) and not mine.get("body", {}).get("is_truncated"):
        values["content"] = message["body"]["content"]
    if mine.get("is_incomplete"):
        values["body_octets"] = "incomplete"
    return values


def dns(event: Event) -> Iterator[Fact]:
    """The last message of a transaction."""
    told = event["dns"]
    question = told.get("question", {})
    values: dict[str, object] = {
        "id": int(told["id"]),
        "opcode": told["op_code"],
        "name": unescaped(question.get("name")),
        "type": question.get("type"),
        "class": question.get("class"),
        "answers_count": told["answers_count"],
        "authorities_count": told["authorities_count"],
        "additionals_count": told["additionals_count"] + ("opt" in told),
        "do": told.get("opt", {}).get("do"),
        "udp_size": told.get("opt", {}).get("udp_size"),
        "rcode": told.get("response_code"),
        "answers": [
            (unescaped(one["name"]), one["type"], one["class"], str(one["ttl"]))
            for one in told.get("answers", [])
        ],
        "data": [(one["type"], unescaped(one["data"])) for one in told.get("answers", [])],
        **{short: told["flags"][name] for name, short in FLAGS.items()},
    }
    if "duration" in event["event"]:
        values["time_us"] = round(event["event"]["duration"] / 1000)
    yield _fact(event, "dns", values, f"{told['type']} {told['id']}")


def unescaped(text: str | None) -> str | None:
    """A name whose octets stand for themselves, as tshark writes them."""
    return text and _ESCAPE.sub(
        lambda found: chr(int(found[1])) if len(found[1]) == 3 else found[1], text
    )


def tls(event: Event) -> Iterator[Fact]:
    """A handshake."""
    told = event["tls"]
    client, server, detailed = (told.get(name, {}) for name in ("client", "server", "detailed"))
    hello = detailed.get("client_hello", {}).get("extensions", {})
    values: dict[str, object] = {
        "server_name": client.get("server_name"),
        "ja3": client.get("ja3"),
        "ja4": client.get("ja4"),
        "ja3s": server.get("ja3s"),
        "cipher": told.get("cipher"),
        "ciphers": client.get("supported_ciphers"),
        "version": detailed.get("version"),
        "curve": told.get("curve"),
        "offered": hello.get("application_layer_protocol_negotiation", []),
        "chosen": told.get("next_protocol"),
        "alerts": detailed.get("alert_types", []),
    }
    for who, side in (("server", server), ("client", client)):
        x509 = side.get("x509", {})
        for name in ("md5", "sha1", "sha256"):
            values[f"{who} {name}"] = side.get("hash", {}).get(name)
        values[f"{who} serial"] = x509.get("serial_number")
        values[f"{who} not_before"] = x509.get("not_before")
        values[f"{who} not_after"] = x509.get("not_after")
        for name in ("subject", "issuer"):
            parts = x509.get(name, {})
            values[f"{who} {name}"] = sorted(
                value
                for part, found in parts.items()
                if part != "distinguished_name"
                for value in found
            )
    yield _fact(event, "tls", values)


def redis(event: Event) -> Iterator[Fact]:
    """A command, and its reply."""
    told, reply = event["network_traffic"]["redis"], event.get("redis", {})
    yield _fact(
        event,
        "redis command",
        {"query": told["query"][:4000], "reply": (reply.get("error") or reply.get("return_value"))},
        told["query"][:200],
    )


def icmp(event: Event) -> Iterator[Fact]:
    """A flow of ICMP."""
    request = event.get("icmp", {}).get("request", {})
    if request.get("type") not in (8, 13, 15, 17, 128):
        return
    fact = _fact(
        event,
        "icmp",
        {
            "type": request.get("type"),
            "code": request.get("code"),
            "requests": event["source"]["packets"],
            "replies": event["destination"]["packets"],
        },
        f"{request.get('type')}",
    )
    fact.flow = ("icmp", fact.flow[1])
    yield fact


READERS = {
    "http_transaction": http,
    "dns_query": dns,
    "dns_answer": dns,
    "tls_handshake": tls,
    "redis_command": redis,
}
