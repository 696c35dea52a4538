"""Helper and sensor, joined by a socket pair: news, owners, refusals, the end of either."""

from __future__ import annotations

import ipaddress
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sensor.host import server
from sensor.host.client import HostClient, connect
from sensor.host.event_queue import Timeline
from sensor.host.proc_connector import EXEC, EXIT, KernelEvent
from sensor.host.process_events import Observer
from sensor.host.procfs import READ_MAX, Procfs, this_machine
from sensor.host.server import UNOWNED, HostEvents, may_connect, open_listener, own_addresses
from sensor.host.sock_diag import Sockets
from sensor.host.socket_owners import PendingQuery
from sensor.host.wire import MESSAGE_MAX, MessageError, number_of, pack, process_to, unpack
from sensor.model.columns import Rows
from sensor.model.flow import FLOW_ENDED, FLOW_STARTED
from sensor.model.frames import FrameBatch
from sensor.model.packets import KIND_FLOW, SYN, PacketBatch
from sensor.model.processes import Process, Processes
from sensor.query.document_rows import DocumentRows
from tests.ecs import problems
from tests.flow_records import batch_of

LOOPBACK = number_of(ipaddress.ip_address("127.0.0.1"))
MASK64 = (1 << 64) - 1


class News:
    """Stands where the kernel is: events that were put in, a pipe to wait for."""

    def __init__(self) -> None:
        self.lost = 0
        self.events: list[KernelEvent] = []
        self._out, self._into = os.pipe()

    def fileno(self) -> int:
        return self._out

    def put(self, *events: KernelEvent) -> None:
        self.events += events
        os.write(self._into, b"x")

    def read(self, at_most: int) -> tuple[list[KernelEvent], int]:
        if self.events:
            os.read(self._out, 4096)
        taken, self.events = self.events[:at_most], self.events[at_most:]
        return taken, len(taken)

    def close(self) -> None:
        os.close(self._out)
        os.close(self._into)


class Joined:
    """A helper in a thread of its own, and the sensor's client."""

    def __init__(self) -> None:
        self.news = News()
        connector: Any = self.news
        self.helper = HostEvents(Procfs(this_machine()), Sockets(), connector, ("a notice",))
        ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.helper.adopt(self.theirs)
        self.timeline = Timeline(DocumentRows)
        self.processes = Processes(recycle=True)
        self.client = HostClient(
            ours, self.processes, self.timeline, Observer("box", "1"), lambda: 5)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        self.client.start()

    def _serve(self) -> None:
        while self.helper.clients:
            self.helper.serve(0.05)

    def close(self) -> None:
        self.client.close()
        self._thread.join()
        self.helper.close()
        self.news.close()


@pytest.fixture
def joined() -> Iterator[Joined]:
    made = Joined()
    yield made
    made.close()


def flow(client: socket.socket, target: tuple[str, int], **more: Any) -> Any:
    """The flow record of a connection on loopback."""
    row = {"orig_hi": 0, "orig_lo": LOOPBACK & MASK64, "resp_hi": 0, "resp_lo": LOOPBACK & MASK64,
           "orig_port": client.getsockname()[1], "resp_port": target[1], "protocol": 6,
           "action": FLOW_STARTED, "first_ns": 10, "last_ns": 30, "known_ns": 30}  # fmt: skip
    return batch_of(row | more).records


def syn(client: socket.socket, target: tuple[str, int], time_ns: int) -> PacketBatch:
    packets = PacketBatch(4)
    packets.count = 1
    row = {"kind": KIND_FLOW, "protocol": 6, "tcp_flags": SYN, "src_lo": LOOPBACK & MASK64,
           "dst_lo": LOOPBACK & MASK64, "src_port": client.getsockname()[1],
           "dst_port": target[1], "time_ns": time_ns}  # fmt: skip
    for name, value in row.items():
        packets.records[name][0] = value
    return packets


def no_decoding(frames: FrameBatch, packets: PacketBatch) -> None:
    """The packets are there already."""


def test_an_answer_shows_that_those_before_it_were_lost(joined: Joined) -> None:
    asked = [PendingQuery(1), PendingQuery(2)]
    joined.client._pending.update({-2: asked[0], -1: asked[1]})
    with (socket.create_server(("127.0.0.1", 0)) as listener,
          socket.create_connection(listener.getsockname()) as held):
        records = flow(held, listener.getsockname())
        joined.client.stamp(records)
    assert joined.processes[int(records["process"][0])].pid == os.getpid()
    assert all(each.answered and each.process is None for each in asked)
    assert not joined.client._pending


def test_what_got_lost_is_in_the_ledger(joined: Joined) -> None:
    joined.news.put(KernelEvent(EXEC, os.getpid(), 100))
    joined.theirs.send(pack({"lost": 3}))
    with (socket.create_server(("127.0.0.1", 0)) as listener,
          socket.create_connection(listener.getsockname()) as held):
        joined.client.stamp(flow(held, listener.getsockname()))  # waits for what comes before
    assert joined.client.ledger() == {
        "events": 1, "lost": 3, "dropped": 0, "unasked": 0, "unanswered": 0, "forgotten": 0}


