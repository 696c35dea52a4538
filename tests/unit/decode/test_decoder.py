"""The loop over a batch: what each packet has of its frame."""

from __future__ import annotations

import pytest

from sensor.model.anomalies import HEADER_NOT_CAPTURED, SOUND
from tests.unit.decode.batches import decode_all, decode_cuts, members_of
from tests.unit.decode.corpus import FRAMES, ethernet, ipv4

MACS = bytes(ethernet())[:12]

IPV4 = b"\x08\x00"


def test_the_batch_is_adopted() -> None:
    packets = decode_all([MACS + IPV4 + ipv4()])
    assert packets.count == 1


def test_an_empty_batch() -> None:
    assert decode_all([]).count == 0


def test_what_a_batch_sums_up() -> None:
    sound, cut = MACS + IPV4 + ipv4(), MACS + IPV4 + ipv4()[:-1]
    part = FRAMES["later_fragment"][1]
    packets = decode_all([sound])
    assert (packets.anomalous, packets.fragments) == (False, 0)
    packets = decode_all([sound, cut, part])
    assert (packets.anomalous, packets.fragments != 0) == (True, True)
    assert packets.wire_bytes == len(sound) + len(cut) + len(part)


def test_records_of_the_batch_before_leave_nothing() -> None:
    for name, (link, frame, _) in FRAMES.items():
        fresh, used = decode_all([frame], link), decode_all([frame], link, stale=0xA5)
        assert members_of(fresh.records[0]) == members_of(used.records[0]), name


# Whether MACsec encrypts stands in its first octet: without it what follows is not known.
@pytest.mark.parametrize("name", [name for name in FRAMES if name != "macsec_encrypted"])
def test_a_capture_that_cuts_is_told_from_a_frame_that_ends(name: str) -> None:
    """Each frame ends at each of its octets, and of what there is each part is captured.

    Where all of it is there, no header is missing by the capture. Where the capture cuts, what is
    found is found of the whole too, unless a header is missing: in the front part alone.
    """
    link, frame, _ = FRAMES[name]
    cuts = [(captured, wire) for wire in range(len(frame) + 1) for captured in range(wire + 1)]
    rows = decode_cuts(frame, link, cuts).records
    found = dict(zip(cuts, rows["anomaly"].tolist(), strict=False))
    for wire in range(len(frame) + 1):
        whole = found[wire, wire]
        assert whole != HEADER_NOT_CAPTURED, wire
        parts = [found[captured, wire] for captured in range(wire)]
        missing = parts.count(HEADER_NOT_CAPTURED)
        assert set(parts[:missing]) <= {HEADER_NOT_CAPTURED}, wire
        assert set(parts[missing:]) <= {whole}, wire
        assert missing or whole != SOUND or wire == 0, wire


# How long these headers are stands in octets of theirs that are missing, too.
TELL_LATER = ("radiotap_padded", "macsec_channel", "trill_options", "frame_relay")


@pytest.mark.parametrize("name", [name for name in FRAMES if not name.startswith(TELL_LATER)])
def test_a_header_is_missing_by_the_capture_where_the_frame_has_all_of_it(name: str) -> None:
    """How long a header is, is one number: by what was captured and by what was on the wire."""
    link, frame, _ = FRAMES[name]
    cuts = [(captured, wire) for wire in range(len(frame) + 1) for captured in range(wire + 1)]
    rows = decode_cuts(frame, link, cuts).records
    found = dict(zip(cuts, rows["anomaly"].tolist(), strict=False))
    ends = {}
    for captured in range(len(frame)):
        for wire in range(captured + 1, len(frame) + 1):
            if found[captured, wire] == HEADER_NOT_CAPTURED:
                ends[captured] = wire
                break
    for captured, end in ends.items():
        assert end == min(other for other in ends.values() if other > captured), captured
