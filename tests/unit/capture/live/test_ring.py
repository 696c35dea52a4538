"""The ring is read as the kernel writes it, and every block goes back exactly once."""

from __future__ import annotations

import sys

from sensor.capture.live.ring import Ring
from sensor.memory.records import NO_VLAN
from sensor.model.frames import FRAMES_MAX, FrameBatch
from tests.unit.capture.live.kernel_ring import BLOCK_BYTES, Frame, KernelRing


def opened(blocks: int = 4) -> tuple[KernelRing, Ring, FrameBatch]:
    kernel = KernelRing(blocks)
    frames = FrameBatch()
    frames.attach(kernel.memory)
    return kernel, Ring(kernel.memory, BLOCK_BYTES), frames


def octets_of(kernel: KernelRing, frames: FrameBatch) -> list[bytes]:
    rows = frames.records[: frames.count]
    return [bytes(kernel.memory[row["offset"] : row["offset"] + row["captured"]]) for row in rows]


def numbered(count: int, size: int = 60) -> list[Frame]:
    return [Frame(number.to_bytes(4, "big") + bytes(size - 4)) for number in range(count)]


def test_an_untouched_ring_has_no_frames() -> None:
    _, ring, frames = opened()
    assert ring.fill(frames) == 0
    ring.release()


def test_frames_keep_octets_time_and_lengths() -> None:
    kernel, ring, frames = opened()
    ring.know({3: 1, 9: 2})
    kernel.hand_over([
        Frame(b"a" * 60, time_ns=5_000_000_001),
        Frame(b"b" * 1500, time_ns=1_900_000_000_999_999_999, wire=9000, interface=9),
        Frame(b"c" * 42, interface=77),
    ])  # fmt: skip
    assert ring.fill(frames) == 3
    assert octets_of(kernel, frames) == [b"a" * 60, b"b" * 1500, b"c" * 42]
    rows = frames.records[:3]
    assert rows["time_ns"][:2].tolist() == [5_000_000_001, 1_900_000_000_999_999_999]
    assert rows["wire"].tolist() == [60, 9000, 42]
    assert rows["link"].tolist() == [1, 1, 1]
    assert rows["interface"].tolist() == [1, 2, 0]
    assert rows["vlan_tci"].tolist() == [NO_VLAN] * 3
    assert ring.last_ns == 1_900_000_000_999_999_999


def test_the_tag_that_the_kernel_took_out_is_in_the_row() -> None:
    kernel, ring, frames = opened()
    valid, has_type = 1 << 4, 1 << 6
    kernel.hand_over([
        Frame(b"a" * 60, status=1 | valid | has_type, vlan_tci=0x2064, vlan_tpid=0x88A8),
        Frame(b"b" * 60, status=1 | valid, vlan_tci=7),
        Frame(b"c" * 60, vlan_tci=7),  # not valid: whatever stands there
        Frame(b"d" * 60, status=1 | valid | has_type, vlan_tci=0, vlan_tpid=0x8100),
    ])  # fmt: skip
    ring.fill(frames)
    rows = frames.records[:4]
    assert rows["vlan_tci"].tolist() == [0x2064, 7, NO_VLAN, 0]
    assert rows["vlan_tpid"].tolist() == [0x88A8, 0x8100, 0, 0x8100]


def test_frames_of_tunnels_start_at_the_network_header() -> None:
    kernel, ring, frames = opened()
    kernel.hand_over([
        Frame(b"\x45" + bytes(39), hardware=65534, link_header=0),  # tun: no header at all
        Frame(b"gre!" + b"\x60" + bytes(43), hardware=778, link_header=4, protocol=0x86DD),
        Frame(b"\xff\x03\xc0\x21", hardware=512, link_header=2, protocol=0xC021),  # PPP's own
    ])  # fmt: skip
    ring.fill(frames)
    assert frames.records[:3]["link"].tolist() == [228, 229, 0xFFFF]
    assert octets_of(kernel, frames)[:2] == [b"\x45" + bytes(39), b"\x60" + bytes(43)]
    assert frames.records[:3]["wire"].tolist() == [40, 44, 2]


def test_a_block_is_ours_until_it_is_released() -> None:
    kernel, ring, frames = opened()
    kernel.hand_over(numbered(3))
    ring.fill(frames)
    assert kernel.status(0) == 1
    ring.release()
    assert kernel.status(0) == 0
    ring.release()
    assert [kernel.status(block) for block in range(4)] == [0, 0, 0, 0]


