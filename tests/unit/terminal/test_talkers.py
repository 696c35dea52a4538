"""Who the alerts are about, in bounded memory."""

from __future__ import annotations

from sensor.model.alert import Alert
from sensor.terminal.summary import summary_text
from sensor.terminal.talkers import ALL_DESTINATIONS_MAX, DESTINATIONS_MAX, SOURCES_MAX, Talkers
from tests.unit.terminal.run import alert_of, ledger_of


def test_talkers_are_bounded() -> None:
    talkers = Talkers()
    for number in range(SOURCES_MAX + 5):
        talkers.emit(alert_of(f"source {number}"))
    for number in range(DESTINATIONS_MAX + 5):
        talkers.emit(alert_of("source 0", f"destination {number}", number))
    assert len(talkers.sources) == SOURCES_MAX
    assert talkers.sources.overlooked == 5
    [first] = talkers.sources.top(1)
    assert (first.address, first.alerts) == ("source 0", DESTINATIONS_MAX + 6)
    assert len(first.peers) == DESTINATIONS_MAX
    assert talkers.delivered == SOURCES_MAX + 5 + DESTINATIONS_MAX + 5
    text = summary_text(ledger_of(), talkers)
    assert "and 9,990 more sources; 5 alerts of sources not told apart" in text
    assert "1,000+" in text


def test_destinations_of_all_talkers_together_are_bounded() -> None:
    talkers = Talkers()
    sources = ALL_DESTINATIONS_MAX // 100 + 20
    for source in range(sources):
        for number in range(100):
            talkers.emit(alert_of(f"source {source}", f"destination {number}"))
    kept = [len(talker.peers) for talker in talkers.sources.top(sources)]
    assert sum(kept) <= ALL_DESTINATIONS_MAX + sources
    assert min(kept) == 1  # of a source that came late at least one is known


def test_talkers_without_addresses_are_processes() -> None:
    talkers = Talkers()
    talkers.emit(Alert("a", "r", "n", "low", 21.0, 0, "", {"process": {"name": "telnet"}}))
    talkers.emit(Alert("a", "r", "n", "low", 21.0, 0, "", {}))
    assert [talker.address for talker in talkers.sources.top(9)] == ["telnet", "unknown"]


def test_a_sequence_is_about_its_last_connection() -> None:
    talkers = Talkers()
    events = [{"source": {"ip": source}, "destination": {"ip": "192.0.2.9", "port": 23}}
              for source in ("192.0.2.1", "192.0.2.2")]  # fmt: skip
    document = {"sensor": {"alert": {"events": events}}}
    talkers.emit(Alert("a", "r", "n", "low", 21.0, 0, "", document))
    assert [talker.address for talker in talkers.sources.top(9)] == ["192.0.2.2"]
