"""`sensor report`."""

from __future__ import annotations

import hashlib
import re
from html import unescape
from pathlib import Path

import pytest

from tests.command import ACCEPTED, DEMO, EXTERNAL, Ended, sensor
from tests.hostile_session import NAME, URL_PATH, hostile_capture
from tests.telnet_sessions import FOLDER


def reported(folder: Path, *arguments: str) -> tuple[Ended, str]:
    """A run, and its page."""
    page = folder / "report.html"
    ended = sensor("report", *arguments, "-o", str(page))
    return ended, page.read_text(encoding="utf-8") if page.exists() else ""


def words(page: str) -> str:
    """What a person reads of a page."""
    body = re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_it_answers_who_got_in_and_proves_it(tmp_path: Path) -> None:
    ended, page = reported(tmp_path, ACCEPTED, EXTERNAL, "--case", "Press", "--examiner", "R. Ito")
    assert ended.code == 0 and "2 Telnet sessions" in ended.err
    told = words(page)
    assert told.startswith("Press: report Press Examined by R. Ito.")
    assert "2 Telnet sessions in which somebody got in 2 accepted Telnet connections" in told
    assert "> mreyes" in told and "> uptime" in told and "*** (12 characters)" in told
    assert hashlib.sha256(Path(ACCEPTED).read_bytes()).hexdigest() in told
    assert "ip.addr == 192.168.1.20 && ip.addr == 192.168.1.50 && tcp.port == 50432" in told
    assert "What to ask" in told  # the rule's triage note


def test_the_demo_shows_its_scan_and_what_is_not_decided(tmp_path: Path) -> None:
    """captures/mixed.py: 16 addresses are tried on port 23; nine refuse, two are prohibited."""
    told = words(reported(tmp_path, DEMO)[1])
    assert re.search(r"Scans .* 16 23 \d+ (refused|unanswered|half open)", told)
    assert "answers to packets that somebody else sent under this address" in told


def test_the_demo_shows_the_download_behind_the_login(tmp_path: Path) -> None:
    """captures/telnet_campaign.py: the server fetches 5,600 octets from 198.51.100.77."""
    told = words(reported(tmp_path, DEMO)[1])
    whole = "GET http://198.51.100.77/bins/arm7: 200 OK, 5.6 kB"
    assert f"What was asked for in it: {whole}" in told
    assert "Afterwards the server opened: 198.51.100.77:80 , 185.199.111.153:23 . " + whole in told
    assert re.search(r"TLS server name Request, and its answer 198\.51\.100\.77:80 "
                     r"GET http://198\.51\.100\.77/bins/arm7 : 200 OK, 5\.6 kB ", told)


def test_nothing_leaves_the_page_and_hostile_words_stay_words(tmp_path: Path) -> None:
    _, page = reported(tmp_path, str(hostile_capture(tmp_path)), "--case", "<i>&\x1b[2J")
    assert not re.search(r"(?:src|href)=[\"'](?!#|data:,)", page)
    assert not any(mark in page for mark in ("<script>alert", "<img", "<svg/", "<i>"))
    assert page.count("<script>") == page.count("<style>") == 1
    assert "\u202e" not in page and "\x1b" not in page
    assert "hunter-22" not in page
    told = words(page)
    assert "<script>alert(1)</script>" in told
    assert f"192.168.1.53:53 , 198.51.100.9:80 ({NAME})" in told  # by way of an alias
    assert f"GET http://a{URL_PATH}: 404 <b>no</b>, text/plain, 2 B" in told


def test_no_password_is_in_it(tmp_path: Path) -> None:
    _, page = reported(tmp_path, str(FOLDER / "elevation.pcap"))
    assert "su - hedda" in words(page) and "Password:" in words(page)
    assert "Slate" not in page and "Orchid" not in page


def test_evidence_is_cut_in_the_same_run(tmp_path: Path) -> None:
    _, page = reported(tmp_path, ACCEPTED, "--evidence", str(tmp_path / "evidence"))
    files = [path.name for path in (tmp_path / "evidence").glob("*.pcapng")]
    assert len(files) == 1 and files[0] in page


