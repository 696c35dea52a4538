"""Exit codes, the version, and that --help names them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.command import (
    ACCEPTED,
    COMMAND,
    DEMO,
    DEVNULL,
    PIPE,
    REFUSED,
    Fork,
    environment,
    quiet,
    sensor,
)
from tests.running import CAPTURES, ROOT


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


def in_shell(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command whose standard output is what the shell makes of it: `"$@"` in the script."""
    return subprocess.run(
        ["sh", "-c", script, "sh", *COMMAND, *arguments], capture_output=True, text=True,
        check=False, cwd=ROOT, env=environment(),
    )  # fmt: skip


PRINTING = [["replay", DEMO], ["replay", "--json", DEMO], ["rules", "list"], ["rules", "check"],
            ["doctor"], ["--version"], ["rules", "--help"]]  # fmt: skip


@pytest.mark.parametrize("arguments", [["replay", DEMO], ["--version"]], ids=" ".join)
def test_a_closed_standard_output_is_said(arguments: list[str]) -> None:
    """By the group, whatever its command."""
    ended = in_shell('exec "$@" >&-', *arguments)
    assert ended.returncode == 1
    assert ended.stderr == (
        "sensor: standard output is closed; > /dev/null is for those who want none\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full disk at hand")
@pytest.mark.parametrize("arguments", PRINTING, ids=" ".join)
def test_a_standard_output_that_is_full_is_said(arguments: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        run = Fork(*arguments, streams=(DEVNULL, full.fileno(), PIPE))
    assert_full(run.communicate()[1].decode(), run.wait())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full disk at hand")
def test_python_says_nothing_of_it_at_its_end() -> None:
    ended = in_shell('exec "$@" > /dev/full', "rules", "list")
    assert_full(ended.stderr, ended.returncode)


def assert_full(said: str, code: int) -> None:
    assert code == 1
    assert "No space left on device" in said
    assert not any(words in said for words in ("internal error", "Traceback", "ignored"))


@pytest.mark.parametrize("name", ["flows.parquet", "flows.ndjson"])
def test_flows_that_outgrow_their_disk_leave_no_file_that_cannot_be_read(
    tmp_path: Path, name: str
) -> None:
    """A limit on the size of files stands for a full disk: it needs no rights."""
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    path, stats = tmp_path / name, tmp_path / "stats"
    ended = quiet("--flows", str(path), "--stats", str(stats), DEMO,
                  file_bytes_max=16 << 10)  # fmt: skip
    assert ended.code == 1
    [said] = ended.err.splitlines()
    assert said.startswith(f"sensor: flows {path}: File too large")
    counts = json.loads(stats.read_text(encoding="utf-8"))["sinks"][f"flows {path}"]
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    assert [json.loads(line)["event"]["kind"] for line in lines] == ["event"] * counts["delivered"]
    assert counts["dropped"] > 0 and (path.exists() or name == "flows.parquet")


def test_alerts_that_outgrow_their_disk_are_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "alerts.ndjson"
    ended = quiet("--alerts", str(path), DEMO, file_bytes_max=4 << 10)
    assert ended.code == 1
    assert f"alerts {path}: File too large" in ended.err
    documents = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert documents and path.read_bytes().endswith(b"\n")