def rows_of(told: list[tuple[int, Rows]]) -> list[dict[str, Any]]:
    return [document for _, rows in told for document in rows.documents(range(rows.count))]


def test_the_helper_introduces_itself(joined: Joined) -> None:
    assert joined.client.machine == this_machine() and joined.client.notices == ("a notice",)


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


def test_a_socket_without_a_holder_keeps_its_user(joined: Joined) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held = socket.create_connection(listener.getsockname())
        records = flow(held, listener.getsockname())
        accepted, _ = listener.accept()
        held.close()  # the closing side lingers in the kernel, without a process
        joined.client.stamp(records)
        accepted.close()
    found = joined.processes[int(records["process"][0])]
    assert found.pid == 0 and found.gaps == (UNOWNED,) and found.user_id


def test_news_become_process_events_before_the_answers_that_follow(joined: Joined) -> None:
    joined.news.put(KernelEvent(EXEC, os.getpid(), 100), KernelEvent(EXIT, os.getpid(), 200, 0x100),
                    KernelEvent(EXIT, 1 << 30, 300))  # fmt: skip
    with (socket.create_server(("127.0.0.1", 0)) as listener,
          socket.create_connection(listener.getsockname()) as held):
        records = flow(held, listener.getsockname())
        joined.client.stamp(records)  # waits for an answer, which comes behind the news
    start, end = rows_of(joined.client.take(None))
    assert (start["event"]["type"], end["event"]["type"]) == (["start"], ["end"])
    assert start["process"]["pid"] == os.getpid() and end["process"]["exit_code"] == 1
    assert start["process"]["entity_id"] == joined.processes[int(records["process"][0])].entity_id
    assert start["@timestamp"] == "1970-01-01T00:00:00.000000100Z"
    assert start["event"]["created"] == "1970-01-01T00:00:00.000000005Z"
    assert problems(start) == problems(end) == []


def test_a_helper_that_ends_is_noticed_and_holds_nothing_up(joined: Joined) -> None:
    joined.theirs.shutdown(socket.SHUT_RDWR)
    joined.client._thread.join()
    assert joined.client.error
    with (socket.create_server(("127.0.0.1", 0)) as listener,
          socket.create_connection(listener.getsockname()) as held):
        records = flow(held, listener.getsockname())
        joined.client.stamp(records)
    assert not np.any(records["process"]) and joined.client.unanswered == 0


def helper() -> HostEvents:
    return HostEvents(Procfs(this_machine()), Sockets(), None)


def test_a_client_that_talks_nonsense_is_left(joined: Joined) -> None:
    events = helper()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    events.adopt(theirs)
    assert "hello" in unpack(ours.recv(1 << 16))
    ours.send(b'{"ask": "everything"}')
    events.serve(1)
    assert (events.refused, events.clients, ours.recv(10)) == (1, 0, b"")
    events.close()


def test_a_client_that_does_not_read_loses_news_and_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "QUEUE_MAX", 3)
    monkeypatch.setattr(server, "SEND_BYTES", 4096)
    news = News()
    connector: Any = news
    events = HostEvents(Procfs(this_machine()), Sockets(), connector)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    events.adopt(theirs)
    told = 200
    for number in range(told):
        news.put(KernelEvent(EXEC, os.getpid(), number))
        events.serve(1)
    ours.settimeout(0.2)
    received = lost = 0
    while received + lost < told:
        try:
            message = unpack(ours.recv(1 << 20))
        except TimeoutError:  # one more, so that it can say how much was lost
            news.put(KernelEvent(EXEC, os.getpid(), told))
            told += 1
            events.serve(1)
            events.serve(0)
            continue
        received += "start" in message
        lost += message.get("lost", 0)
        events.serve(0)
    assert lost > 0 and received > 0
    events.close()
    news.close()


def test_what_waits_and_what_is_remembered_is_bounded_in_octets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "SEND_BYTES", 4096)
    monkeypatch.setattr(server, "QUEUE_BYTES", 20_000)
    monkeypatch.setattr(server, "STARTED_BYTES", 50_000)
    news = News()
    connector: Any = news
    events = HostEvents(Procfs(this_machine()), Sockets(), connector)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    events.adopt(theirs)
    (client,) = events._clients.values()
    for number in range(400):
        news.put(KernelEvent(EXEC, (1 << 20) + number, number))
        events.serve(1)
    assert client.lost > 0 and client.octets <= 20_000 and len(client.waiting) > 1
    assert client.octets == sum(map(len, client.waiting))
    assert 0 < len(events._started) < 400 and events._started.octets <= 50_000
    assert events._started.get((1 << 20) + 399) and not events._started.get(1 << 20)
    for number in range(400):
        news.put(KernelEvent(EXIT, (1 << 20) + number, number))
        events.serve(1)
    assert (len(events._started), events._started.octets) == (0, 0)
    ours.close()
    events.close()
    news.close()


