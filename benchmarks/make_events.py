"""Writes ECS documents as NDJSON, for measuring: what a mixed fleet of sensors sends, 1 KB each.

    python benchmarks/make_events.py events.ndjson 1000000

Flows, firewall logs, processes and DNS in turn; one in a thousand is an accepted telnet
connection. The same count gives the same file.
"""

from __future__ import annotations

import json
import random
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TELNET_EVERY = 1000
PORTS = (443, 443, 443, 80, 53, 22, 123, 8080, 3389, 5432, 9200, 6443)
WORDS = ("report", "index", "status", "login", "health", "metrics", "static", "upload", "query")


def common(chance: random.Random, number: int) -> dict[str, Any]:
    """The fields that every document has."""
    host = f"node-{chance.randrange(200):03d}.example.net"
    at = START + timedelta(microseconds=737 * number)
    return {
        "@timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "agent": {"id": f"{chance.getrandbits(128):032x}", "name": host, "type": "filebeat",
                  "version": "8.17.0", "ephemeral_id": f"{chance.getrandbits(128):032x}"},
        "ecs": {"version": "8.17.0"},
        "host": {"name": host, "hostname": host, "os": {"type": "linux", "name": "Debian GNU/Linux",
                 "kernel": "6.1.0-23-amd64"}, "id": f"{chance.getrandbits(128):032x}",
                 "architecture": "x86_64"},
    }  # fmt: skip


def address(chance: random.Random) -> str:
    return f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(1, 255)}"


def flow(chance: random.Random, port: int, action: str) -> dict[str, Any]:
    """A connection as a flow probe tells it."""
    source, destination = address(chance), f"198.51.{chance.randrange(256)}.{chance.randrange(256)}"
    return {
        "event": {"kind": "event", "category": ["network"], "type": ["connection", "start"],
                  "action": action, "dataset": "network_traffic.flow",
                  "duration": chance.randrange(10**9), "id": f"{chance.getrandbits(64):016x}"},
        "source": {"ip": source, "port": chance.randrange(1024, 65536),
                   "bytes": chance.randrange(100, 10**6), "packets": chance.randrange(1, 900)},
        "destination": {"ip": destination, "port": port, "bytes": chance.randrange(100, 10**6),
                        "packets": chance.randrange(1, 900)},
        "network": {"type": "ipv4", "transport": "tcp", "bytes": chance.randrange(100, 10**6),
                    "community_id": f"1:{chance.getrandbits(160):040x}", "packets": 12},
        "related": {"ip": [source, destination]},
        "data_stream": {"type": "logs", "dataset": "network_traffic.flow", "namespace": "default"},
    }  # fmt: skip


def any_flow(chance: random.Random) -> dict[str, Any]:
    """A connection to one of the usual ports."""
    action = chance.choice(("flow_started", "network_flow", "flow_denied"))
    return flow(chance, chance.choice(PORTS), action)


def process(chance: random.Random) -> dict[str, Any]:
    """A program that was started."""
    word, number = chance.choice(WORDS), chance.randrange(100, 99999)
    return {
        "event": {"kind": "event", "category": ["process"], "type": ["start"], "action": "exec",
                  "dataset": "endpoint.events.process", "id": f"{chance.getrandbits(64):016x}"},
        "process": {"pid": number, "entity_id": f"{chance.getrandbits(160):040x}", "name": word,
                    "executable": f"/usr/local/bin/{word}", "args_count": 3,
                    "args": [word, "--number", str(number)],
                    "command_line": f"{word} --number {number}",
                    "parent": {"pid": number - 1, "name": "bash", "executable": "/bin/bash",
                               "entity_id": f"{chance.getrandbits(160):040x}"}},
        "user": {"id": "1000", "name": "operator"}, "group": {"id": "1000", "name": "operator"},
        "message": f"Endpoint process event: {word} was started by the operator of the machine",
    }  # fmt: skip


def lookup(chance: random.Random) -> dict[str, Any]:
    """A question to a name server."""
    name = f"{chance.choice(WORDS)}-{chance.randrange(10**6)}.example.org"
    return {
        **flow(chance, 53, "network_flow"),
        "dns": {"question": {"name": name, "type": "A", "registered_domain": "example.org"},
                "response_code": "NOERROR", "id": chance.randrange(65536)},
    }  # fmt: skip


def documents(count: int) -> Any:
    """So many documents, in order of time."""
    chance = random.Random(20260102)
    for number in range(count):
        if number % TELNET_EVERY == TELNET_EVERY // 2:
            own = flow(chance, 23, "flow_started")
        else:
            own = (any_flow, process, any_flow, lookup)[number % 4](chance)
        yield {**common(chance, number), **own}


def main() -> None:
    """Write the file that the command line names."""
    path, count = sys.argv[1], int(sys.argv[2])
    with open(path, "w", encoding="utf-8") as file:
        for document in documents(count):
            file.write(json.dumps(document, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
