"""Accounts as they are typed, and how sure each evidence makes."""

from __future__ import annotations

import pytest

from sensor.model.protocol_values import TELNET_CONFIDENCE
from sensor.protocols.telnet.attempts import NAME_MAX, name_of


@pytest.mark.parametrize(("typed", "account"), [
    ("root", "root"), (" root ", "root"), ("root\0", "root"), ("", ""),
    ("admin+ct", "admin"), ("admin+ct80w", "admin"), ("admin+", "admin+"), ("+ct", "+ct"),
    ("a+b+c", "a+b+c"), ("ann+verylongtag", "ann+verylongtag"), ("x" * 500, "x" * NAME_MAX),
    ("b\u00fcro", "b\u00fcro"),
])  # fmt: skip
def test_accounts(typed: str, account: str) -> None:
    assert name_of(typed) == account


def test_how_sure() -> None:
    assert all(0 <= confidence <= 1 for confidence in TELNET_CONFIDENCE.values())
    unsure = {"closed_after_password", "password_not_sent", "gap", "encrypted"}
    assert {name for name, confidence in TELNET_CONFIDENCE.items() if confidence == 0} == unsure
    assert 0 < TELNET_CONFIDENCE["closed_after_failures"] < TELNET_CONFIDENCE["prompt_again"]
