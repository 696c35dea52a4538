"""Handshakes that OpenSSL makes, whole, cut, refused, resumed, lost, and what is no TLS."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from sensor.protocols.analyzer import CLIENT, SERVER, Moment
from sensor.protocols.beginnings import begins_no_tls
from sensor.protocols.tls.analyzer import TlsAnalyzer
from sensor.protocols.tls.hello import HELLO_RETRY
from sensor.protocols.tls.records import MESSAGE_MAX
from tests.unit.protocols.tls.handshakes import (
    NAME,
    Pieces,
    contexts,
    handshake,
    limit,
    speakers,
    told,
)
from tests.unit.protocols.tls.test_hello import client, extension, server
from tests.unit.protocols.tls.test_records import message, record

V = ssl.TLSVersion


def summary(event: dict[str, Any]) -> tuple[str, bool | None, list[str] | None]:
    return (event["event.outcome"], event.get("tls.established"),
            event.get("tls.detailed.alert_types"))


@pytest.mark.parametrize(("version", "name"), [
    (V.TLSv1, "1.0"), (V.TLSv1_1, "1.1"), (V.TLSv1_2, "1.2"), (V.TLSv1_3, "1.3")])
def test_both_sides_of_a_handshake(version: ssl.TLSVersion, name: str) -> None:
    ours, theirs = speakers(version)
    ours.set_alpn_protocols(["h2", "http/1.1"])
    theirs.set_alpn_protocols(["http/1.1"])
    pieces, end, _ = handshake(ours, theirs)
    whole = told(pieces)
    assert told(pieces, 1) == told(pieces, 7) == whole
    (event,) = whole
    assert summary(event) == ("success", True, None)
    assert (event["tls.version_protocol"], event["tls.version"]) == ("tls", name)
    assert event["event.type"] == ["connection", "protocol"]
    assert event["tls.client.server_name"] == event["destination.domain"] == NAME
    assert event["related.hosts"] == [NAME]
    assert event["tls.resumed"] is False
    assert event["tls.curve"] == "x25519"
    cipher = end.cipher()
    assert cipher is not None
    assert ("AES_256" in event["tls.cipher"]) is ("AES256" in cipher[0].replace("_", ""))
    offered = event[
        "tls.detailed.client_hello.extensions.application_layer_protocol_negotiation"]
    assert offered == ["h2", "http/1.1"]
    if version < V.TLSv1_3:
        assert event["tls.next_protocol"] == "http/1.1"
        assert event["tls.server.x509.subject.common_name"] == [NAME]
        assert event["tls.server.hash.sha256"] in event["related.hash"]
        assert event["tls.detailed.client_certificate_requested"] is False
    else:  # that is encrypted
        assert not [key for key in event if "x509" in key or key == "tls.next_protocol"]


def test_the_names_of_ciphers_are_those_that_were_spoken() -> None:
    ours, theirs = speakers(V.TLSv1_2)
    ours.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256:@SECLEVEL=0")
    (event,) = told(handshake(ours, theirs)[0])
    assert event["tls.cipher"] == "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
    assert event["tls.client.supported_ciphers"] == [
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"]


def test_a_client_that_shows_a_certificate() -> None:
    ours, theirs = speakers(V.TLSv1_2)
    theirs.verify_mode = ssl.CERT_OPTIONAL
    (event,) = told(handshake(ours, theirs)[0])
    assert event["tls.detailed.client_certificate_requested"] is True
    assert event["tls.client.x509.serial_number"] == "BEEF"
    assert event["tls.client.hash.md5"] == event["tls.server.hash.md5"]
    assert summary(event) == ("failure", False, ["unknown_ca"])  # nobody signed it


@pytest.mark.parametrize("version", [V.TLSv1_2, V.TLSv1_3])
def test_a_session_goes_on(version: ssl.TLSVersion) -> None:
    ours, theirs = speakers(version)
    first, end, _ = handshake(ours, theirs)
    again, *_ = handshake(ours, theirs, session=end.session)
    assert [event["tls.resumed"] for event in (*told(first), *told(again))] == [False, True]
    assert summary(told(again)[0]) == ("success", True, None)


def test_no_version_in_common() -> None:
    ours, theirs = contexts()
    limit(V.TLSv1_2, ours)
    limit(V.TLSv1_3, theirs)
    (event,) = told(handshake(ours, theirs)[0])
    assert summary(event) == ("failure", False, ["protocol_version"])
    assert "tls.version" not in event and "tls.resumed" not in event


@pytest.mark.parametrize("version", [V.TLSv1_2, V.TLSv1_3])
def test_a_client_does_not_trust_the_server(version: ssl.TLSVersion) -> None:
    """OpenSSL sends the alert in the clear, also with TLS 1.3."""
    ours, theirs = speakers(version)
    ours.verify_mode = ssl.CERT_REQUIRED
    pieces, *_ = handshake(ours, theirs)
    (event,) = told(pieces)
    assert told(pieces, 1) == [event]
    assert summary(event) == ("failure", False, ["unknown_ca"])
    assert event["piece"] == len(pieces)


def test_an_encrypted_alert_shows_by_its_length() -> None:
    """RFC 8446 5.2: two octets, the type of the content, and the tag of AES-GCM."""
    choice = record(22, message(2, server(extension(43, b"\3\4")))) + record(23, bytes(500))
    pieces = [(CLIENT, record(22, message(1, client()))), (SERVER, choice)]
    for length, outcome in ((2 + 1 + 16, "failure"), (4 + 32 + 1 + 16, "success")):
        (event,) = told([*pieces, (CLIENT, record(23, bytes(length)))])
        assert event["event.outcome"] == outcome


def test_another_hello_is_asked_for() -> None:
    """RFC 8446 4.1.4. The first ClientHello is what the client was without being asked."""
    retry = server(extension(43, b"\3\4"), extension(51, b"\0\x17"), random=HELLO_RETRY)
    choice = server(extension(43, b"\3\4"), extension(51, b"\0\x17\0\1k"))
    secret = record(23, bytes(80))
    first = (CLIENT, record(22, message(1, client(extension(0, b"")))))
    pieces = [
        first, (SERVER, record(22, message(2, retry)) + record(20, b"\1")),
        (CLIENT, record(20, b"\1") + record(22, message(1, client()))),
        (SERVER, record(22, message(2, choice)) + secret), (CLIENT, secret)]  # fmt: skip
    (event,) = told(pieces)
    assert told(pieces, 1) == [event]
    assert summary(event) == ("success", True, None)
    assert (event["piece"], event["tls.curve"]) == (5, "secp256r1")
    assert event["tls.client.ja4"].startswith("t12d0201")  # with a server's name
    (event,) = told(pieces[:3])
    assert event["tls.version"] == "1.3" and "tls.server.ja3s" not in event


def test_sslv3_is_named() -> None:
    old = b"\3\0" + client()[2:]
    (event,) = told([(CLIENT, record(22, message(1, old), b"\3\0")),
                     (SERVER, record(22, message(2, b"\3\0" + server()[2:]), b"\3\0"))])
    assert (event["tls.version_protocol"], event["tls.version"]) == ("ssl", "3.0")
    assert event["tls.detailed.version"] == "SSL 3.0"


def test_the_end_of_the_flow() -> None:
    pieces, *_ = handshake(*speakers(V.TLSv1_2))
    assert [summary(told(pieces[:count])[0]) for count in (1, 2, 3)] == [
        ("unknown", None, None), ("failure", False, None), ("failure", False, None)]


def test_one_side_alone() -> None:
    """Up to TLS 1.2, who sends data behind its Finished has seen the other's."""
    pieces, *_ = handshake(*speakers(V.TLSv1_2))
    for side, known in ((CLIENT, "tls.client.ja4"), (SERVER, "tls.cipher")):
        (event,) = told([one for one in pieces if one[0] == side])
        assert summary(event) == ("success", True, None)
        assert known in event
    pieces, *_ = handshake(*speakers(V.TLSv1_3))
    (event,) = told([one for one in pieces if one[0] == SERVER])
    assert summary(event) == ("unknown", None, None)
    assert event["tls.version"] == "1.3" and "tls.client.ja3" not in event


