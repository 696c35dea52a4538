"""Alerts as they show themselves."""

from __future__ import annotations

from sensor.model.alert import Alert

ALERT = Alert("id", "rule", "Accepted Telnet", "medium", 47.0, 0, "Accepted Telnet: a -> b",
              {"@timestamp": "2026-01-02T03:04:05.000000000Z", "large": ["x"] * 1000})


def test_an_alert_is_one_line() -> None:
    assert repr(ALERT) == "<Alert 2026-01-02T03:04:05.000000000Z medium: Accepted Telnet: a -> b>"


def test_hostile_text_stays_text_in_a_notebook() -> None:
    hostile = Alert("", "", "<script>x</script>", "low", 21.0, 0, "\u202e<b>", {})
    html = hostile._repr_html_()
    assert "<script>" not in html and "<b>" not in html and "\u202e" not in html
    assert "low (21)" in html
