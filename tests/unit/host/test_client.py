"""The sensor's side: owners asked for and waited for, news taken, the end of the helper."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import ExitStack

import numpy as np
import pytest

from sensor.host.client import HostClient
from sensor.host.event_queue import Timeline
from sensor.host.proc_connector import EXEC, KernelEvent
from sensor.host.process_events import Observer
from sensor.host.procfs import this_machine
from sensor.host.wire import MESSAGE_MAX, MessageError, pack, process_to, unpack
from sensor.model.flow import FLOW_ENDED
from sensor.model.frames import FrameBatch
from sensor.model.processes import Process, Processes
from sensor.query.document_rows import DocumentRows
from tests.flow_records import batch_of
from tests.unit.host.joined import Joined, flow, no_decoding, syn, wait_for_listener


def test_an_answer_shows_that_those_before_it_were_lost() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    numbers: list[int] = []

    def answer_from_the_third_on() -> None:
        while octets := theirs.recv(MESSAGE_MAX):
            numbers.append(unpack(octets)["ask"])
            if len(numbers) >= 3:
                found = process_to(Process(pid=len(numbers)))
                theirs.send(pack({"answer": numbers[-1], "process": found}))

    theirs.send(pack({"hello": {"id": "", "hostname": "", "os": "", "addresses": [],
                                "notices": []}}))  # fmt: skip
    processes = Processes()
    client = HostClient(ours, processes, Timeline(DocumentRows), Observer("b", "1"), lambda: 0)
    client.start()
    helper = threading.Thread(target=answer_from_the_third_on)
    helper.start()
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as stack:
        target = listener.getsockname()
        held = [stack.enter_context(socket.create_connection(target)) for _ in range(3)]
        for each in held:
            client.watching(no_decoding)(FrameBatch(1), syn(each, target, 10))
        last, first = flow(held[2], target), flow(held[0], target)
        client.stamp(last)
        client.stamp(first)  # nobody waits for what was lost: it is asked for again
    client.close()
    helper.join()
    theirs.close()
    assert [processes[int(each["process"][0])].pid for each in (last, first)] == [3, 4]
    assert numbers == [1, 2, 3, 4] and client.unanswered == 0


def test_what_got_lost_is_in_the_ledger(joined: Joined) -> None:
    joined.news.put(KernelEvent(EXEC, os.getpid(), 100))
    joined.theirs.send(pack({"lost": 3}))
    with (socket.create_server(("127.0.0.1", 0)) as listener,
          socket.create_connection(listener.getsockname()) as held):
        joined.client.stamp(flow(held, listener.getsockname()))  # waits for what comes before
    assert joined.client.ledger() == {
        "events": 1, "lost": 3, "dropped": 0, "unasked": 0, "unanswered": 0, "forgotten": 0}


def test_a_flow_gets_the_process_that_had_it_at_its_first_packet(joined: Joined) -> None:
    decode = joined.client.watching(no_decoding)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = listener.getsockname()
        with socket.create_connection(target) as held:
            decode(FrameBatch(1), syn(held, target, 10))
            records = flow(held, target)
            joined.client.stamp(records)
            ended = flow(held, target, action=FLOW_ENDED)
        joined.client.stamp(ended)  # closed by now: what was answered is kept
    for stamped in (records, ended):
        found = joined.processes[int(stamped["process"][0])]
        assert found.pid == os.getpid() and found.source == "proc" and not found.gaps
        assert found.machine == this_machine()


def test_a_flow_that_nobody_asked_about_is_asked_about_now(joined: Joined) -> None:
    with (socket.create_server(("127.0.0.1", 0)) as listener,
          socket.create_connection(listener.getsockname()) as held):
        records = flow(held, listener.getsockname())
        joined.client.stamp(records)
    assert joined.processes[int(records["process"][0])].pid == os.getpid()


def test_strangers_are_not_asked_about(joined: Joined) -> None:
    records = batch_of({}, {"protocol": 1}).records
    joined.client.stamp(records)
    assert not np.any(records["process"])


def test_a_helper_that_ends_is_noticed_and_holds_nothing_up(joined: Joined) -> None:
    joined.end_helper()
    assert joined.client.error
    with (socket.create_server(("127.0.0.1", 0)) as listener,
          socket.create_connection(listener.getsockname()) as held):
        records = flow(held, listener.getsockname())
        joined.client.stamp(records)
    assert not np.any(records["process"]) and joined.client.unanswered == 0


def test_an_answer_to_no_question_ends_the_listening(joined: Joined) -> None:
    joined.theirs.send(pack({"answer": [1], "process": None}))
    wait_for_listener()
    assert "not to be understood" in joined.client.error


def test_a_greeting_that_is_none_is_refused() -> None:
    for greeting in (b"hello", pack({"hello": {}}), pack({"start": {}})):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        theirs.send(greeting)
        with pytest.raises(MessageError):
            HostClient(ours, Processes(), Timeline(DocumentRows), Observer("b", "1"), lambda: 0)
        ours.close()
        theirs.close()
