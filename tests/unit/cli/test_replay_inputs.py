"""What a replay reads, as options say it: a span of time, a filter, a folder that is followed."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.command import ACCEPTED, DEMO, PIPE, REFUSED, ROOT, Fork, quiet, sensor

START = "2026-01-02T03:04:05"
"""All packets of both captures are from the minutes behind it."""


def stats_of(*arguments: str) -> dict[str, Any]:
    ended = quiet("--stats", "-", *arguments)
    assert ended.code == 0, ended.err
    found: dict[str, Any] = json.loads(ended.out.splitlines()[-1])
    return found


# --- --from and --to


@pytest.mark.parametrize(("options", "kept"), [
    (["--from", START + "Z"], True), (["--from", "2027-01-01"], False),
    (["--to", START], False), (["--to", "2026-01-02T04:04:06+01:00"], True),
    (["--from", "1767323045", "--to", "1767323046.5"], True),
    (["--from", "1767326400.000000001"], False),
])  # fmt: skip
def test_the_span_of_time(options: list[str], kept: bool) -> None:
    whole, found = stats_of(ACCEPTED), stats_of(*options, ACCEPTED)
    assert (found["flows"]["accepted"] == 1) is kept
    assert found["frames"] == found["packets"] + found["outside_window"]
    assert found["frames"] in (whole["frames"], 0)  # 0: the file begins too late


def test_frames_outside_are_as_if_they_were_not_there(tmp_path: Path) -> None:
    octets, at, kept = Path(DEMO).read_bytes(), 24, bytearray(Path(DEMO).read_bytes()[:24])
    times = []
    while at < len(octets):
        seconds, micros, captured = (int.from_bytes(octets[at + n : at + n + 4], "little")
                                     for n in (0, 4, 8))  # fmt: skip
        times.append(seconds * 10**6 + micros)
        at += 16 + captured
    early, late = sorted(times)[len(times) // 4], sorted(times)[3 * len(times) // 4]
    at = 24
    for time in times:
        captured = int.from_bytes(octets[at + 8 : at + 12], "little")
        if early <= time < late:
            kept += octets[at : at + 16 + captured]
        at += 16 + captured
    part = tmp_path / "part.pcap"
    part.write_bytes(kept)
    options = [option for name, time in (("--from", early), ("--to", late))
               for option in (name, f"{time // 10**6}.{time % 10**6:06}")]  # fmt: skip
    found = []
    for arguments in ([*options, DEMO], [str(part)]):
        ended = quiet("--flow-events", "--flows", "-", *arguments)
        assert ended.code == 0
        found.append(ended.documents())
        for document in found[-1]:
            document["sensor"].pop("capture", None)
    assert len(found[0]) > 20 and found[0] == found[1]


@pytest.mark.parametrize(("options", "reason"), [
    (["--from", "yesterday"], "--from yesterday: not a time"),
    (["--to", "2026-13-01"], "--to 2026-13-01: not a time"),
    (["--to", "9" * 30], "not a time"),
    (["--from", "5", "--to", "5"], "--from is not before --to"),
])  # fmt: skip
def test_times_that_are_none(options: list[str], reason: str) -> None:
    ended = quiet(*options, ACCEPTED)
    assert ended.code == 2 and ended.out == "" and reason in ended.message()


# --- --bpf


@pytest.mark.needs("libpcap")
def test_a_filter() -> None:
    found = stats_of("--bpf", "tcp port 23 and host 192.168.1.20", ACCEPTED, REFUSED)
    assert found["frames"] == found["packets"] + found["filtered"] and found["flows"]["total"] > 0
    none = stats_of("--bpf", "port 9", ACCEPTED)
    assert none["filtered"] == none["frames"] > 0 == none["flows"]["total"]
    told = sensor("replay", "--bpf", "port 9", ACCEPTED)
    assert "frames that --bpf left out" in told.err


@pytest.mark.needs("libpcap")
def test_a_filter_that_is_none() -> None:
    ended = quiet("--bpf", "tcp prt 23", ACCEPTED)
    assert ended.code == 2 and "--bpf tcp prt 23: can't parse" in ended.message()


def test_a_filter_without_libpcap(tmp_path: Path) -> None:
    """The loader finds nothing: what scapy asks for it is told that there is none."""
    (tmp_path / "sitecustomize.py").write_text(
        "import ctypes.util\nctypes.util.find_library = lambda name: None\n")
    ended = quiet("--bpf", "tcp", ACCEPTED, PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert ended.code == 2 and ended.out == "" and "libpcap, which is not installed" in ended.err


@pytest.mark.needs("libpcap")
def test_a_rule_is_explained_of_what_is_asked_for() -> None:
    name = "accepted_default_telnet_port_connection"
    shown = [quiet("--explain", name, *options, ACCEPTED).out
             for options in ([], ["--bpf", "port 9"], ["--to", START])]  # fmt: skip
    assert "192.168.1.20" in shown[0]
    assert "192.168.1.20" not in shown[1] and "192.168.1.20" not in shown[2]
    assert quiet("--explain", name, "--follow", "captures").code == 2


# --- --follow


def following(*arguments: str) -> Fork:
    return Fork("replay", "--json", *arguments)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_folder_is_followed_until_a_signal(tmp_path: Path, number: int) -> None:
    folder = tmp_path / "captures"
    folder.mkdir()
    shutil.copy(ACCEPTED, folder / "first.pcap")
    flows = tmp_path / "flows.ndjson"
    run = following("--flows", str(flows), "--follow", str(folder))
    assert run.stdout is not None and run.stderr is not None
    assert json.loads(run.stdout.readline())["sensor"]["capture"]["file"].endswith("first.pcap")
    (folder / "first.pcap").rename(folder / "old.pcap")
    shutil.copy(ROOT / "captures/telnet_external.pcapng", folder / "second.pcapng")
    alert = json.loads(run.stdout.readline())
    assert alert["sensor"]["capture"]["file"].endswith("second.pcapng")
    run.send_signal(number)
    rest, told = run.communicate()
    assert run.wait() == 0 and b"interrupted" not in told and b"flows" in told
    assert flows.read_text().count("\n") >= 2
    assert all(json.loads(line)["event"]["kind"] == "alert" for line in rest.splitlines())


def test_a_flow_stays_open_between_files(tmp_path: Path) -> None:
    octets, at = Path(ACCEPTED).read_bytes(), 24
    for _ in range(2):  # SYN and SYN-ACK
        at += 16 + int.from_bytes(octets[at + 8 : at + 12], "little")
    (tmp_path / "1.pcap").write_bytes(octets[:at])
    run = following("--quiet", "--follow", str(tmp_path))
    (tmp_path / "2.pcap").write_bytes(octets[:24] + octets[at:])
    assert run.stdout is not None
    alert = json.loads(run.stdout.readline())
    assert alert["sensor"]["flow"]["evidence"] == "responder_data"
    assert alert["sensor"]["capture"]["file"].endswith("2.pcap")
    run.send_signal(signal.SIGTERM)
    assert run.communicate() == (b"", b"") and run.wait() == 0


def test_no_such_folder(tmp_path: Path) -> None:
    ended = quiet("--follow", str(tmp_path / "none"))
    assert ended.code == 2 and "--follow" in ended.message()


# --- pipes


@pytest.mark.needs("tcpdump")
def test_from_tcpdump_through_a_pipe() -> None:
    writer = subprocess.Popen(["tcpdump", "-r", ACCEPTED, "-w", "-"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)  # fmt: skip
    assert writer.stdout is not None
    reader = Fork("replay", "--quiet", "-", streams=(writer.stdout.fileno(), PIPE, PIPE))
    writer.stdout.close()
    out, err = reader.communicate()
    assert (reader.wait(), writer.wait(), err) == (0, 0, b"")
    assert out.decode() == quiet(ACCEPTED).out


def test_records_longer_than_the_snaplen_are_a_notice(tmp_path: Path) -> None:
    octets = bytearray(Path(ACCEPTED).read_bytes())
    octets[16:20] = (20).to_bytes(4, sys.byteorder)
    path = tmp_path / "short.pcap"
    path.write_bytes(octets)
    ended = sensor("replay", str(path))
    assert (ended.code, len(ended.alerts())) == (0, 1)
    assert f"notice: {path}: " in ended.err and "longer than the snaplen" in ended.err


def test_a_pipe_that_a_glob_finds_is_named_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "live.pcap")
    shutil.copy(ACCEPTED, tmp_path / "whole.pcap")
    ended = sensor("replay", "-q", str(tmp_path / "*.pcap"))
    assert (ended.code, len(ended.alerts())) == (1, 1)
    assert "live.pcap: a pipe or device, not read: name it by itself" in ended.err


def test_of_nothing_there_are_no_tables(tmp_path: Path) -> None:
    path = tmp_path / "empty.pcap"
    path.write_bytes(Path(ACCEPTED).read_bytes()[:24])
    ended = sensor("replay", str(path))
    told = [line for line in ended.err.splitlines() if line and not line.startswith("notice")]
    assert (ended.code, len(told)) == (0, 1) and told[0].startswith("no packets, in ")


def test_a_terminal_as_standard_input_is_told_what_is_waited_for() -> None:
    master, slave = pty.openpty()
    os.write(master, b"\x04" * 8)  # Ctrl-D, for as often as it is read
    _, err = Fork("replay", "-", streams=(slave, PIPE, PIPE)).communicate()
    os.close(slave)
    os.close(master)
    assert b"waiting for a capture on standard input, which is a terminal" in err


@pytest.mark.parametrize("start", ["1767323045", "1767323045.5", "2026-01-02T03:04:05Z",
                                   '"2026-01-02T03:04:05Z"'])
def test_a_time_in_a_settings_file_is_one_as_on_the_command_line(
    tmp_path: Path, start: str
) -> None:
    path = tmp_path / "sensor.toml"
    path.write_text(f"from = {start}\nring_mib = 64.0\n")
    assert quiet("--config", str(path), DEMO).code == 0
    path.write_text("from = true\n")
    assert "must be a string" in quiet("--config", str(path), DEMO).err
