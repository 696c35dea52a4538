"""Handshakes from tshark's trees of TLS: one fact for each flow.

tshark has JA3 and JA3S; its JA4, which old versions lack, is computed here from the codes that it
reads, by the words of the specification (FoxIO, technical details of JA4).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from benchmarks.agreement_facts import Fact
from benchmarks.agreement_tables import ALERTS, CIPHERS, GROUPS, names

Tree = list[tuple[str, Any]]
VERSIONS = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2",
            0x0304: "TLS 1.3"}  # fmt: skip
RETRY = "cf:21:ad:74:e5:9a:61:11:be:1d:8c:02:1e:65:b8:91:c2:a2:11:16:7a:bb:8c:5e:07:9e:09:e2:c8:a8"
ALPN, SERVER_NAME = 16, 0


def handshakes(layers: list[tuple[int, Tree]]) -> Iterator[Fact]:  # noqa: C901  a branch a kind
    """The handshake of a flow, from all its layers in their order."""
    values: dict[str, object] = {"alerts": [], "offered": []}
    frame, has_hello = layers[0][0], False
    hello: Tree = []
    choice: Tree = []
    for number, tree in layers:
        for kind, message in messages(tree):
            if kind == 1 and not hello:
                hello, frame = message, number
            elif kind == 2 and (not choice or _is_retry(choice)):
                choice = message
            elif kind == 11:
                values |= _certificates(
                    message, "server" if "server sha1" not in values else "client"
                )
            elif kind == 12 and "curve" not in values:
                curve = _first(message, "tls.handshake.server_named_curve")
                values["curve"] = _name(GROUPS, curve) if curve else None
            elif kind == -1:
                values["alerts"] = [
                    *list(values["alerts"]),
                    _name(  # type: ignore[call-overload]
                        ALERTS, _first(message, "tls.alert_message.desc")
                    ),
                ]
    if hello:
        values |= _offer(hello)
        has_hello = True
    if choice:
        values |= _choice(choice, values)
        has_hello = True
    if has_hello:
        yield Fact("tls", frame, values)


def messages(tree: Tree) -> Iterator[tuple[int, Tree]]:
    """The handshake messages by their types, and alerts as -1, that can be read."""
    for name, value in tree:
        if not isinstance(value, list):
            continue
        if (
            kind := dict(one for one in value if isinstance(one[1], str)).get("tls.handshake.type")
        ) is not None:
            yield int(kind), value
        elif name == "tls.alert_message" and _first(value, "tls.alert_message.desc"):
            yield -1, value
        else:
            yield from messages(value)


def leaves(tree: Tree) -> Iterator[tuple[str, str]]:
    """All names with texts, in their order."""
    for name, value in tree:
        if isinstance(value, list):
            yield from leaves(value)
        else:
            yield name, value


def _first(tree: Tree, wanted: str) -> str | None:
    return next((value for name, value in leaves(tree) if name == wanted), None)


def _all(tree: Tree, wanted: str) -> list[str]:
    return [value for name, value in leaves(tree) if name == wanted]


def _codes(tree: Tree, wanted: str) -> list[int]:
    return [int(value, 0) for value in _all(tree, wanted)]


def _name(field: str, code: str | None) -> str:
    number = int(code or "0", 0)
    return names(field).get(number, str(number))


def _is_retry(choice: Tree) -> bool:
    random = _first(choice, "tls.handshake.random") or ""
    return random.startswith(RETRY)


def _is_grease(code: int) -> bool:
    return code & 0x0F0F == 0x0A0A and code >> 8 == code & 255


def _offer(hello: Tree) -> dict[str, object]:
    ciphers = _codes(hello, "tls.handshake.ciphersuite")
    return {
        "server_name": _first(hello, "tls.handshake.extensions_server_name"),
        "ja3": _first(hello, "tls.handshake.ja3"),
        **({"ja4": value} if (value := ja4(hello)) is not None else {}),
        "ciphers": [names(CIPHERS).get(one, f"{one:#06x}") for one in ciphers
                    if not _is_grease(one)],
        "offered": _all(hello, "tls.handshake.extensions_alpn_str"),
    }  # fmt: skip


def _choice(choice: Tree, values: dict[str, object]) -> dict[str, object]:
    version = _codes(choice, "tls.handshake.extensions.supported_version")
    version = version or _codes(choice, "tls.handshake.version")
    group = _first(choice, "tls.handshake.extensions_key_share_group") or _first(
        choice, "tls.handshake.extensions_key_share_selected_group"
    )
    return {
        "ja3s": None if _is_retry(choice) else _first(choice, "tls.handshake.ja3s"),
        "cipher": _name(CIPHERS, _first(choice, "tls.handshake.ciphersuite")),
        "version": VERSIONS.get(version[0]),
        "curve": _name(GROUPS, group) if group else values.get("curve"),
        "chosen": _first(choice, "tls.handshake.extensions_alpn_str"),
    }


def _certificates(message: Tree, who: str) -> dict[str, object]:
    """The first certificate of a message."""
    whole = _first(message, "tls.handshake.certificate")
    if whole is None:
        return {}
    octets = bytes.fromhex(whole.replace(":", ""))
    found: dict[str, object] = {
        f"{who} {name}": hashlib.new(name, octets, usedforsecurity=False).hexdigest().upper()
        for name in ("md5", "sha1", "sha256")
    }
    tree = next(
        (value for name, value in _pairs(message) if name == "tls.handshake.certificate_tree"), []
    )
    parts = dict(_pairs(tree))
    serial = _first(tree, "x509af.serialNumber")
    times = [
        value
        for name, value in leaves(tree)
        if name in ("x509af.utcTime", "x509af.generalizedTime")
    ]
    if serial is None or len(times) < 2:
        return found
    found |= {
        f"{who} serial": f"{int(serial.replace(':', ''), 16):X}",
        f"{who} not_before": _time(times[0]), f"{who} not_after": _time(times[1]),
        f"{who} issuer": _values(parts.get("x509af.issuer_tree", [])),
        f"{who} subject": _values(parts.get("x509af.subject_tree", [])),
    }  # fmt: skip
    return found


def _pairs(tree: Tree) -> Iterator[tuple[str, Tree]]:
    """All trees within a tree, by their names."""
    for name, value in tree:
        if isinstance(value, list):
            yield name, value
            yield from _pairs(value)


def _values(tree: Tree) -> list[str]:
    texts = [value for name, value in leaves(tree) if name.startswith("x509sat.")
             and name != "x509sat.DirectoryString"]  # fmt: skip
    return sorted(texts)


def _time(text: str) -> str:
    form = "%Y-%m-%d %H:%M:%S (UTC)" if text.endswith(")") else "%b %d, %Y %H:%M:%S.000000000 UTC"
    return f"{datetime.strptime(' '.join(text.split()), form):%Y-%m-%dT%H:%M:%S}.000Z"


def ja4(hello: Tree) -> str | None:
    """JA4 of a client over TCP; None where its octets are not known."""
    ciphers = [
        f"{one:04x}" for one in _codes(hello, "tls.handshake.ciphersuite") if not _is_grease(one)
    ]
    extensions = [
        one for one in _codes(hello, "tls.handshake.extension.type") if not _is_grease(one)
    ]
    versions = [
        one
        for one in _codes(hello, "tls.handshake.extensions.supported_version")
        if not _is_grease(one)
    ]
    version = max(versions or _codes(hello, "tls.handshake.version"))
    name = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3"}.get(version, "00")
    offered = _all(hello, "tls.handshake.extensions_alpn_str")
    if offered and not offered[0].isascii():
        return None  # tshark writes a mark instead of the octets
    ends = offered[0].encode() if offered and offered[0] else b"00"
    first_last = ends[:1] + ends[-1:]
    ends_text = first_last.decode() if first_last.isalnum() else ends.hex()[0] + ends.hex()[-1]
    head = (
        f"t{name}{'d' if SERVER_NAME in extensions else 'i'}{min(len(ciphers), 99):02}"
        f"{min(len(extensions), 99):02}{ends_text}"
    )
    rest = ",".join(sorted(f"{one:04x}" for one in extensions if one not in (SERVER_NAME, ALPN)))
    signatures = [
        f"{one:04x}" for one in _codes(hello, "tls.handshake.sig_hash_alg") if not _is_grease(one)
    ]
    if signatures:
        rest += "_" + ",".join(signatures)
    return f"{head}_{_short(','.join(sorted(ciphers)))}_{_short(rest)}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else "0" * 12
