"""`sensor doctor` in network namespaces: what it finds wrong there is really wrong, and mended."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import COMMAND, environment
from tests.programs import require

NAMESPACE = ["unshare", "--user", "--map-root-user", "--net", "sh", "-euc"]
"""Root of a user and network namespace of its own, so that no privilege is needed."""
WIRE = """
ip link add v0 type veth peer name v1
ip link set v0 up
ip link set v1 up
"""
WITHOUT_CAPABILITIES = "setpriv --bounding-set=-all --inh-caps=-all"

SENDER = """
import socket, subprocess, sys, time
from dpkt.ethernet import Ethernet
from dpkt.ip import IP
from dpkt.tcp import TCP, TH_ACK

def frames(ident):
    for client in range(1000, 1010):
        for back in (False, True)[:DIRECTIONS]:
            ends = (b"\\x0a\\0\\0\\1", b"\\x0a\\0\\0\\2")
            ports = (23, client) if back else (client, 23)
            segment = TCP(sport=ports[0], dport=ports[1], flags=TH_ACK)
            packet = IP(src=ends[back], dst=ends[not back], p=6, id=ident, data=segment)
            frame = bytes(Ethernet(data=packet))
            if VLAN:
                frame = frame[:12] + b"\\x81\\0" + VLAN.to_bytes(2, "big") + frame[12:]
            for _ in range(COPIES):
                yield frame

out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
out.bind(("v1", 0))
doctor = subprocess.Popen(sys.argv[1:])
ident = 0
while doctor.poll() is None:  # from before it looks until after
    ident = ident % 60000 + 1
    for frame in frames(ident):
        out.send(frame)
    time.sleep(0.01)  # the pace
