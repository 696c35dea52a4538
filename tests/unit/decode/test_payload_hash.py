"""Every octet of a payload tells two packets apart that are otherwise equal."""

from __future__ import annotations

import pytest

from tests.conversation import Talk, play


@pytest.mark.parametrize("at", range(70))
def test_any_octet_of_a_payload_tells_two_datagrams_apart(at):
    """Words, what is left of a word, and the top bits that a product would lose."""
    frames = []
    for change in (0, 0x80):
        payload = bytearray(b"." * 70)
        payload[at] ^= change
        talk = Talk(6, ports=(40_000, 443))
        talk.client.udp(0, bytes(payload))
        time, octets = talk.frames[0]
        frames.append((time, octets[:60] + b"\xbe\xef" + octets[62:]))
    assert play(frames).ledger["duplicates"] == 0
