"""Filters: what libpcap makes of them, and the choice of interfaces that is put before them.

The programs run here on an interpreter of classic BPF (bpf_machine.py).
"""

from __future__ import annotations

import ctypes.util
import random
import socket
import sys

import pytest

from sensor.capture.bpf import (
    INSTRUCTIONS_MAX,
    LIBPCAP_MISSING,
    attach,
    compile_filter,
    hides,
    packed,
    with_interfaces,
)
from sensor.errors import ConfigError
from tests.unit.capture.bpf_machine import kept

ETHERNET = 1
PACKET_HOST, PACKET_OUTGOING = 0, 4

TELNET = bytes.fromhex(
    "020000000001 020000000002 0800"
    "4500 0028 0001 0000 4006 0000 c0000201 c0000202"
    "9c40 0017 00000001 00000000 5002 0400 0000 0000"
)
WEB = TELNET.replace(b"\x9c\x40\x00\x17", b"\x9c\x40\x00\x50")


@pytest.mark.needs("libpcap")
def test_a_filter_selects_what_it_says() -> None:
    program = compile_filter("tcp port 23", ETHERNET)
    assert kept(program, TELNET) >= len(TELNET)
    assert kept(program, WEB) == 0


@pytest.mark.needs("libpcap")
def test_every_address_can_be_in_a_filter() -> None:
    """Those from 128.0.0.0 on are negative numbers to scapy."""
    program = compile_filter("not host 192.0.2.1 and not host 10.0.0.1", ETHERNET)
    operands = {operand for *_, operand in program}
    assert {0xC000_0201, 0x0A00_0001} <= operands
    assert len(packed(program)) == 8 * len(program)


@pytest.mark.needs("libpcap")
def test_a_filter_fits_the_link_it_is_for() -> None:
    for link, header in ((ETHERNET, 14), (12, 0), (101, 0), (113, 16)):
        program = compile_filter("tcp port 23", link)
        octets = bytes(14) + TELNET[12:14] if header == 16 else TELNET[:header]
        assert kept(program, octets + TELNET[14:]) > 0, link