def test_a_block_larger_than_a_batch_is_read_in_parts_and_released_after_the_last() -> None:
    kernel, ring, frames = opened()
    small = FrameBatch(100)
    small.attach(kernel.memory)
    kernel.hand_over(numbered(250))
    seen: list[bytes] = []
    for expected, status in ((100, 1), (100, 1), (50, 0)):
        assert ring.fill(small) == expected
        seen += octets_of(kernel, small)
        ring.release()
        assert kernel.status(0) == status
    assert [octets[:4] for octets in seen] == [n.to_bytes(4, "big") for n in range(250)]
    assert ring.fill(frames) == 0


def test_several_blocks_come_in_one_batch_in_their_order() -> None:
    kernel, ring, frames = opened()
    for part in range(3):
        kernel.hand_over([Frame(bytes([part]) * 60), Frame(bytes([part + 10]) * 60)])
    assert ring.fill(frames) == 6
    assert [octets[0] for octets in octets_of(kernel, frames)] == [0, 10, 1, 11, 2, 12]
    ring.release()
    assert [kernel.status(block) for block in range(4)] == [0, 0, 0, 0]


def test_the_ring_goes_round_and_round() -> None:
    kernel, ring, frames = opened(blocks=3)
    seen = 0
    for turn in range(50):
        for _ in range(1 + turn % 2):
            kernel.hand_over(numbered(7))
        seen += ring.fill(frames)
        ring.release()
    assert seen == 7 * 75


def test_a_full_ring_is_not_read_twice() -> None:
    """All blocks are handed over and none was given back: the reader must not lap itself."""
    kernel, ring, frames = opened(blocks=3)
    for _ in range(3):
        kernel.hand_over(numbered(5))
    first = ring.fill(frames)
    ring.release()
    assert first + ring.fill(frames) == 15


def test_an_empty_block_is_given_back() -> None:
    kernel, ring, frames = opened()
    kernel.hand_over([])
    kernel.hand_over(numbered(2))
    assert ring.fill(frames) == 2
    ring.release()
    assert [kernel.status(block) for block in range(2)] == [0, 0]


def test_a_lying_header_reads_nothing_beyond_the_ring() -> None:
    kernel, ring, frames = opened(blocks=2)
    kernel.hand_over([Frame(b"x" * 60)])
    at = 48
    for place, value in ((12, 0xFFFF_FFFF), (0, 0xFFFF_0000)):  # captured, next
        kernel.memory[at + place : at + place + 4] = value.to_bytes(4, "little")
    kernel.memory[12:16] = (3).to_bytes(4, "little")  # and there are more frames, it says
    count = ring.fill(frames)
    assert 1 <= count <= FRAMES_MAX
    rows = frames.records[:count]
    ends = rows["offset"].astype(int) + rows["captured"]
    assert (ends <= len(kernel.memory)).all()
    ring.release()


def test_times_of_the_card_are_counted() -> None:
    kernel, ring, frames = opened()
    kernel.hand_over([Frame(b"a" * 60), Frame(b"b" * 60, status=1 | 1 << 31)])
    ring.fill(frames)
    assert ring.hardware_times == 1


def test_a_block_is_untouched_until_the_kernel_counts_a_frame() -> None:
    kernel, ring, frames = opened(blocks=2)
    assert ring.is_untouched()
    kernel.memory[12:16] = (1).to_bytes(4, sys.byteorder)  # it is being filled
    assert ring.fill(frames) == 0 and not ring.is_untouched()
    kernel.hand_over(numbered(2))
    assert not ring.is_untouched()
    small = FrameBatch(1)
    small.attach(kernel.memory)
    ring.fill(small)
    assert not ring.is_untouched()
    ring.fill(small)
    ring.release()
    assert ring.is_untouched()
    kernel.hand_over(numbered(1))
    ring.fill(frames)
    ring.release()
    assert not ring.is_untouched()  # the first block's number is still that of the turn before


def test_frames_of_an_interface_that_vanished_keep_its_name() -> None:
    kernel, ring, frames = opened()
    ring.know({3: 1, 9: 2})
    ring.know({12: 1})
    kernel.hand_over([Frame(b"a" * 60, interface=9), Frame(b"b" * 60, interface=12)])
    ring.fill(frames)
    assert frames.records[:2]["interface"].tolist() == [2, 1]
    for index in range(100, 300):
        ring.know({index: 4})
    assert ring.known == 64
    kernel.hand_over([Frame(b"a" * 60, interface=9), Frame(b"b" * 60, interface=299)])
    ring.fill(frames)
    assert frames.records[:2]["interface"].tolist() == [0, 4]
