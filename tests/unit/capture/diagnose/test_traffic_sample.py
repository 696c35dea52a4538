"""What a sample of traffic shows of frames that were made for it."""

from __future__ import annotations

from dpkt.ethernet import ETH_TYPE_IP6, Ethernet
from dpkt.ip import IP
from dpkt.ip6 import IP6
from dpkt.tcp import TCP, TH_ACK, TH_RST, TH_SYN

from sensor.capture.diagnose.traffic_sample import COPY_WINDOW_NS, FRAMES_OF_ONE_SIDE, Traffic
from sensor.decode.decoder import Decoder
from sensor.memory.records import NO_VLAN
from sensor.model.packets import PacketBatch
from tests.memory_capture import MemoryCapture

HERE, THERE = ("192.0.2.1", 40000), ("198.51.100.2", 23)


def segment(client: int = 40000, *, back: bool = False, flags: int = TH_ACK, ident: int = 0) -> (
    bytes
):
    """An Ethernet frame of a connection from 192.0.2.1 to port 23 of 198.51.100.2, or back."""
    ports = (23, client) if back else (client, 23)
    addresses = (bytes([198, 51, 100, 2]), bytes([192, 0, 2, 1]))
    source, target = addresses if back else addresses[::-1]
    tcp = TCP(sport=ports[0], dport=ports[1], flags=flags)
    return bytes(Ethernet(data=IP(src=source, dst=target, p=6, id=ident, data=tcp)))


def tagged(frame: bytes, *tags: int) -> bytes:
    """The frame with VLAN tags, outermost first."""
    octets = b"".join(b"\x81\x00" + tag.to_bytes(2, "big") for tag in tags)
    return frame[:12] + octets + frame[12:]


def seen(
    *frames: bytes, vlan: int = NO_VLAN, step_ns: int = 10**9, wire_bytes: int = 0
) -> Traffic:
    """What the frames show, `step_ns` apart; of one VLAN whose tag the kernel took out."""
    traffic, packets = Traffic(mtu=1500), PacketBatch()
    decoder = Decoder(join=False)
    capture = [(at * step_ns, frame, wire_bytes) for at, frame in enumerate(frames)]
    for batch in MemoryCapture(capture):
        batch.records["vlan_tci"] = vlan
        decoder.decode(batch, packets)
        traffic.add(batch, packets)
    return traffic


def test_a_connection_is_heard_from_both_sides_or_from_one() -> None:
    both = [segment(1, ident=1), segment(1, back=True, ident=2)]
    one = [segment(2, ident=at) for at in range(FRAMES_OF_ONE_SIDE)]
    short = [segment(3)]
    traffic = seen(*both, *one, *short)
    assert (traffic.both_ways, traffic.one_way) == (1, 1)


def test_attempts_that_nobody_answers_say_nothing_about_directions() -> None:
    attempts = [segment(at, flags=TH_SYN, ident=at) for at in range(20)]
    refusals = [segment(at, back=True, flags=TH_RST | TH_ACK, ident=at) for at in range(20)]
    traffic = seen(*attempts, *refusals)
    assert (traffic.both_ways, traffic.one_way) == (0, 0)


def test_ipv6_and_tagged_frames_are_connections_too() -> None:
    six = [bytes(Ethernet(type=ETH_TYPE_IP6, data=IP6(
        src=source, dst=target, nxt=6, plen=20, data=TCP(sport=a, dport=b, flags=TH_ACK))))
        for source, target, a, b in ((b"\x20" * 16, b"\x21" * 16, 1, 2),
                                     (b"\x21" * 16, b"\x20" * 16, 2, 1))]  # fmt: skip
    traffic = seen(*six, tagged(segment(5), 10, 20), tagged(segment(5, back=True), 10, 20))
    assert traffic.both_ways == 2
    assert traffic.vlans == {10, 20}


def test_the_tag_that_the_kernel_took_out_counts() -> None:
    assert seen(segment(), vlan=7).vlans == {7}


def test_a_copy_is_the_same_octets_at_once() -> None:
    frame = segment(ident=5)
    assert seen(frame, frame, step_ns=COPY_WINDOW_NS // 2).copies == 1
    assert seen(frame, frame, step_ns=COPY_WINDOW_NS * 2).copies == 0  # sent again
    assert seen(frame, segment(ident=6), step_ns=0).copies == 0


def test_large_is_what_does_not_fit_without_tags_and_link_header() -> None:
    assert [seen(segment(), wire_bytes=size).large for size in (60, 1514, 1515)] == [0, 0, 1]
    assert seen(tagged(segment(), 1, 2), wire_bytes=1522).large == 0
    assert seen(tagged(segment(), 1, 2), wire_bytes=1523).large == 1
    assert seen(segment(), wire_bytes=1515, vlan=1).large == 1


def test_memory_has_a_bound() -> None:
    idents = [*range(20_000), 19_999, 0]  # the last one was so long ago that nobody remembers it
    traffic = seen(*(segment(ident=ident) for ident in idents), step_ns=0)
    assert (traffic.frames, traffic.copies) == (20_002, 1)


def test_no_octets_raise() -> None:
    whole = tagged(segment(), 1)
    for frame in (whole, b"\xff" * 80, b"\x08\x00" * 40, bytes(12) + b"\x81\x00" * 34):
        for end in range(len(frame) + 1):
            seen(frame[:end])
