"""A missing program skips the tests that need it, and the last line counts them."""

from __future__ import annotations

import pytest

from tests.programs import require, summary


def test_a_missing_program_skips_and_where_all_are_required_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SENSOR_REQUIRE_PROGRAMS", raising=False)
    require("sh")
    with pytest.raises(pytest.skip.Exception, match="this test needs no-such-program"):
        require("sh", "no-such-program")
    monkeypatch.setenv("SENSOR_REQUIRE_PROGRAMS", "1")
    with pytest.raises(pytest.fail.Exception, match="this test needs no-such-program"):
        require("no-such-program")


def test_the_last_line_names_programs_and_counts() -> None:
    reasons = ["Skipped: this test needs nft", "Skipped: this test needs ip and nft", "Skipped: x"]
    assert summary(reasons) == "2 tests skipped, for want of: ip (1), nft (2)"
    assert summary(["Skipped: only Linux has a full disk at hand"]) == ""