def test_a_message_that_no_socket_takes_is_lost_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "SEND_BYTES", 212_992)  # what an ordinary user may have
    events = helper()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    events.adopt(theirs)
    (client,) = events._clients.values()
    events._send(client, {"start": {"name": "x" * 500_000}, "ns": 1})
    assert (events.clients, client.lost, client.octets) == (1, 1, 0)
    control = "\1"
    longest = Process(  # whoever starts it chooses all of it
        name=control * 15, executable=control * 4096, args=(control * 4096,) * (READ_MAX // 4096),
        command_line=control * 4096, parent_name=control * 15, entity_id="a" * 64)
    events._send(client, {"start": process_to(longest), "ns": 2})
    told = [unpack(ours.recv(MESSAGE_MAX)) for _ in range(3)]
    assert [set(message) & {"hello", "lost", "start"} for message in told] == [
        {"hello"}, {"lost"}, {"start"}]
    ours.close()
    events.close()


def test_a_client_that_is_gone_when_its_turn_comes_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "SEND_BYTES", 4096)
    news = News()
    connector: Any = news
    events = HostEvents(Procfs(this_machine()), Sockets(), connector)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    events.adopt(theirs)
    for number in range(100):  # more than the socket takes: some wait
        news.put(KernelEvent(EXEC, os.getpid(), number))
        events.serve(1)
    ours.close()
    news.put(KernelEvent(EXEC, os.getpid(), 100))
    select = events._selector.select
    monkeypatch.setattr(  # the news, which find it gone, have their turn before it
        events._selector, "select",
        lambda timeout_s: sorted(select(timeout_s), key=lambda ready: ready[0].fileobj is theirs))
    events.serve(1)
    assert events.clients == 0
    events.close()
    news.close()


def test_an_answer_to_no_question_ends_the_listening(joined: Joined) -> None:
    joined.theirs.send(pack({"answer": [1], "process": None}))
    joined.client._thread.join()
    assert "not to be understood" in joined.client.error


def test_only_our_own_may_connect(tmp_path: Path) -> None:
    path = str(tmp_path / "events")
    listener = open_listener(path)
    assert os.stat(path).st_mode & 0o777 == 0o660
    events = helper()
    events.listen(listener)
    with connect(path) as ours:
        events.serve(1)
        assert "hello" in unpack(ours.recv(1 << 16))
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    assert may_connect(one)
    other.close()
    one.close()
    events.close()
    listener.close()


def test_what_is_no_socket_is_not_removed_to_make_room(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError):
        open_listener(str(path))
    assert path.read_text(encoding="utf-8") == "mine"
    stale = tmp_path / "events"
    open_listener(str(stale)).close()
    assert stale.is_socket()
    open_listener(str(stale)).close()


@pytest.mark.parametrize("kind", [socket.SOCK_SEQPACKET, socket.SOCK_STREAM])
def test_a_socket_that_is_served_is_left_alone(
    kind: socket.SocketKind, tmp_path: Path
) -> None:
    path = str(tmp_path / "events")
    with socket.socket(socket.AF_UNIX, kind) as first:
        first.bind(path)
        first.listen(1)
        for _ in range(3):  # however many ask
            with pytest.raises(OSError, match="already served") as caught:
                open_listener(path)
            assert caught.value.filename == path
        assert Path(path).is_socket()


def test_a_greeting_that_is_none_is_refused() -> None:
    for greeting in (b"hello", pack({"hello": {}}), pack({"start": {}})):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        theirs.send(greeting)
        with pytest.raises(MessageError):
            HostClient(ours, Processes(), Timeline(DocumentRows), Observer("b", "1"), lambda: 0)
        ours.close()
        theirs.close()


def test_own_addresses_are_those_of_the_interfaces(tmp_path: Path) -> None:
    (tmp_path / "if_inet6").write_text("20010db8000000000000000000000007 02 40 00 80 eth0\n")
    (tmp_path / "fib_trie").write_text(
        "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 192.0.2.7\n        /32 host LOCAL\n"
        "     |-- 192.0.2.255\n        /32 link BROADCAST\n")  # fmt: skip
    assert own_addresses(str(tmp_path)) == ["127.0.0.1", "192.0.2.7", "2001:db8::7", "::1"]
    assert {"127.0.0.1", "::1"} <= set(own_addresses())


def test_a_table_that_recycles_gives_the_oldest_place_away() -> None:
    processes = Processes(places=3, recycle=True)
    indices = [processes.index(Process(pid=pid)) for pid in (4, 5, 6, 5, 7, 4)]
    assert indices == [1, 2, 1, 2, 2, 1]
    assert (processes[1].pid, processes[2].pid, processes.refused) == (4, 7, 0)
