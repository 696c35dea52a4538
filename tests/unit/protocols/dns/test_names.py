"""Names as RFC 1035 writes them, and as hostile messages have them."""

from __future__ import annotations

import pytest

from sensor.protocols.dns.names import Malformed, escaped, name_at, skip_name

STEPS_MAX = 256
# RFC 1035 4.1.4: F.ISI.ARPA at 20, FOO.F.ISI.ARPA at 40, ARPA at 64, the root at 92.
RFC_1035 = bytearray(93)
RFC_1035[20:32] = b"\1F\3ISI\4ARPA\0"
RFC_1035[40:46] = b"\3FOO\xc0\x14"
RFC_1035[64:66] = b"\xc0\x1a"
RFC_1035[92] = 0


@pytest.mark.parametrize(("at", "name", "after"), [
    (20, "F.ISI.ARPA", 32), (40, "FOO.F.ISI.ARPA", 46), (64, "ARPA", 66), (92, ".", 93),
])
def test_the_example_of_the_standard(at: int, name: str, after: int) -> None:
    assert name_at(bytes(RFC_1035), at) == (name, after)
    assert skip_name(bytes(RFC_1035), at) == after


@pytest.mark.parametrize(("label", "text"), [
    (b"Donald E. Eastlake 3rd", r"Donald\032E\.\032Eastlake\0323rd"),  # RFC 4343 2.1
    (b"a\\b", r"a\\b"), (b"a\000in\xff", r"a\000in\255"), (b"_dmarc", "_dmarc"),
    (b'"x"', r"\"x\""),  # ECS: quotes should be escaped
])
def test_labels_that_are_no_plain_text(label: bytes, text: str) -> None:
    assert escaped(label) == text
    octets = bytes([len(label)]) + label + b"\7example\0"
    assert name_at(octets, 0) == (f"{text}.example", len(octets))


def test_case_stays_as_it_is() -> None:
    assert name_at(b"\3wWw\0", 0) == ("wWw", 5)


def test_the_longest_name() -> None:
    longest = (b"\x3f" + b"x" * 63) * 3 + b"\x3d" + b"x" * 61 + b"\0"
    assert len(longest) == 255  # RFC 1035 2.3.4
    assert len(name_at(longest, 0)[0]) == 253
    with pytest.raises(Malformed):
        name_at((b"\x3f" + b"x" * 63) * 3 + b"\x3e" + b"x" * 62 + b"\0", 0)


@pytest.mark.parametrize("octets", [
    b"\xc0\x00",  # points to itself
    b"\1a\xc0\x00",  # to where it began: the same labels for ever
    b"\xc0\x04\0\0\0",  # ahead
    b"\x40a\0", b"\x80\0",  # kinds of labels that nobody has
    b"\3ww", b"\3www", b"\xc0", b"",  # cut
])
def test_what_is_no_name(octets: bytes) -> None:
    with pytest.raises((Malformed, IndexError)):
        name_at(octets, 0)


def test_pointers_to_pointers_are_followed_so_far() -> None:
    chain = b"\1a\0\0" + b"".join(
        bytes([0xC0 | target >> 8, target & 255])
        for target in (0, *range(4, 2 * STEPS_MAX, 2)))  # fmt: skip
    assert name_at(chain, 4 + 2 * 10) == ("a", 4 + 2 * 11)
    with pytest.raises(Malformed):
        name_at(chain, len(chain) - 2)


def test_what_is_skipped() -> None:
    assert skip_name(b"\1a\xc0\x99", 0) == 4
    for octets in (b"\x80", b"\1\1" * 2, b""):
        with pytest.raises((Malformed, IndexError)):
            skip_name(octets, 0)
