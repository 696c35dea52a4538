"""The four forms of a syslog message, read back by small parsers written from their texts."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sensor
from sensor.model.alert import SEVERITIES, Alert
from sensor.sinks.syslog.formats import FORMATS, Origin, cee, cef, cut, rfc3164, rfc5424
from tests.running import CAPTURES

ORIGIN = Origin(hostname="sensor-1", pid=42, utc=True)

HEADER = re.compile(
    rb"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) ([!-~]{1,255}) ([!-~]{1,48})"
    rb" ([!-~]{1,128}) ([!-~]{1,32}) "
)
PARAMETER = re.compile(r' ([!#-<>-\\^-~]{1,32})="((?:[^"\\\]]|\\["\\\]])*)"')


def parse_5424(message: bytes) -> tuple[tuple[str, ...], dict[str, str], str]:
    """Header, parameters of the one SD-ELEMENT and message, by the ABNF of RFC 5424 6."""
    header = HEADER.match(message)
    assert header is not None
    rest = message[header.end() :].decode("utf-8")
    assert rest.startswith("[alert@32473")
    at = len("[alert@32473")
    parameters = {}
    while match := PARAMETER.match(rest, at):
        parameters[match[1]] = re.sub(r'\\(["\\\]])', r"\1", match[2])
        at = match.end()
    assert rest[at] == "]"
    assert rest[at + 1 : at + 2] in ("", " ")
    return tuple(part.decode() for part in header.groups()), parameters, rest[at + 2 :]


def alert_of(**changes: Any) -> Alert:
    document = {
        "source": {"ip": "192.0.2.10", "port": 50432},
        "destination": {"ip": "198.51.100.7", "port": 23},
        "network": {"transport": "tcp", "direction": "outbound", "community_id": "1:abc="},
        "sensor": {"flow": {"verdict": "accepted", "evidence": "handshake"}},
        "observer": {"version": "1.2"},
    }
    fields: dict[str, Any] = {
        "id": "a1", "rule_id": "r1", "rule_name": "A rule", "severity": "medium",
        "risk_score": 47.0, "time_ns": 1_767_323_045_678_901_234, "message": "Something happened",
        "document": document,
    }  # fmt: skip
    return Alert(**(fields | changes))


V6 = {
    "source": {"ip": "2001:db8::1", "port": 1},
    "destination": {"ip": "2001:db8::2", "port": 23},
}


def test_rfc5424_in_full() -> None:
    assert rfc5424(alert_of(), ORIGIN) == (
        b"<132>1 2026-01-02T03:04:05.678901Z sensor-1 sensor 42 alert "
        b'[alert@32473 id="a1" rule="r1" name="A rule" severity="medium" score="47" '
        b'src="192.0.2.10" sport="50432" dst="198.51.100.7" dport="23" proto="tcp" '
        b'verdict="accepted" evidence="handshake" direction="outbound" community="1:abc="] '
        b"Something happened"
    )


@pytest.mark.parametrize(
    ("severity", "number"), [("low", 5), ("medium", 4), ("high", 3), ("critical", 2)]
)
def test_priority_is_facility_times_eight_plus_severity(severity: str, number: int) -> None:
    local0 = 16
    header, _, _ = parse_5424(rfc5424(alert_of(severity=severity), ORIGIN))
    assert int(header[0]) == local0 * 8 + number


def test_every_severity_has_a_number() -> None:
    assert set(SEVERITIES) == {"low", "medium", "high", "critical"}


def test_a_byte_order_mark_only_where_the_message_needs_it() -> None:
    assert "\ufeff".encode() not in rfc5424(alert_of(), ORIGIN)
    message = rfc5424(alert_of(message="Zürich"), ORIGIN)
    assert message.endswith("] \ufeffZürich".encode())


def test_without_a_message_the_facts_are_told() -> None:
    _, _, text = parse_5424(rfc5424(alert_of(message=""), ORIGIN))
    assert text == (
        "A rule 192.0.2.10:50432 -> 198.51.100.7:23 tcp accepted (handshake) outbound"
    )


def test_unusable_host_names_still_make_a_header() -> None:
    for hostname, written in (("", "-"), ("a b\n", "a_b_"), ("ö", "_"), ("x" * 300, "x" * 255)):
        header, _, _ = parse_5424(rfc5424(alert_of(), Origin(hostname=hostname)))
        assert header[2] == written
        assert header[4] == "-"


ANY_TEXT = st.text(st.characters(codec=None)) | st.text('"\\]= |[\n\x1b\u202e\ud800é世')


@given(ANY_TEXT, ANY_TEXT, st.integers(480, 1200))
def test_rfc5424_parses_whatever_stands_in_it(name: str, text: str, limit: int) -> None:
    alert = alert_of(rule_name=name, message=text, id=text * 50)
    whole = rfc5424(alert, ORIGIN)
    header, parameters, message = parse_5424(whole)
    assert header[3:] == ("sensor", "42", "alert")
    assert parameters["severity"] == "medium"
    short = rfc5424(alert, ORIGIN, limit)
    assert len(short) <= limit
    _, short_parameters, short_message = parse_5424(short)
    assert short_parameters.items() <= parameters.items()
    assert len(short_message) <= len(message)


def test_rfc3164_in_full() -> None:
    assert rfc3164(alert_of(), ORIGIN) == (
        b"<132>Jan  2 03:04:05 sensor-1 sensor[42]: Something happened "
        b"id=a1 rule=r1 severity=medium score=47 src=192.0.2.10 sport=50432 dst=198.51.100.7 "
        b"dport=23 proto=tcp verdict=accepted evidence=handshake direction=outbound "
        b'community="1:abc="'
    )


def test_cee_is_the_document_and_nothing_follows() -> None:
    alert = alert_of()
    head, _, text = cee(alert, ORIGIN).partition(b"@cee: ")
    assert head == b"<132>Jan  2 03:04:05 sensor-1 sensor[42]: "
    assert orjson.loads(text) == alert.document


def test_cee_that_does_not_fit_is_the_key_facts() -> None:
    alert = alert_of(document={"message": "x" * 5000, "source": {"ip": "192.0.2.1"}})
    message = cee(alert, ORIGIN, 600)
    assert len(message) <= 600
    facts = orjson.loads(message.partition(b"@cee: ")[2])
    assert facts["truncated"] is True
    assert facts["src"] == "192.0.2.1"
    assert facts["message"] == "Something happened"


def test_cee_loses_what_is_said_elsewhere_first() -> None:
    (alert,) = sensor.replay(str(CAPTURES / "telnet_accepted_v4.pcap"))
    whole = alert.document
    assert len(cee(alert, ORIGIN)) > 2048
    message = cee(alert, ORIGIN, 2048)
    found = orjson.loads(message.partition(b"@cee: ")[2])
    assert len(message) <= 2048 and found.pop("truncated") is True
    for name in ("@timestamp", "event", "source", "destination", "network", "sensor", "message"):
        assert found[name] == whole[name]
    assert found["rule"]["name"] == whole["rule"]["name"]
    assert "description" not in found["rule"] and "description" in whole["rule"]
    for limit in range(480, 2048, 97):  # never an empty one
        found = orjson.loads(cee(alert, ORIGIN, limit).partition(b"@cee: ")[2])
        assert found["truncated"] is True and len(found) > 5


def parse_cef(message: bytes) -> tuple[list[str], dict[str, str]]:
    text = message.decode().partition(" sensor-1 ")[2]
    *header, extension = re.split(r"(?<!\\)\|", text, maxsplit=7)
    keys = re.split(r"(?:^| )(\w+)(?<!\\)=", extension)
    values = dict(zip(keys[1::2], keys[2::2], strict=True))
    return header, {key: re.sub(r"\\([=\\])", r"\1", value) for key, value in values.items()}


def test_cef_in_full() -> None:
    message = cef(alert_of(rule_name="a|b\\c", message="x=1 \\ y"), ORIGIN)
    head = b"<132>Jan  2 03:04:05 sensor-1 CEF:0|sensor|sensor|1.2|r1|a\\|b\\\\c|5|"
    assert message.startswith(head)
    header, values = parse_cef(message)
    assert len(header) == 7
    assert values == {
        "rt": "1767323045678", "externalId": "a1", "src": "192.0.2.10", "spt": "50432",
        "dst": "198.51.100.7", "dpt": "23", "proto": "TCP", "act": "accepted",
        "reason": "handshake", "deviceDirection": "1", "cs1Label": "Community ID",
        "cs1": "1:abc=", "msg": "x=1 \\ y",
    }  # fmt: skip


def test_cef_has_keys_of_its_own_for_ipv6() -> None:
    _, values = parse_cef(cef(alert_of(document=V6), ORIGIN))
    assert values["c6a2"] == "2001:db8::1"
    assert values["c6a3"] == "2001:db8::2"
    assert not {"src", "dst"} & set(values)


@pytest.mark.parametrize("form", FORMATS)
def test_cuts_fall_on_character_borders(form: str) -> None:
    alert = alert_of(message="世" * 2000)
    for limit in range(480, 500):
        message = FORMATS[form](alert, ORIGIN, limit)
        message.decode("utf-8")
        assert len(message) <= limit


def test_a_cut_never_leaves_half_an_escape() -> None:
    assert cut(rb"ab\\cd", 3) == b"ab"
    assert cut(rb"ab\\cd", 4) == rb"ab\\"
    assert cut("aé".encode(), 2) == b"a"
    assert cut(b"abc", 3) == b"abc"
    assert cut(b"abc", None) == b"abc"


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("time_ns", [-(10**18), 0, 2**63, 10**30])
def test_impossible_times_still_make_a_message(form: str, time_ns: int) -> None:
    assert FORMATS[form](alert_of(time_ns=time_ns), ORIGIN, None).startswith(b"<132>")


NOW = Origin(hostname="sensor-1", pid=42, utc=True, clock=lambda: 1_800_000_000 * 10**9)
"""2027-01-15T08:00:00Z, by `date -u -d @1800000000`."""


def test_headers_may_carry_the_time_of_sending() -> None:
    alert = alert_of(document={"event": {"action": "x"}})
    header, parameters, _ = parse_5424(rfc5424(alert, NOW))
    assert header[1] == "2027-01-15T08:00:00.000000Z"
    plain_header, plain, _ = parse_5424(rfc5424(alert, ORIGIN))
    assert parameters == {"time": plain_header[1], **plain}
    assert rfc3164(alert, NOW).startswith(b"<132>Jan 15 08:00:00 ")
    assert f" time={plain_header[1]} ".encode() in rfc3164(alert, NOW)
    document = orjson.loads(cee(alert, NOW).partition(b"@cee: ")[2])
    assert document["event"] == {"created": "2027-01-15T08:00:00.000000Z", "action": "x"}
    assert "created" not in orjson.loads(cee(alert, ORIGIN).partition(b"@cee: ")[2])["event"]
    assert f"rt={alert.time_ns // 10**6} ".encode() in cef(alert, NOW)
