"""The closing summary and its talkers: right numbers, aligned, within the width."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from sensor.terminal.console import ConsoleOptions
from sensor.terminal.summary import render_summary, summary_text
from sensor.terminal.talkers import Talkers
from tests.unit.terminal.run import alert_of, ledger_of


def rows_of(text: str, title: str) -> list[list[str]]:
    """The cells of the table below a title; at least two blanks separate them."""
    lines = text[text.index(title + "\n") :].partition("\n\n")[0].splitlines()
    return [re.split(r"\s{2,}", line.strip()) for line in lines[1:] if "─" not in line]


@pytest.fixture(params=["plain", "rich"])
def summary(request: pytest.FixtureRequest) -> Any:
    def render(ledger: dict[str, Any], talkers: Talkers, width: int = 80) -> str:
        stream = io.StringIO()
        color = "always" if request.param == "rich" else "never"
        render_summary(ledger, talkers, ConsoleOptions(color, width=width), stream)
        lines = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()).splitlines()
        return "\n".join(line.rstrip() for line in lines) + "\n"

    return render


def test_the_whole_of_it(summary: Any) -> None:
    talkers = Talkers()
    for number in range(5):
        talkers.emit(alert_of("192.0.2.1", f"198.51.100.{number}"))
    talkers.emit(alert_of("192.0.2.2", port=2323))
    text = summary(ledger_of(), talkers)
    assert "5,000,000 packets (1.8 GB), 200,000 flows in 2.00 s\n" in text
    assert "2,500,000 packets/s, 875 MB/s\n" in text
    assert "2026-01-02 03:04:05.678901 to 2026-01-02 04:04:05.000000\n" in text
    assert "3 frames without IP\n" in text
    assert rows_of(text, "Verdicts") == [
        ["verdict", "flows", "share"],
        ["accepted", "150,000", "75.0 %"],
        ["denied", "30,000", "15.0 %"],
        ["dropped", "20,000", "10.0 %"],
    ]
    assert rows_of(text, "Alerts by rule") == [
        ["rule", "matches", "alerts", "excepted", "suppressed"],
        ["Loud Rule", "700", "666", "4", "30"],
        ["and 1 rule without a match"],
    ]
    assert rows_of(text, "Top talkers of the alerts") == [
        ["source", "ports", "targets", "alerts"],
        ["192.0.2.1", "23", "5", "5"],
        ["192.0.2.2", "2323", "1", "1"],
    ]
    assert rows_of(text, "Top targets of the alerts")[0] == [
        "target", "ports", "sources", "alerts"]
    assert rows_of(text, "Malformed frames")[1:] == [["udp_length", "6"], ["ipv4_truncated", "4"]]
    assert rows_of(text, "Sinks")[1:] == [["console", "666"]]
    assert "inputs" not in text


def test_damaged_inputs_are_named_in_full(summary: Any) -> None:
    reason = "at octet 1234: the record says 999,999 octets, more than the file has left " * 2
    text = summary(ledger_of(inputs=[{"path": "bad\x1b[2J.pcap", "error": reason}]), Talkers())
    told = " ".join(text[text.index("Damaged or unreadable inputs") :].split())
    assert " ".join(reason.split()) in told
    assert r"bad\x1b[2J.pcap: at octet 1234" in told


@pytest.mark.parametrize("width", [60, 80, 120])
def test_tables_fit_the_width(summary: Any, width: int) -> None:
    talkers = Talkers()
    for number in range(400):
        talkers.emit(alert_of(f"2001:db8:ffff:ffff:ffff:ffff:ffff:{number:x}", port=60000 + number))
        talkers.emit(alert_of("2001:db8::1", port=60000 + number))
    rules = {f"r{number}": {"name": f"A rule with a long name {number} " * 5, "alerts": 1}
             for number in range(3)}
    sinks = {"syslog unix:///a/very/long/path" + "/to/a/socket" * 8: {"delivered": 1}}
    anomalies = {f"anomaly_with_a_long_name_number_{number}": 1 + number for number in range(40)}
    ledger = ledger_of(rules=rules, sinks=sinks, anomalies=anomalies)
    text = summary(ledger, talkers, width)
    assert max(map(len, text.splitlines())) <= width
    assert "of 25 other kinds" in text
    assert "more sources" in text


def test_an_empty_ledger_and_nothing_read(summary: Any) -> None:
    text = summary({}, Talkers())
    assert text.strip() == "no packets, in 0 ms"


def test_a_shape_that_is_none_is_left_out(summary: Any) -> None:
    nothing = ledger_of(flows=None, rules=None, anomalies=None, sinks=None, inputs=None,
                        first_packet=None)
    assert "Verdicts" not in summary(nothing, Talkers())


def test_losses_are_said(summary: Any) -> None:
    ledger = ledger_of(duplicates=1234, time_backwards=2, capture={"kernel_drops": 5})
    assert ("3 frames without IP, 1,234 duplicates, 2 packets dated before an earlier one, "
            "5 frames lost by the kernel" in " ".join(summary(ledger, Talkers()).split()))


def test_plain_text_has_no_escape_sequences() -> None:
    assert "\x1b" not in summary_text(ledger_of(rules={"\x1b": {"name": "\x1b[31m"}}), Talkers())


def test_what_the_capture_does_not_show_is_said() -> None:
    seen = {"flows_one_way": 1_200, "flows_both_ways": 40, "flows_with_gaps": 12}
    text = ledger_of(capture={"one_sided": True, "lossy": False, **seen})
    one_sided = summary_text(text, Talkers())
    assert "one-sided capture: 1,200 flows show one side only, 40 both" in one_sided
    assert "lossy" not in one_sided
    lossy = summary_text(ledger_of(capture={"one_sided": False, "lossy": True, **seen}), Talkers())
    assert "lossy capture: packets are missing from 12 flows" in lossy
    assert "dated far ahead" in summary_text(ledger_of(time_jumps=1), Talkers())


def test_what_rules_count_beside_their_matches_is_told() -> None:
    rules = {"r1": {"name": "New", "learned": 1017}, "r2": {"name": "Scan", "absorbed": 3,
             "evicted": 2}, "r3": {"name": "Plain"}}  # fmt: skip
    lines = summary_text(ledger_of(rules=rules), Talkers()).splitlines()
    told = {line.split()[0]: line for line in lines if line.startswith("  ")}
    assert told["New"].endswith("  1,017 learned")
    assert told["Scan"].endswith("  3 absorbed, 2 evicted")
    assert "Plain" not in told
    assert told["and"] == "  and 1 rule without a match"


def test_zeros_are_left_out_and_victims_are_named() -> None:
    talkers = Talkers()
    for number in range(3):
        talkers.emit(alert_of(f"192.0.2.{number}", "198.51.100.7"))
    rules = {"r1": {"name": "One", "matches": 2, "alerts": 2},
             "r2": {"name": "Two", "matches": 1, "suppressed": 1}}  # fmt: skip
    text = summary_text(ledger_of(rules=rules), talkers)
    assert rows_of(text, "Alerts by rule") == [
        ["rule", "matches", "alerts", "suppressed"], ["One", "2", "2", "-"], ["Two", "1", "-", "1"]]
    assert rows_of(text, "Top targets of the alerts")[1:] == [["198.51.100.7", "23", "3", "3"]]


def test_times_are_as_in_alerts() -> None:
    times = {"first_packet": "2026-01-02T03:04:05.678901234Z",
             "last_packet": "2026-01-02T03:04:06.000000000Z"}  # fmt: skip
    text = summary_text(ledger_of(**times), Talkers())
    assert "2026-01-02 03:04:05.678901 to 2026-01-02 03:04:06.000000" in text
    assert "soon to" in summary_text(ledger_of(first_packet="soon"), Talkers())
