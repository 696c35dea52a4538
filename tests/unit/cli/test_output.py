"""Exit codes, the version, and that --help names them."""

from __future__ import annotations

from tests.command import ACCEPTED, REFUSED, quiet, sensor
from tests.running import CAPTURES


def test_every_shipped_capture_gives_an_exit_code_of_0_or_1() -> None:
    """The whole folder as one capture, `--json` and all: no assertion of ours breaks on it."""
    ended = quiet("--json", "--flows", "/dev/null", str(CAPTURES))
    assert ended.code == 0, ended.err
    assert ended.documents()


def test_version_and_help() -> None:
    version = sensor("--version")
    assert version.code == 0 and version.out.startswith("sensor ") and not version.err
    for arguments in ([], ["replay"], ["rules"], ["rules", "list"], ["rules", "show"],
                      ["rules", "check"]):  # fmt: skip
        ended = sensor(*arguments, "--help")
        assert ended.code == 0 and "Usage:" in ended.out


def test_help_names_every_option_and_exit_code() -> None:
    text = sensor("replay", "--help").out
    for option in (
        "--rules", "--exceptions", "--json", "--alerts", "--flows", "--flow-events", "--syslog",
        "--syslog-format", "--internal", "--accept-on", "--stats", "--config", "--color",
        "--quiet", "--verbose", "--fail-on-alert", "--local-time", "--strict-external",
        "--key-vlan", "--no-key-tenant", "--duplicates", "keep",
    ):  # fmt: skip
        assert option in text
    general = sensor("--help").out
    assert all(code in general for code in ("0 done", "1 done", "2 bad", "3 with", "130", "143"))


def test_fail_on_alert() -> None:
    assert quiet("--fail-on-alert", ACCEPTED).code == 3
    assert quiet("--fail-on-alert", REFUSED).code == 0
