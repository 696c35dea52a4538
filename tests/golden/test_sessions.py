"""The captured telnet sessions, against a truth written by hand; and no password comes out."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sensor.capture.files.capture import FileCapture
from tests.command import sensor
from tests.running import Run, run_capture
from tests.telnet_sessions import FOLDER, truth

CASES = [(capture["file"], session["client"]) for capture in truth()
         for session in capture["session"]]  # fmt: skip
MASK = "***"


def session_of(file: str, client: int) -> dict[str, Any]:
    """What happened in a session."""
    (found,) = (one for capture in truth() if capture["file"] == file
                for one in capture["session"] if one["client"] == client)  # fmt: skip
    return found


@cache
def run_of(file: str) -> Run:
    return run_capture(FileCapture([str(FOLDER / file)]))


def told_of(file: str, client: int, action: str) -> list[dict[str, Any]]:
    """The events of an action in one session."""
    return [event for event in run_of(file).said if event["source"].get("port") == client
            and event["event"]["action"] == action]  # fmt: skip


def one_told(file: str, client: int) -> dict[str, Any]:
    """`telnet` of the event of the session itself; nothing if there is none."""
    found = told_of(file, client, "telnet_session")
    assert len(found) <= 1
    return found[0]["telnet"] if found else {}


def secrets_of(session: dict[str, Any]) -> list[str]:
    """What must not come out: a default pair may be an ordinary word."""
    return [one["password"] for one in session.get("attempts", ())
            if one.get("password") and not one.get("default")] + session.get("secrets", [])


def hidden(text: str, session: dict[str, Any]) -> str:
    for secret in sorted(secrets_of(session), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def is_sure(file: str, client: int) -> bool:
    return not session_of(file, client).get("unsure")


SURE = [case for case in CASES if is_sure(*case)]


@pytest.mark.parametrize(("file", "client"), SURE)
def test_attempts(file: str, client: int) -> None:
    session, told = session_of(file, client), told_of(file, client, "telnet_login")
    attempts = session.get("attempts", [])
    outcomes = [(event.get("user", {}).get("name"), event["telnet"]["login"]["outcome"])
                for event in told]  # fmt: skip
    ended = session.get("login")
    shells = [(session.get("user"), ended)] if ended in ("none", "bypass") else []
    assert outcomes == [(one.get("user") or None, one["outcome"]) for one in attempts] + shells
    for one, event in zip(attempts, told, strict=False):
        login = event["telnet"]["login"]
        assert login["evidence"] == one.get("evidence", login["evidence"])
        if "password" in one and session.get("password_in_clear", True):
            password = event["telnet"]["password"]
            assert password["length"] == len(one["password"])
            assert password["is_default"] is one.get("default", False)
    assert one_told(file, client).get("login", {}).get("outcome", "unknown") == (ended or "unknown")


@pytest.mark.parametrize(("file", "client"), SURE)
def test_the_record_of_the_flow_has_the_last_login(file: str, client: int) -> None:
    session = session_of(file, client)
    logins = [(one.get("user") or None, one["outcome"]) for one in session.get("attempts", [])]
    if (ended := session.get("login")) in ("none", "bypass"):
        logins.append((session.get("user"), ended))
    told = [(record.get("user", {}).get("name"), record["telnet"]["login"]["outcome"])
            for record in run_of(file).records
            if record["source"].get("port") == client and "telnet" in record]  # fmt: skip
    assert told == logins[-1:]


@pytest.mark.parametrize(("file", "client"), SURE)
def test_commands(file: str, client: int) -> None:
    session, told = session_of(file, client), told_of(file, client, "telnet_command")
    assert [event["telnet"]["command"]["line"] for event in told] == [
        hidden(line, session) for line in session.get("commands", [])]  # fmt: skip
    assert [number for number, event in enumerate(told)
            if event["telnet"]["command"].get("from_echo")] == session.get("echoed", [])


@pytest.mark.parametrize(("file", "client"), SURE)
def test_attacks(file: str, client: int) -> None:
    told: dict[str, str] = {}
    for event in told_of(file, client, "telnet_exploit"):
        exploit = event["telnet"]["exploit"]
        told[event.get("vulnerability", {}).get("id", exploit["name"])] = exploit["outcome"]
    wanted = session_of(file, client).get("exploits", [])
    assert len(told) == len(wanted)
    for one in wanted:
        names = [one.get("id", one.get("name")), *one.get("also", ())]
        assert [told[name] for name in names if name in told] == [one["outcome"]]


@pytest.mark.parametrize(("file", "client"), SURE)
def test_what_the_session_was_like(file: str, client: int) -> None:
    session, told = session_of(file, client), one_told(file, client)
    parts = told.get("elevation", {})
    risen = list(zip(*(parts.get(name, []) for name in ("kind", "user", "outcome")), strict=True))
    wanted = session.get("elevation", [])
    assert [(kind, outcome) for kind, _, outcome in risen] == [
        (one["kind"], one["outcome"]) for one in wanted]  # fmt: skip
    for one, (_, user, _) in zip(wanted, risen, strict=True):
        assert user in (one.get("user", user), "")  # whose it is need not be said
    assert told.get("bot") == session.get("bot")
    assert told.get("kind") == session.get("kind")
    assert told.get("encrypted", False) is (session.get("encrypted", False) and bool(told))
    for name, mine in (("mode", told.get("mode")),
                       ("terminal", told.get("terminal", {}).get("type")),
                       ("environment_user", told.get("environment", {}).get("user"))):
        assert mine == (session.get(name) or mine)
    changed = any(event["telnet"].get("password_change")
                  for event in told_of(file, client, "telnet_login"))
    assert changed is session.get("password_change", False)


@pytest.mark.parametrize(("file", "client"), [case for case in CASES if case not in SURE])
def test_nothing_is_told_that_did_not_happen(file: str, client: int) -> None:
    session = session_of(file, client)
    attempts = session.get("attempts", [])
    for event in told_of(file, client, "telnet_login"):
        outcome = event["telnet"]["login"]["outcome"]
        assert outcome in {"unknown", session.get("login"), *(one["outcome"] for one in attempts)}
    commands = [hidden(line, session) for line in session.get("commands", [])]
    for event in told_of(file, client, "telnet_command"):
        assert event["telnet"]["command"]["line"] in commands


def outputs(folder: Path, *arguments: str) -> bytes:
    """Every octet that a run writes."""
    ended = sensor("replay", *arguments, cwd=folder)
    assert ended.code == 0
    return (ended.out + ended.err).encode() + b"".join(
        one.read_bytes() for one in folder.iterdir())  # fmt: skip


EVERYTHING = ("--flows", "flows.ndjson", "--flow-events", "--alerts", "alerts.ndjson",
              "--stats", "stats.json", "-v")  # fmt: skip


@pytest.mark.parametrize("file", [capture["file"] for capture in truth()])
def test_no_password_comes_out(file: str, tmp_path: Path) -> None:
    written = outputs(
        tmp_path, "--protocol-events", "said.ndjson", *EVERYTHING, str(FOLDER / file))
    (sessions,) = (capture["session"] for capture in truth() if capture["file"] == file)
    assert b"network_flow" in written
    printed = sensor("transcript", str(FOLDER / file))
    assert printed.code == 0 and (" -> " in printed.out or file == "begun_late.pcap")
    written += printed.out.encode()
    assert [secret for session in sessions for secret in secrets_of(session)
            if secret.encode() in written] == []  # fmt: skip


def test_nor_in_a_table_or_in_alerts(tmp_path: Path) -> None:
    files = [str(FOLDER / capture["file"]) for capture in truth()]
    written = outputs(tmp_path, "--protocol-events", "said.csv", "--json", *files)
    assert b"telnet_login" in written and b'"kind":"alert"' in written
    assert [secret for capture in truth() for session in capture["session"]
            for secret in secrets_of(session) if secret.encode() in written] == []  # fmt: skip


def test_passwords_come_out_where_they_are_to_be_revealed(tmp_path: Path) -> None:
    sensor("replay", "--quiet", "--reveal-secrets", "--protocol-events", "said.ndjson",
           str(FOLDER / "cisco_ios.pcap"), cwd=tmp_path)  # fmt: skip
    assert b"Slate-Kettle-41" in (tmp_path / "said.ndjson").read_bytes()
