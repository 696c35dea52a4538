"""Whatever is wrong is said in a line or two that name the place; what was readable is not lost."""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

import pytest

from tests.command import ACCEPTED, quiet, sensor
from tests.unit.cli.bad_input import assert_damaged, assert_refused, file_of, rule_of

GOOD = Path(ACCEPTED).read_bytes()


# --- usage


@pytest.mark.parametrize(
    "arguments",
    [
        ["replay"], ["replay", "--nonsense", ACCEPTED], ["nonsense"],
        ["replay", "--color", "pink", ACCEPTED], ["replay", "--accept-on", "luck", ACCEPTED],
        ["replay", "--syslog-format", "xml", ACCEPTED], ["rules", "show"],
        ["replay", "--rules", "", ACCEPTED],
    ],
    ids=" ".join,
)  # fmt: skip
def test_bad_usage(arguments: list[str]) -> None:
    ended = sensor(*arguments)
    assert ended.code == 2 and ended.out == "" and ended.err


# --- inputs


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.pcap")
    assert_damaged(quiet(missing, ACCEPTED), missing, "no such file or directory")


def test_a_path_that_cannot_be_read(tmp_path: Path) -> None:
    """For root too: a socket opens for nobody."""
    path = str(tmp_path / "socket.pcap")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        assert_damaged(quiet(path, ACCEPTED), path, "cannot be read")