sys.exit(doctor.returncode)
"""


def in_namespace(shell: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a namespace that the shell has prepared."""
    require("user namespaces", "ip")
    return subprocess.run(
        [*NAMESPACE, f'{shell}\n"$@"', "sh", *command], env=environment(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def doctor(shell: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return in_namespace(shell, *COMMAND, "doctor", *arguments)


def lines_about(ended: subprocess.CompletedProcess[str], subject: str) -> list[str]:
    """The lines about a subject: state and fact, then what to do."""
    lines = ended.stdout.splitlines()
    at = [n for n, line in enumerate(lines) if line.split()[1:2] == [subject]]
    assert at, ended
    found = [" ".join(lines[at[-1]].split())]
    for line in lines[at[-1] + 1 :]:
        if not line.startswith(" " * 20):
            break
        found.append(line.strip())
    return found


def test_a_wire_that_works_needs_nothing() -> None:
    ended = doctor(WIRE, "-i", "v0", "--listen", "0")
    assert (ended.returncode, ended.stderr) == (0, "")
    for subject in ("rights", "ring", "link", "offloads", "losses"):
        assert lines_about(ended, subject)[0].startswith("ok "), ended.stdout
    assert "capturing works" in ended.stdout.splitlines()[-1]


def test_a_link_that_is_down_is_mended_by_the_command_that_is_told() -> None:
    ended = doctor(WIRE + "ip link set v0 down", "-i", "v0", "--listen", "0")
    fact, *_, command = lines_about(ended, "link")
    assert ended.returncode == 1 and fact.startswith("problem link down")
    assert command == "sudo ip link set dev v0 up"
    mended = WIRE + "ip link set v0 down\n" + command.removeprefix("sudo ")
    assert doctor(mended, "-i", "v0", "--listen", "0").returncode == 0


def test_a_peer_that_is_down_is_a_carrier_that_is_missing() -> None:
    ended = doctor(WIRE + "ip link set v1 down", "-i", "v0", "--listen", "0")
    assert ended.returncode == 0
    assert lines_about(ended, "link")[0].startswith("warning link up, but without a carrier")


@pytest.mark.needs("ethtool")
def test_an_offload_is_mended_by_the_command_that_is_told() -> None:
    ended = doctor(WIRE + "ethtool -K v0 gro on > /dev/null", "-i", "v0", "--listen", "0")
    fact, *_, command = lines_about(ended, "offloads")
    assert ended.returncode == 0 and fact.startswith("warning offloads gro on")
    assert command == "sudo ethtool -K v0 gro off"
    mended = WIRE + "ethtool -K v0 gro on > /dev/null\n" + command.removeprefix("sudo ")
    assert lines_about(doctor(mended, "-i", "v0", "--listen", "0"), "offloads")[0].startswith("ok")


def test_the_missing_right_is_told_with_the_commands_that_give_it() -> None:
    ended = in_namespace(
        WIRE, *WITHOUT_CAPABILITIES.split(), *COMMAND, "doctor", "-i", "v0", "--listen", "1"
    )
    assert ended.returncode == 1
    told = "\n".join(lines_about(ended, "rights"))
    assert told.startswith("problem rights no CAP_NET_RAW")
    assert f"sudo {sys.executable} -m sensor live -i v0 --user nobody" in told
    assert f"sudo setcap cap_net_raw+ep {os.path.realpath(sys.executable)}" in told
    assert "ring" not in ended.stdout.split() and "traffic" not in ended.stdout.split()


def test_this_one_capability_is_enough() -> None:
    only = "setpriv --bounding-set=-all,+net_raw --inh-caps=-all,+net_raw"
    ended = in_namespace(WIRE, *only.split(), *COMMAND, "doctor", "-i", "v0", "--listen", "0.1")
    assert ended.returncode == 0, ended.stdout
    assert lines_about(ended, "rights") == ["ok rights CAP_NET_RAW"]


@pytest.mark.parametrize("name", ["nope", "a\x1b[2J\nb", "", "-x", "x" * 40])
def test_an_interface_that_is_not_there_is_told_with_those_that_are(name: str) -> None:
    ended = doctor(WIRE, f"--interface={name}", "--listen", "1")
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "\x1b" not in ended.stdout
    fact = lines_about(ended, "link")[0]
    assert fact.startswith("problem link there is no such interface; there are: lo, v")


def test_without_a_name_all_are_told_in_short_and_none_is_a_problem() -> None:
    ended = doctor(WIRE + "ip link set v1 down")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert lines_about(ended, "v0")[0].startswith("ok v0 up, but without a carrier")
    assert lines_about(ended, "v1")[0].startswith("ok v1 down")
    assert not any(line.split()[1:2] == ["lo"] for line in ended.stdout.splitlines())


def test_loopback_can_be_asked_about() -> None:
    ended = doctor("ip link set lo up", "-i", "lo", "--listen", "0.1")
    assert ended.returncode == 0
    assert lines_about(ended, "link")[0].startswith("ok link up")


def test_silence_is_told() -> None:
    quiet = WIRE + "for i in v0 v1; do ip link set $i down; done\n" \
        "for i in v0 v1; do ip link set dev $i addrgenmode none up; done"  # fmt: skip
    ended = doctor(quiet, "-i", "v0", "--listen", "0.3")
    fact, _, command = lines_about(ended, "traffic")
    assert ended.returncode == 0
    assert re.fullmatch(r"warning traffic not one frame in \d+\.\d s", fact)
    assert command.endswith("doctor -i v0 --listen 30")


def traffic(
    *, directions: int = 2, vlan: int = 0, copies: int = 1
) -> subprocess.CompletedProcess[str]:
    """Look at a wire on which ten TCP connections are being sent."""
    values = {"DIRECTIONS": directions, "VLAN": vlan, "COPIES": copies}
    code = "\n".join(f"{name} = {value}" for name, value in values.items()) + SENDER
    ended = in_namespace(WIRE, sys.executable, "-c", code, *COMMAND, "doctor", "-i", "v0",
                         "--listen", "1")  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert lines_about(ended, "traffic")[0].endswith(" frames/s")
    return ended


def test_both_sides_of_connections_are_heard() -> None:
    ended = traffic()
    assert lines_about(ended, "directions") == [
        "ok directions both sides of 10 in 10 TCP connections"]  # fmt: skip
    assert "copies" not in ended.stdout.split() and "VLANs" not in ended.stdout.split()


def test_a_mirror_of_one_direction_is_noticed() -> None:
    fact, advice = lines_about(traffic(directions=1), "directions")
    assert fact.startswith("warning directions of 10 in 10 TCP connections one side only")
    assert "verdicts need both" in advice


def test_vlans_are_told_though_the_kernel_takes_the_tag_out() -> None:
    assert lines_about(traffic(vlan=42), "VLANs") == ["ok VLANs 42"]


def test_a_mirror_that_copies_twice_is_noticed() -> None:
    fact, _ = lines_about(traffic(copies=2), "copies")
    assert fact.startswith("warning copies")


@pytest.mark.parametrize("arguments", [("--listen", "-1"), ("--ring-mib", "0"), ("--listen", "x"),
                                       ("surplus",), ("--config", "/no/such/file")])  # fmt: skip
def test_bad_usage_is_two(arguments: tuple[str, ...]) -> None:
    ended = subprocess.run([*COMMAND, "doctor", *arguments], env=environment(),
                           capture_output=True, text=True, check=False)  # fmt: skip
    assert ended.returncode == 2 and ended.stdout == ""


def test_a_ring_that_is_too_large_prevents_capturing(tmp_path: Path) -> None:
    config = tmp_path / "sensor.toml"
    config.write_text(f"[capture]\nring_bytes = {1 << 50}\n")
    ended = doctor(WIRE, "--config", str(config))
    assert ended.returncode == 1
    fact, _, command = lines_about(ended, "ring")
    assert fact.startswith("problem ring a ring of") and " live --ring-mib " in command


def test_the_interfaces_of_the_configuration_are_looked_at(tmp_path: Path) -> None:
    config = tmp_path / "sensor.toml"
    config.write_text('interface = ["v1"]\nring_mib = 3\n')
    ended = doctor(WIRE, "--config", str(config), "--listen", "0")
    assert "\nv1\n" in ended.stdout and "\nv0\n" not in ended.stdout
    assert lines_about(ended, "ring")[0].startswith("ok ring 3 MiB")


def test_the_ring_of_the_configuration_is_tried(tmp_path: Path) -> None:
    config = tmp_path / "sensor.toml"
    config.write_text("[capture]\nring_bytes = 2097152\nblock_bytes = 131072\n")
    ended = doctor(WIRE, "--config", str(config))
    assert lines_about(ended, "ring") == ["ok ring 2 MiB in blocks of 128 KiB"]


def test_colours_are_for_those_who_ask() -> None:
    assert "\x1b[" not in doctor(WIRE).stdout
    coloured = doctor(WIRE, "--color", "always").stdout
    assert "\x1b[32m  ok" in coloured