@pytest.mark.needs("libpcap")
@pytest.mark.parametrize(
    ("text", "reason"),
    [("tcp prt 23", "syntax error"), ("net 192.0.2.0/99", "mask length"), ("port 99999", "99999"),
     ("tcp\x1b[2J", "syntax error"), ("tcp\0", "NUL")],
)  # fmt: skip
def test_a_bad_filter_is_refused_in_libpcaps_words(text: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compile_filter(text, ETHERNET)
    assert "--bpf tcp" in str(caught.value) or f"--bpf {text}" in str(caught.value)
    assert reason in str(caught.value)
    assert str(caught.value).isprintable()


def test_without_libpcap_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import scapy.libs  # noqa: PLC0415

    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    monkeypatch.delitem(sys.modules, "scapy.libs.winpcapy", raising=False)
    monkeypatch.delattr(scapy.libs, "winpcapy", raising=False)
    with pytest.raises(ConfigError) as caught:
        compile_filter("tcp port 23", ETHERNET)
    assert str(caught.value) == LIBPCAP_MISSING and "libpcap0.8" in LIBPCAP_MISSING


@pytest.mark.needs("libpcap")
@pytest.mark.parametrize("count", [1, 2, 64, 127, 128, 300, 1500])
@pytest.mark.parametrize("text", ["", "tcp port 23"])
def test_frames_of_the_chosen_interfaces_and_no_others_pass(count: int, text: str) -> None:
    chance = random.Random(count)
    indexes = chance.sample(range(1, 1 << 16), count)
    loopback = frozenset(chance.sample(indexes, count // 3)) | {1 << 20}
    program = with_interfaces(compile_filter(text, ETHERNET) if text else [], indexes, loopback)
    assert len(program) <= INSTRUCTIONS_MAX
    others = [0, 1 << 20, 0xFFFF_FFFF, *(index + 1 for index in indexes[:5])]
    for index in [*indexes[:20], *indexes[-5:], *sorted(loopback)[:10], *others]:
        for packet_type in (PACKET_HOST, 1, 3, PACKET_OUTGOING):
            wanted = index in indexes and not (
                index in loopback and packet_type == PACKET_OUTGOING
            )
            whole = kept(program, TELNET, index, packet_type)
            assert (whole >= len(TELNET)) is wanted and (whole == 0) is not wanted
            assert (kept(program, WEB, index, packet_type) > 0) is (wanted and not text)


def test_a_filter_starts_as_in_an_empty_machine() -> None:
    returns_a = [(0x16, 0, 0, 0)]  # ret a
    returns_x = [(0x87, 0, 0, 0), *returns_a]  # txa
    for program in (returns_a, returns_x):
        assert kept(with_interfaces(program, [7], {7}), TELNET, 7, PACKET_HOST) == 0


def test_an_interface_that_is_named_twice_is_one() -> None:
    assert with_interfaces([], [3, 3, 2]) == with_interfaces([], [2, 3])


@pytest.mark.needs("libpcap")
def test_no_interface_accepts_nothing() -> None:
    assert kept(with_interfaces([], []), TELNET) == 0
    assert kept(with_interfaces(compile_filter("tcp", ETHERNET), []), TELNET, 1) == 0


def test_a_program_that_the_kernel_would_refuse_is_refused() -> None:
    room = INSTRUCTIONS_MAX - len(with_interfaces([(6, 0, 0, 1)], [1])) + 1
    longest = [(0x00, 0, 0, 1)] * (room - 1) + [(6, 0, 0, 1)]
    assert len(with_interfaces(longest, [1])) == INSTRUCTIONS_MAX
    with pytest.raises(ConfigError, match="4097 instructions"):
        with_interfaces([(0x00, 0, 0, 1), *longest], [1])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these filters")
def test_the_kernel_takes_the_programs_and_refuses_nonsense() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        attach(sock, with_interfaces([], range(1, 65), {1}))
        attach(sock, with_interfaces([], []))
        with pytest.raises(OSError):
            attach(sock, [(0x15, 9, 9, 0), (6, 0, 0, 0)])  # jumps out of the program


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these filters")
def test_a_filter_in_the_kernel_refuses_what_it_should() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        # A datagram socket's frame starts at the UDP header: 8 octets before the data.
        attach(receiver, [(0x30, 0, 0, 8), (0x15, 0, 1, ord("y")), (6, 0, 0, 0x40000),
                          (6, 0, 0, 0)])  # fmt: skip
        receiver.settimeout(10)
        for text in (b"no", b"yes", b"no", b"you"):
            sender.sendto(text, receiver.getsockname())
        assert [receiver.recv(100), receiver.recv(100)] == [b"yes", b"you"]


def test_instructions_are_packed_as_the_kernel_reads_them() -> None:
    assert packed([(0x15, 1, 2, 0x0102_0304)]) == (
        b"\x15\x00\x01\x02\x04\x03\x02\x01" if sys.byteorder == "little"
        else b"\x00\x15\x01\x02\x01\x02\x03\x04"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tcp port 23", ["QinQ", "tcp port 23 or (vlan and (tcp port 23))", "tunnels", "fragment",
                         "ICMP errors"]),
        ("host 192.0.2.1", ["QinQ", "tunnels"]),
        ("dst port 23", ["one direction"]),
        ("vlan 5 and tcp port 23", ["second tag", "fragment"]),
        ("vlan 5", ["one VLAN tag", "second tag"]),
        ("ip", ["QinQ"]),
    ],
)  # fmt: skip
def test_what_a_filter_hides_is_said(text: str, words: list[str]) -> None:
    warning = hides(text)
    assert warning is not None
    for word in words:
        assert word in warning


@pytest.mark.parametrize("text", ["", "ether host 02:00:00:00:00:01", "greater 64", "not arp",
                                  "not host 192.0.2.9", "! port 22"])
def test_a_filter_below_ip_hides_nothing_unexpected(text: str) -> None:
    assert hides(text) is None


def test_what_is_not_hidden_is_not_said() -> None:
    assert "fragment" not in str(hides("host 192.0.2.1 and tcp"))
    assert "ICMP" not in str(hides("tcp port 23 or icmp or icmp6"))
    assert "direction" not in str(hides("tcp port 23"))
    assert "tunnels" not in str(hides("ip"))


def test_the_warning_is_harmless() -> None:
    assert str(hides("port 23\x1b[2J")).isprintable()
