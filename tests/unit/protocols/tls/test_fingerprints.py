"""JA3 and JA4 by the examples of those who defined them; JA3S and real hellos by tshark."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest

from captures.formats import ETHERNET, Frame, Pcap
from sensor.protocols.tls.fingerprints import ja3, ja3_text, ja4
from sensor.protocols.tls.hello import ClientHello
from tests.conversation import Talk
from tests.unit.protocols.tls.handshakes import handshake, speakers, told
from tests.unit.protocols.tls.test_hello import pairs, vector

GREASE = 0x1A1A
CIPHERS = (0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013, 0xC014,
           0x009C, 0x009D, 0x002F, 0x0035)  # fmt: skip
EXTENSIONS = (0x001B, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002D, 0x000D, 0x0005, 0x0023,
              0x0012, 0x002B, 0xFF01, 0x000B, 0x000A, 0x0015)  # fmt: skip
SIGNATURES = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)


def modern(**changes: bytes | None) -> ClientHello:
    """The example of JA4's document: the hello of a browser."""
    content = {
        0x0010: vector(2, vector(1, b"h2") + vector(1, b"http/1.1")),
        0x000D: vector(2, pairs(*SIGNATURES)),
        0x002B: vector(1, pairs(GREASE, 0x0304, 0x0303)),
    }  # fmt: skip
    extensions = {GREASE: b""} | {code: content.get(code, b"") for code in EXTENSIONS}
    if "alpn" in changes:
        extensions[0x0010] = vector(2, vector(1, changes["alpn"] or b""))
    if "signatures" in changes:
        extensions[0x000D] = changes["signatures"] or b""
    return ClientHello(0x0303, (GREASE, *CIPHERS), extensions)


def test_the_example_of_ja4() -> None:
    assert ja4(modern()) == "t13d1516h2_8daaf6152771_e5627efa2ab1"


def test_ja4_without_signature_algorithms() -> None:
    assert ja4(modern(signatures=b"")).endswith("_6d807ffa2a79")


@pytest.mark.parametrize(("protocol", "ends"), [
    (b"http/1.1", "h1"), (b"h", "hh"), (b"\xab", "ab"), (b"\xab\xcd", "ad"), (b"0\xab", "3b"),
    (b"01\xab\xcd", "3d"), (b"0\xab\xcd1", "01"), (b"", "00"),
])
def test_the_protocol_in_ja4(protocol: bytes, ends: str) -> None:
    assert ja4(modern(alpn=protocol))[8:10] == ends


def test_ja4_of_an_old_client_that_offers_nothing() -> None:
    assert ja4(ClientHello(0x0300, (), {})) == f"ts3i000000_{'0' * 12}_{'0' * 12}"


def test_the_examples_of_ja3() -> None:
    groups = vector(2, pairs(23, 24, 25))
    hello = ClientHello(769, (47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4),
                        {0: b"", 10: groups, 11: vector(1, b"\0")})  # fmt: skip
    assert ja3(hello) == "ada70206e40642a3e4461f35503241d5"
    bare = ClientHello(769, (4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99), {})
    assert ja3_text(bare) == "769,4-5-10-9-100-98-3-6-19-18-99,,,"
    assert ja3(bare) == "de350869b8c85de67a350c8d186f11e6"


def test_grease_is_no_part_of_ja3() -> None:
    greasy = ClientHello(771, (GREASE, 47), {GREASE: b"", 10: vector(2, pairs(0xDADA, 29))})
    assert ja3_text(greasy) == "771,47,10,29,"


@pytest.mark.needs("tshark")
def test_tshark_agrees_on_real_hellos(tmp_path: Path) -> None:
    frames, ours = [], []
    versions = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    for number, version in enumerate(versions):
        pieces = handshake(*speakers(version))[0]
        (event,) = told(pieces)
        ours.append([event[f"tls.{name}"] for name in ("client.ja3", "server.ja3s")])
        talk = Talk(ports=(40_000 + number, 443))
        talk.handshake(number)
        for at, (side, octets) in enumerate(pieces, 1):
            (talk.server if side else talk.client).data(number + at / 10, octets)
        frames += talk.frames
    path = tmp_path / "hellos.pcap"
    Pcap().write(path, ETHERNET, [Frame(*frame) for frame in frames])
    columns = ("tls.handshake.ja3", "tls.handshake.ja3s")
    said = subprocess.run(["tshark", "-nr", path, "-T", "fields", *(
        word for column in columns for word in ("-e", column))],
        capture_output=True, text=True, check=True).stdout.split()  # fmt: skip
    assert said == [value for pair in ours for value in pair]
