"""Journal entries: their fields, values that look like fields, entries of any size."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from sensor.errors import ConfigError
from sensor.model.status import Notice
from sensor.sinks.journald import journal_field, open_journald
from tests.conformance.sink_peers import JournalPeer, alert_with, journal_fields, telnet_alert
from tests.ecs import problems


def entries_of(tmp_path: Path, *things: object) -> tuple[JournalPeer, list[dict[str, bytes]]]:
    peer = JournalPeer(str(tmp_path / "journal"))
    sink = open_journald(f"journald:{tmp_path}/journal")
    for thing in things:
        if isinstance(thing, Notice):
            sink.notify(thing)
        else:
            sink.emit(thing)  # type: ignore[arg-type]
    sink.close()
    assert (sink.dropped, sink.error) == (0, None)
    entries = [journal_fields(entry) for entry in peer.messages()]
    peer.close()
    return peer, entries


def test_an_alert_has_its_key_facts_as_fields_and_the_document_as_json(tmp_path: Path) -> None:
    alert = telnet_alert(7, severity="high")
    _, [fields] = entries_of(tmp_path, alert)
    assert fields["MESSAGE"] == b"Telnet from 192.0.2.10 to 198.51.100.7 was accepted"
    assert fields["PRIORITY"] == b"3", "an error, as in syslog (RFC 5424 table 2)"
    assert fields["SYSLOG_IDENTIFIER"] == b"sensor"
    assert fields["SENSOR_RULE_NAME"] == b"Accepted Default Telnet Port Connection"
    assert fields["SENSOR_RULE_ID"] == b"accepted-default-telnet"
    assert fields["SENSOR_SOURCE_IP"] == b"192.0.2.10"
    assert fields["SENSOR_DESTINATION_PORT"] == b"23"
    assert orjson.loads(fields["SENSOR_DOCUMENT"]) == alert.document


def test_a_notice(tmp_path: Path) -> None:
    _, [fields] = entries_of(tmp_path, Notice(10**18, "loss", "12 frames lost", warning=True))
    assert fields["MESSAGE"] == b"12 frames lost"
    assert (fields["PRIORITY"], fields["SENSOR_NOTICE"]) == (b"4", b"loss")
    assert "SENSOR_RULE_ID" not in fields
    assert problems(orjson.loads(fields["SENSOR_DOCUMENT"])) == []


def test_values_cannot_forge_fields(tmp_path: Path) -> None:
    _, [fields] = entries_of(tmp_path, alert_with("x\nPRIORITY=0\n_UID=0\nMESSAGE=forged"))
    assert fields["PRIORITY"] == b"4"
    assert not any(name.startswith("_") for name in fields)
    assert fields["MESSAGE"].startswith(rb"x\x0aPRIORITY=0")


def test_values_of_several_lines_are_counted() -> None:
    assert journal_field("A", b"one line") == b"A=one line\n"
    # The length is 64 bits, little-endian, and a line end follows the value.
    assert journal_field("A", b"a\nb=c") == b"A\n\x05\0\0\0\0\0\0\0a\nb=c\n"


def test_an_entry_that_is_too_large_goes_as_a_sealed_file(tmp_path: Path) -> None:
    large = telnet_alert(1, message="x" * 3_000_000)
    peer, [first, second] = entries_of(tmp_path, large, telnet_alert(2))
    assert peer.files == 1
    assert first["MESSAGE"] == b"x" * 3_000_000
    assert second["SENSOR_ALERT_ID"] == b"alert-2"


def test_targets() -> None:
    assert open_journald(live=True).name == "journald"
    assert open_journald("journald:/x/y", live=True).name == "journald /x/y"
    with pytest.raises(ConfigError, match="absolute path"):
        open_journald("journald:x")
    missing = open_journald("journald:/does/not/exist")
    assert missing.error == "no journal at /does/not/exist: No such file or directory"
    missing.close()