def test_roles_that_are_not_those_of_the_flow() -> None:
    pieces, *_ = handshake(*speakers(V.TLSv1_2))
    (event,) = told([(1 - side, octets) for side, octets in pieces])
    assert event["tls.client.server_name"] == NAME
    assert "destination.domain" not in event
    assert event["tls.server.x509.serial_number"] == "BEEF"


def test_the_flow_turns_round() -> None:
    pieces, *_ = handshake(*speakers(V.TLSv1_2))
    analyzer = TlsAnalyzer()
    for number, (side, octets) in enumerate(pieces):
        if number == 2:
            analyzer.turn()
        if not analyzer.done:
            analyzer.feed(side if number > 1 else 1 - side, octets, Moment(number))
    (event,) = analyzer.take()
    assert event.fields["destination.domain"] == NAME
    assert event.fields["event.outcome"] == "success"


def gaps(pieces: Pieces, at: int, count: int) -> list[dict[str, Any]]:
    """The events where octets are missing ahead of a piece."""
    analyzer = TlsAnalyzer()
    for number, (side, octets) in enumerate(pieces):
        if number == at and not analyzer.done:
            analyzer.gap(side, count, Moment(number))
        if not analyzer.done:
            analyzer.feed(side, octets, Moment(number))
    analyzer.close(Moment(99))
    return [dict(event.fields) for event in analyzer.take()]


