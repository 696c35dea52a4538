"""The helper's side: its greeting, clients that are slow, gone or wrong, its socket."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from sensor.host import server
from sensor.host.client import connect
from sensor.host.proc_connector import EXEC, EXIT, KernelEvent
from sensor.host.procfs import READ_MAX, Procfs, this_machine
from sensor.host.server import UNOWNED, HostEvents, may_connect, open_listener, own_addresses
from sensor.host.sock_diag import Sockets
from sensor.host.wire import MESSAGE_MAX, process_to, unpack
from sensor.model.processes import Process
from tests.unit.host.joined import Joined, News, flow, helper


def test_the_helper_introduces_itself(joined: Joined) -> None:
    assert joined.client.machine == this_machine() and joined.client.notices == ("a notice",)


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


def all_told(events: HostEvents, ours: socket.socket) -> list[bytes]:
    """Everything that waits for a client."""
    ours.setblocking(False)
    told: list[bytes] = []
    count = -1
    while count < len(told):
        count = len(told)
        with contextlib.suppress(BlockingIOError):
            while octets := ours.recv(1 << 20):
                told.append(octets)
        events.serve(0)
    return told


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
    first = 1 << 20  # no process has such a number: nothing but it is known of them
    for number in range(400):
        news.put(KernelEvent(EXEC, first + number, number))
        events.serve(1)
    told = all_told(events, ours)
    assert sum(map(len, told)) < 20_000 + 2 * 4096  # what waits, and what the kernel holds
    news.put(KernelEvent(EXEC, first + 400, 400))
    events.serve(1)
    told += all_told(events, ours)
    lost = sum(unpack(octets).get("lost", 0) for octets in told)
    assert lost > 0 and lost + sum("start" in unpack(octets) for octets in told) == 401
    ended = []
    for number in [*range(401), *range(401)]:
        news.put(KernelEvent(EXIT, first + number, number))
        events.serve(1)
        ended += [unpack(octets)["end"]["pid"] for octets in all_told(events, ours)]
    assert 0 < len(ended) <= 50_000 / server.PROCESS_BYTES
    assert ended == list(range(first + 401 - len(ended), first + 401)), "the newest, once"
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


def test_own_addresses_are_those_of_the_interfaces(tmp_path: Path) -> None:
    (tmp_path / "if_inet6").write_text("20010db8000000000000000000000007 02 40 00 80 eth0\n")
    (tmp_path / "fib_trie").write_text(
        "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 192.0.2.7\n        /32 host LOCAL\n"
        "     |-- 192.0.2.255\n        /32 link BROADCAST\n")  # fmt: skip
    assert own_addresses(str(tmp_path)) == ["127.0.0.1", "192.0.2.7", "2001:db8::7", "::1"]
    assert {"127.0.0.1", "::1"} <= set(own_addresses())
