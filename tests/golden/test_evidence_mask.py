"""`--evidence-mask`: no password is left in the frames, and all else is as it was."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import dpkt
import pytest

from tests.command import sensor
from tests.evidence import flow_ids
from tests.golden.test_sessions import secrets_of
from tests.programs import require
from tests.running import CAPTURES
from tests.segments import Frame, joined_telnet, segment_of
from tests.telnet_sessions import FOLDER, truth

# Each kind of server and of trouble; all of the captures take a minute.
FILES = ("begun_late.pcap", "busybox.pcap", "decoys.pcap", "editing.pcap", "elevation.pcap",
         "encrypted.pcap", "incomplete.pcap", "inetutils_careless.pcap",
         "inetutils_second_logins.pcap", "no_options.pcap", "proxied.pcap")
PLACES = {"in a tunnel": "telnet_vxlan.pcap", "in fragments": "telnet_fragments.pcap",
          "over IPv6": "telnet_accepted_v6.pcap", "in a GRE tunnel": "telnet_gre.pcap"}  # fmt: skip


def evidence(path: Path, folder: Path, *arguments: str) -> tuple[Path, dict[str, Any]]:
    """The evidence of all flows of a capture."""
    names = [word for name in flow_ids(path) for word in ("--flow", name)]
    run = sensor("evidence", str(path), "-o", str(folder), *names, *arguments)
    assert run.code == 0, run.err
    return folder, json.loads((folder / "manifest.json").read_bytes())


def frames_of(path: Path) -> list[tuple[float, bytes]]:
    with open(path, "rb") as file:
        return list(dpkt.pcap.UniversalReader(file))


def said_in(path: Path) -> bytes:
    """What was said in a file by both sides, each in its order, without Telnet's commands."""
    segments = [segment for number, octets in frames_of(path)
                if (segment := segment_of(Frame(int(number), octets))) is not None]
    return b"\n\n".join(
        joined_telnet(one.payload for one in segments if one.by_client is by_client)
        for by_client in (True, False))


def has_the_checksums_of(folder: Path, other: Path) -> bool:
    """Every checksum of each frame has the same state in both, as tshark judges it."""
    require("tshark", "mergecap")
    names = sorted(path.name for path in folder.glob("*.pcapng"))
    assert names == sorted(path.name for path in other.glob("*.pcapng"))
    joined = folder.with_suffix(".pcapng")  # in one file, so that tshark starts once
    subprocess.run(["mergecap", "-a", "-w", joined, *(each / name for each in (folder, other)
                                                      for name in names)], check=True)
    options = [word for name in ("tcp", "udp", "ip") for word in
               ("-o", f"{name}.check_checksum:TRUE")]
    fields = [word for name in ("tcp.checksum.status", "udp.checksum.status", "ip.checksum.status",
                                "icmp.checksum.status") for word in ("-e", name)]
    run = subprocess.run(["tshark", "-n", "-r", str(joined), *options, "-T", "fields", *fields],
                         capture_output=True, text=True, check=True)
    states = run.stdout.splitlines()
    half = len(states) // 2
    return bool(states) and states[:half] == states[half:]


@pytest.mark.parametrize("file", FILES)
def test_no_password_is_left(file: str, tmp_path: Path) -> None:
    folder, manifest = evidence(FOLDER / file, tmp_path / "masked", "--evidence-mask")
    plain, _ = evidence(FOLDER / file, tmp_path / "plain")
    (sessions,) = (capture["session"] for capture in truth() if capture["file"] == file)
    secrets = [secret.encode() for session in sessions for secret in secrets_of(session)]
    overwritten = 0
    for flow in manifest["flows"]:
        path, before = folder / flow["file"], plain / flow["file"]
        said, said_before = said_in(path), said_in(before)
        if flow["masked"] is None:  # it is no session, as far as anybody can tell
            assert 23 not in (flow["source"]["port"], flow["destination"]["port"])
            assert said == said_before
            continue
        assert [secret for secret in secrets if secret in said] == []
        overwritten += flow["masked"]["octets"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == flow["sha256"]
        pairs = list(zip(frames_of(path), frames_of(before), strict=True))
        assert all(new[0] == old[0] and len(new[1]) == len(old[1]) for new, old in pairs)
        assert len(said) == len(said_before)
        changed = {a for a, b in zip(said, said_before, strict=True) if a != b}
        assert changed <= {ord("*")}
    assert overwritten or not secrets
    assert has_the_checksums_of(folder, plain)


def test_accounts_and_commands_stay(tmp_path: Path) -> None:
    folder, manifest = evidence(CAPTURES / "demo.pcap", tmp_path / "masked", "--evidence-mask")
    (flow,) = [one for one in manifest["flows"] if one["source"]["port"] == 52002]
    said = said_in(folder / flow["file"])
    assert b"root" in said and b"wget" in said
    assert re.search(rb"\*{6}\r", said)
    assert manifest["is_masked"] and flow["masked"]["octets"] > 0


@pytest.mark.parametrize("name", PLACES.values(), ids=PLACES)
def test_checksums_stay_right(tmp_path: Path, name: str) -> None:
    folder, manifest = evidence(CAPTURES / name, tmp_path / "masked", "--evidence-mask")
    plain, _ = evidence(CAPTURES / name, tmp_path / "plain")
    masked = [flow for flow in manifest["flows"] if flow["masked"]]
    assert any(flow["masked"]["octets"] for flow in masked)
    assert has_the_checksums_of(folder, plain)


def test_what_is_no_session_stays(tmp_path: Path) -> None:
    folder, manifest = evidence(CAPTURES / "background.pcap", tmp_path / "masked",
                                "--evidence-mask")
    plain, _ = evidence(CAPTURES / "background.pcap", tmp_path / "plain")
    for flow in manifest["flows"]:
        assert not flow["masked"]
        assert frames_of(folder / flow["file"]) == frames_of(plain / flow["file"])


@pytest.mark.parametrize("command", [("replay",), ("report", "-o", "report.html")])
def test_a_mask_without_evidence_is_refused(command: tuple[str, ...], tmp_path: Path) -> None:
    run = sensor(*command, str(CAPTURES / "demo.pcap"), "--evidence-mask", cwd=tmp_path)
    assert run.code == 2 and "--evidence DIR" in run.err
