"""Transcripts: both sides as a person reads them, and no secret in them."""

from __future__ import annotations

import pytest

from sensor.protocols.telnet.transcript import CHARACTERS_MAX, LINE_MAX, Entry, entry_of
from tests.telnet_story import LOGIN, LOST_CLIENT, LOST_SERVER, OFFERS, story

P = "<\r\nroot@box:~# "


def read(*pieces: str, size: int = 1 << 20) -> list[str]:
    """Mark and text of each line."""
    told = story(*pieces, transcribe=True, size=size)
    return [f"{entry.mark} {entry.text}" for entry in map(entry_of, told.session[
        "telnet.transcript"])]  # fmt: skip


@pytest.mark.parametrize("size", [1, 3, 1 << 20])
def test_a_login_and_a_command_that_the_server_echoes(size: int) -> None:
    told = read(OFFERS, "<box login: ", ">ro", "<ro", ">ot\r\n", "<ot\r\nPassword: ",
                ">abc-123\r\n", P, ">id\r\n", "<id\r\nuid=0", P, size=size)  # fmt: skip
    assert told == ["< box login:", "> root", "< Password:",
                    "> *** (7 characters)", "< root@box:~#", "> id", "< uid=0",
                    "< root@box:~#"]  # fmt: skip


def test_what_a_client_edits_itself_is_shown_where_it_proves_to_be_a_command() -> None:
    told = read(*LOGIN, P, ">uptime\r\n", "<up 3 days", P)
    assert "> uptime" in told and "> root" in told


def test_the_secret_of_a_second_login_is_masked_wherever_it_comes() -> None:
    told = read(OFFERS, *LOGIN, P, ">su -\r\n", "<su -\r\nPassword: ", ">Tulip-77\r\n", P,
                ">cat note\r\n", "<cat note\r\nkey is Tulip-77!", P)  # fmt: skip
    assert "< key is ***!" in told
    assert not any("Tulip" in line for line in told)


def test_commands_beyond_those_that_are_told_are_shown() -> None:
    many = [piece for number in range(80) for piece in (f">ls {number}\r\n", f"<\r\nx{number}", P)]
    assert "> ls 79" in read(*LOGIN, P, *many)


def test_lines_typed_ahead_stand_behind_one_prompt() -> None:
    told = read(*LOGIN, P, ">id\r\ndate\r\n", "<\r\nuid=0", P, "<\r\nMon", P)
    assert told.count("< root@box:~#") == 3
    assert told.index("> date") == told.index("> id") + 1


def test_notes() -> None:
    lost = read(OFFERS, *LOGIN, P, LOST_SERVER, P, LOST_CLIENT, P)
    assert "* 100 octets of the server are missing" in lost
    assert "* 100 octets of the client are missing" in lost
    full = read(*LOGIN, P, ">vi x\r\n", "<\x1b[?1049h~\r\n~\r\n", "<\x1b[?1049l", P)
    assert "* a program takes the whole screen: what it draws, and its keys, are left out" in full
    assert "< ~" not in full


def test_it_is_bounded_and_says_so() -> None:
    told = read(*LOGIN, P, *["<" + ("x" * 2000 + "\r\n") * 10] * 20)
    assert told[-1] == "* the session goes on, longer than is kept"
    assert sum(map(len, told)) < CHARACTERS_MAX
    assert max(map(len, told)) == LINE_MAX + 2


def test_hostile_characters_are_escaped() -> None:
    told = read(*LOGIN, P, ">x\r\n", "<\u00e9\x90\x9d end\r\n")
    assert any(line.endswith(" end") for line in told)
    assert all(line.isprintable() for line in told)


def test_a_password_that_is_typed_before_it_is_asked_for_is_masked_in_its_echo() -> None:
    """The terminal of the server still echoes then."""
    told = read(OFFERS, ">root\r\nEarly-Bird-5\r\n", "<root\r\nEarly-Bird-5\r\n", "<login: ")
    assert not any("Early" in line for line in told)


def test_nothing_is_transcribed_unasked() -> None:
    assert "telnet.transcript" not in story(*LOGIN, P).session


def test_entries_are_read_back() -> None:
    assert entry_of("5 <   two  blanks") == Entry(5, "<", "  two  blanks")