def test_times_are_in_the_zone_that_is_asked_for(tmp_path: Path) -> None:
    _, page = reported(tmp_path, ACCEPTED, "--time-zone", "Asia/Tokyo")
    assert "2026-01-02 12:04:05.722+09:00" in page  # the server's first line, at 03:04 UTC
    spans = re.findall(r"2026-01-0\d \S+ to 2026\S* \S+", words(page))
    assert spans and all(span.count("+09:00") == 2 for span in spans)


@pytest.mark.parametrize(("arguments", "message"), [
    ((ACCEPTED, "--time-zone", "Mars/Base"), "--time-zone Mars/Base: no such zone"),
    (("-",), "write it to a file first"),
    ((), "PATH"),
])
def test_wrong_usage_leaves_no_page(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    ended, page = reported(tmp_path, *arguments)
    assert (ended.code, page) == (2, "") and message in ended.err


@pytest.mark.parametrize(("place", "reason"), [
    ("none/x.html", "No such file or directory"), (".", "Is a directory")])
def test_a_place_that_cannot_be_written_is_told_before_anything_is_read(
    tmp_path: Path, place: str, reason: str
) -> None:
    """A capture that is damaged is named once it was read."""
    bad, folder = tmp_path / "cut.pcap", tmp_path / "out"
    bad.write_bytes(Path(ACCEPTED).read_bytes()[:3000])
    folder.mkdir()
    ended = sensor("report", str(bad), "-o", str(folder / place), "--evidence", str(folder / "e"))
    assert ended.code == 2 and reason in ended.err and "cut.pcap" not in ended.err
    assert list(folder.iterdir()) == []


def test_a_damaged_input_is_named_and_the_rest_is_told(tmp_path: Path) -> None:
    bad = tmp_path / "cut.pcap"
    bad.write_bytes(Path(ACCEPTED).read_bytes()[:3000])
    ended, page = reported(tmp_path, str(bad), EXTERNAL)
    assert ended.code == 1 and "cut.pcap" in ended.err
    assert "cut.pcap" in words(page) and "1 of them to external networks" in words(page)


@pytest.mark.parametrize("name", ["typo.pcap", "text.pcap"])
def test_where_nothing_could_be_read_an_earlier_page_stays(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.pcap").write_bytes(b"no capture at all, but some words of text")
    assert reported(tmp_path, ACCEPTED)[0].code == 0
    before = (tmp_path / "report.html").read_bytes()
    ended, _ = reported(tmp_path, str(tmp_path / name))
    assert ended.code == 1 and name in ended.err and "report.html is not written" in ended.err
    assert (tmp_path / "report.html").read_bytes() == before
    (tmp_path / "report.html").unlink()
    assert reported(tmp_path, str(tmp_path / name))[1] == ""


def test_the_command_can_be_pasted_into_a_shell(tmp_path: Path) -> None:
    told = words(reported(tmp_path, ACCEPTED, "--case", "Plant 7; it's")[1])
    assert "--case 'Plant 7; it'\"'\"'s'" in told


def test_without_alerts_it_says_so(tmp_path: Path) -> None:
    told = words(reported(tmp_path, str(Path(ACCEPTED).parent / "background.pcap"))[1])
    assert "No Telnet connection was accepted" in told and "No rule found anything" in told


def test_it_says_what_was_excepted_and_what_was_left_out(tmp_path: Path) -> None:
    allowed, folder = tmp_path / "allow.txt", tmp_path / "captures"
    allowed.write_text("192.168.1.50 # the printer\n", "utf-8")
    folder.mkdir()
    (folder / "one.pcap").write_bytes(Path(ACCEPTED).read_bytes())
    (folder / "notes.txt").write_text("hello", "utf-8")
    told = words(reported(tmp_path, str(folder), "--allow", str(allowed))[1])
    assert f"with exceptions from {allowed}" in told
    assert f"{allowed}:1 192.168.1.50 (the printer): " in told
    assert "1 file in the named folders were left out" in told
    assert f"{folder}/notes.txt: not a capture file" in told