def test_what_is_missing() -> None:
    pieces, *_ = handshake(*speakers(V.TLSv1_2))
    (event,) = gaps(pieces, 2, 10)
    assert summary(event) == ("unknown", None, None)
    assert event["tls.cipher"].startswith("TLS_ECDHE")
    assert gaps(pieces, 0, 10) == []
    assert summary(gaps(pieces, 0, 0)[0]) == ("success", True, None)


@pytest.mark.parametrize("pieces", [
    [(CLIENT, b"GET / HTTP/1.1\r\n")],
    [(CLIENT, record(23, b"?" * 40)), (SERVER, record(23, b"?" * 40))],
    [(SERVER, record(21, b"\2\x28"))],
    [(CLIENT, record(22, message(1, client()[:-1])))],
    [(CLIENT, record(22, message(16, b"?"))), (CLIENT, record(22, message(1, client())))],
    [(CLIENT, bytes(100_000))],
])
def test_nothing_is_told_of_what_is_no_handshake(pieces: Pieces) -> None:
    assert told(pieces) == told(pieces, 1) == []


def test_a_server_that_answers_something_else() -> None:
    hello = (CLIENT, record(22, message(1, client())))
    for answer in (b"HTTP/1.0 400 Bad Request\r\n", record(22, message(2, server()[:-1])),
                   hello[1]):
        (event,) = told([hello, (SERVER, answer)])
        assert summary(event) == ("failure", False, None)
        assert event["piece"] == 1


@pytest.mark.parametrize("answer", [
    record(22, message(2, b"\x7f\x10" + bytes(32) + b"\x13\3\0\0")),  # of draft 16 of TLS 1.3
    record(22, message(2, b"\x7f\x12" + bytes(32) + b"\x13\1\0\0")),  # of draft 18, 4.1.3
    record(22, message(2, server())) + record(22, b"\x0b" + (MESSAGE_MAX + 1).to_bytes(3)),
])
def test_what_is_beyond_reading_is_no_failure(answer: bytes) -> None:
    (event,) = told([(CLIENT, record(22, message(1, client()))), (SERVER, answer)])
    assert summary(event) == ("unknown", None, None)


def test_it_is_done_when_the_handshake_is_over() -> None:
    pieces, *_ = handshake(*speakers(V.TLSv1_3))
    analyzer = TlsAnalyzer()
    for side, octets in pieces[:3]:
        assert not analyzer.done
        analyzer.feed(side, octets, Moment(1))
    assert analyzer.done
    assert len(analyzer.take()) == 1


@pytest.mark.parametrize("octets", [
    b"\x16", b"\x16\3", record(22, b"\1"), b"\x15\3\1", b"GET / HTTP/1.1", record(23, b"x"),
    b"\x16\2", b"\x80\x2e\1\0\2",
])
def test_what_is_refused_ends_an_analyzer(octets: bytes) -> None:
    if begins_no_tls(CLIENT, octets):
        assert told([(CLIENT, octets + bytes(5))]) == []
    else:
        assert octets[:2] in (b"\x16", b"\x16\3", b"\x15\3")