def test_a_directory_without_captures(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here", encoding="utf-8")
    assert_damaged(quiet(str(tmp_path), ACCEPTED), str(tmp_path), "no captures", "1 other file")


def test_a_pattern_that_matches_nothing(tmp_path: Path) -> None:
    pattern = str(tmp_path / "*.pcap")
    assert_damaged(quiet(pattern, ACCEPTED), pattern, "no file matches")


def test_an_empty_file(tmp_path: Path) -> None:
    path = file_of(tmp_path, b"")
    assert_damaged(quiet(path, ACCEPTED), path, "empty file")


def test_an_empty_standard_input() -> None:
    assert_damaged(quiet("-", ACCEPTED), "empty")


def test_what_is_not_a_capture(tmp_path: Path) -> None:
    path = file_of(tmp_path, b"GIF89a and so on, long enough for a header")
    assert_damaged(quiet(path, ACCEPTED), path, "not a capture")


def last_record(octets: bytes) -> int:
    """Where the last record of a classic little-endian capture starts."""
    at, last = 24, 24
    while at < len(octets):
        last, at = at, at + 16 + int(struct.unpack_from("<I", octets, at + 8)[0])
    return last


def test_a_truncated_record() -> None:
    last = last_record(GOOD)
    assert_damaged(quiet("-", stdin=GOOD[:-3]), "-: at octet", str(last))


def test_a_truncated_record_header() -> None:
    last = last_record(GOOD)
    assert_damaged(quiet("-", stdin=GOOD[: last + 7]), f"at octet {last}")


def with_last(offset: int, value: int) -> bytes:
    """The good capture with one field of its last record header changed."""
    octets = bytearray(GOOD)
    struct.pack_into("<I", octets, last_record(GOOD) + offset, value)
    return bytes(octets)


@pytest.mark.parametrize("length", [0xFFFF_FFFF, 300_000, 262_144])
def test_a_record_length_beyond_the_snaplen_or_the_file(length: int) -> None:
    ended = quiet("-", stdin=with_last(8, length))
    assert_damaged(ended, f"at octet {last_record(GOOD)}")


def test_an_impossible_timestamp(tmp_path: Path) -> None:
    """A million microseconds and more: the record counts, and the file is named."""
    path = file_of(tmp_path, with_last(4, 4_000_000_000))
    assert_damaged(quiet(path), path, "impossible timestamp", str(last_record(GOOD)))


def test_an_unknown_link_type(tmp_path: Path) -> None:
    octets = bytearray(GOOD)
    struct.pack_into("<I", octets, 20, 195)
    path = file_of(tmp_path, bytes(octets))
    assert_damaged(quiet(path, ACCEPTED), path, "link type 195", "802.15.4")


def test_every_bad_input_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    paths = [file_of(tmp_path, b"", "a"), file_of(tmp_path, b"x" * 40, "b"), str(tmp_path / "c")]
    ended = quiet(*paths, ACCEPTED, "--fail-on-alert")
    assert ended.code == 1 and len(ended.alerts()) == 1  # damage outweighs alerts
    assert len(ended.err.splitlines()) == 3
    assert all(path in ended.err for path in paths)


@pytest.mark.parametrize("name", ["new\nline.pcap", "esc\x1b[2J.pcap", "nel\x85\u202e.pcap"])
def test_hostile_file_names_are_escaped(name: str, tmp_path: Path) -> None:
    path = file_of(tmp_path, b"", name)
    loud = sensor("replay", path, str(tmp_path), ACCEPTED)
    said = quiet(path, ACCEPTED)
    assert loud.code == said.code == 1
    assert len(said.err.splitlines()) == 1
    for character in ("\x1b", "\x85", "\u202e"):
        assert character not in loud.err + said.err
    alert = quiet(file_of(tmp_path, GOOD, name))
    assert alert.code == 0 and len(alert.out.split("\n")) == 3
    for option in ("--config", "--rules", "--exceptions"):
        ended = quiet(option, str(tmp_path / "none" / name), ACCEPTED)
        assert ended.code == 2 and len(ended.err.splitlines()) == 1, ended.err
        assert "\x1b" not in ended.err and "\u202e" not in ended.err
    for option in ("--alerts", "--flows", "--stats"):
        ended = quiet(option, str(tmp_path / "none" / name), ACCEPTED)
        assert ended.code == 2 and len(ended.err.splitlines()) == 1, ended.err
        assert "\x1b" not in ended.err and "\u202e" not in ended.err


def test_a_file_name_that_is_not_utf8(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff.pcap"
    with open(name, "wb") as file:
        file.write(GOOD)
    ended = quiet("--json", "--stats", "-", str(tmp_path))
    assert ended.code == 0, ended.err
    alert, ledger = ended.documents()
    assert alert["event"]["kind"] == "alert" and ledger["inputs"][0]["error"] is None


# --- rules and exceptions


def assert_caret(text: str, under: str) -> None:
    """The last line has a caret below the first character of `under` in the line above it."""
    source, caret = text.splitlines()[-2:]
    assert caret.strip() == "^"
    assert source[caret.index("^") :].startswith(under)


def test_a_rule_with_a_syntax_error(tmp_path: Path) -> None:
    path = rule_of(tmp_path, "destination.port:23 and ) or source.port:1")
    ended = quiet("--rules", path, ACCEPTED)
    assert_refused(ended, f"{path}:11:25:")
    assert_caret(ended.err, ") or source.port")


def test_a_rule_with_a_field_that_does_not_exist(tmp_path: Path) -> None:
    path = rule_of(tmp_path, "destination.port:23 and destination.prot:23")
    ended = quiet("--rules", path, ACCEPTED)
    assert_refused(ended, f"{path}:11:25:", "destination.prot")
    assert_caret(ended.err, "destination.prot")


def test_a_rule_file_that_is_no_toml(tmp_path: Path) -> None:
    path = file_of(tmp_path, b"[rule\n", "x.toml")
    assert_refused(quiet("--rules", path, ACCEPTED), f"{path}:1:")


def test_two_rules_with_one_id(tmp_path: Path) -> None:
    first = rule_of(tmp_path, "destination.port:23", name="first")
    second = rule_of(tmp_path, "destination.port:24", name="second")
    ended = quiet("--strict-rules", "--rules", str(tmp_path), ACCEPTED)
    assert_refused(ended, first, second)
    assert len(ended.err.splitlines()) <= 2
    ended = quiet("--rules", str(tmp_path), ACCEPTED)
    assert ended.code == 0 and "first" in ended.out and "second" not in ended.out


def test_all_bad_rules_at_once(tmp_path: Path) -> None:
    paths = [rule_of(tmp_path, "((", id=name, name=name) for name in ("p", "q", "r")]
    ended = quiet("--rules", str(tmp_path), ACCEPTED)
    assert_refused(ended, *paths)


def test_rules_that_are_not_there(tmp_path: Path) -> None:
    missing = str(tmp_path / "none.toml")
    assert_refused(quiet("--rules", missing, ACCEPTED), missing)
    assert_refused(quiet("--rules", str(tmp_path), ACCEPTED), str(tmp_path), "no rule files")


def test_an_exception_without_a_comment(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    path.write_text(
        '\n[[item]]\nentries = [{ field = "source.ip", type = "exists" }]\n', encoding="utf-8"
    )
    ended = quiet("--exceptions", str(path), ACCEPTED)
    assert_refused(ended, f"{path}:2", "comment")
    ended.message()


def test_exceptions_that_are_not_there(tmp_path: Path) -> None:
    missing = str(tmp_path / "none.toml")
    assert_refused(quiet("--exceptions", missing, ACCEPTED), missing)


# --- outputs


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_syslog_server_that_is_not_there(tmp_path: Path) -> None:
    port = free_port()
    ended = quiet("--syslog", f"tcp://127.0.0.1:{port}", ACCEPTED)
    assert_damaged(ended, "syslog", f"127.0.0.1 port {port}", "refused")
    url = f"unix://{tmp_path}/log"
    assert_damaged(quiet("--syslog", url, ACCEPTED), "syslog", f"{tmp_path}/log")
    ended = quiet("--syslog", f"udp://127.0.0.1:{port}", ACCEPTED)
    assert_damaged(ended, "syslog", f"127.0.0.1 port {port}")


@pytest.mark.parametrize("url", ["nonsense", "ftp://host", "udp://", "tcp://host:port", ""])
def test_a_syslog_url_that_is_none(url: str) -> None:
    ended = quiet("--syslog", url, ACCEPTED)
    assert_refused(ended, "syslog")
    ended.message()


# --- settings


@pytest.mark.parametrize("network", ["nonsense", "10.0.0.0/33", "10.0.0.1/8/8", ""])
def test_a_bad_network(network: str) -> None:
    ended = quiet("--internal", network, ACCEPTED)
    assert_refused(ended, "--internal")
    ended.message()


# --- what would do nothing


def test_flags_that_would_do_nothing() -> None:
    assert_refused(sensor("replay", "--flow-events", ACCEPTED), "--flow-events", "--flows")
    assert_refused(sensor("replay", "--alerts", "-", ACCEPTED), "--alerts -", "--json")


def test_an_exception_that_can_never_match(tmp_path: Path) -> None:
    path = tmp_path / "never.toml"
    path.write_text('[[item]]\nname = "n"\ncomment = "c"\nentries = [{ field = "source.ip", '
                    'type = "match", operator = "included", value = "192.168.1.2000" }]\n')
    assert_refused(sensor("replay", "--exceptions", str(path), ACCEPTED),
                   f"{path}:1", "'source.ip' is an address")


def test_the_nearest_option_only_is_named() -> None:
    ended = quiet("--jsno", ACCEPTED)
    assert ended.code == 2 and "did you mean '--json'?" in ended.err and "--to" not in ended.err


def test_a_capture_in_the_place_of_rules_is_named() -> None:
    assert_refused(quiet("--rules", ACCEPTED, ACCEPTED), ACCEPTED, "a capture, not rules")


@pytest.mark.parametrize(("text", "format_name"), [
    ('{"duplicates": "keep"}', "JSON"), ("duplicates: keep\n", "YAML"),
    ("---\n# settings\nduplicates: keep\n", "YAML"),
])
def test_settings_in_another_format_are_named(
    tmp_path: Path, text: str, format_name: str
) -> None:
    path = file_of(tmp_path, text.encode(), "settings")
    assert_refused(quiet("--config", path, ACCEPTED), path, f"this looks like {format_name}")


def test_bits_of_a_host_in_a_network_are_told() -> None:
    assert "taken as 10.0.0.0/8" in sensor("replay", "--internal", "10.0.0.5/8", ACCEPTED).err
    for network in ("10.0.0.0/8", "10.0.0.5", "fd00::/8"):
        assert "taken as" not in sensor("replay", "--internal", network, ACCEPTED).err
