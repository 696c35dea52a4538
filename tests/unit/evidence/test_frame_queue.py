"""FrameQueue: the order of the frames stays, and nothing waits for ever."""

from __future__ import annotations

from sensor.evidence.frame_copies import FrameCopy
from sensor.evidence.frame_queue import WAITING_BYTES_MAX, WAITING_NS_MAX, FrameQueue
from sensor.evidence.wanted import WantedFlow


def frame(number: int, *, size: int = 1, time_ns: int = 0) -> FrameCopy:
    return FrameCopy("file", number, time_ns, bytes(size), size, 1, "")


class Story:
    """A queue, and the numbers of the frames that have left it."""

    def __init__(self) -> None:
        self.left: list[int] = []
        self.flow = [WantedFlow(("a", "b"), "1:")]
        self.queue = FrameQueue(lambda flow, frame: self.left.append(frame.number))


def test_what_comes_behind_a_fragment_waits_with_it() -> None:
    story = Story()
    story.queue.add(frame(1), story.flow)
    story.queue.add_fragment(frame(2), 7)
    story.queue.add(frame(3), story.flow)
    story.queue.add_fragment(frame(4), 8)
    assert story.left == [1]
    story.queue.settle(7, story.flow)
    assert story.left == [1, 2, 3]
    story.queue.settle(8, [])
    story.queue.add_fragment(frame(5), 7)  # known by now
    story.queue.add_fragment(frame(6), 8)
    assert story.left == [1, 2, 3, 5]


def test_a_fragment_whose_first_one_never_comes_holds_nothing_up_for_long() -> None:
    story = Story()
    story.queue.add_fragment(frame(1), 7)
    story.queue.add(frame(2, time_ns=WAITING_NS_MAX), story.flow)
    assert story.left == []
    story.queue.add(frame(3, time_ns=WAITING_NS_MAX + 1), story.flow)
    assert story.left == [2, 3]
    assert story.queue.given_up == 0


def test_where_there_is_no_room_the_oldest_fragments_give_way_and_are_counted() -> None:
    story = Story()
    size = WAITING_BYTES_MAX // 2
    for number in range(1, 4):
        story.queue.add_fragment(frame(number, size=size), number)
    story.queue.settle(2, story.flow)
    story.queue.settle(1, story.flow)
    assert story.left == [2]
    assert story.queue.given_up == 1


def test_at_the_end_what_is_known_leaves() -> None:
    story = Story()
    story.queue.add_fragment(frame(1), 7)
    story.queue.add(frame(2), story.flow)
    story.queue.finish()
    assert story.left == [2]
