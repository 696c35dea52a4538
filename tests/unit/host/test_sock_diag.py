"""Whose a socket is, asked of the kernel about sockets of our own."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Iterator

import pytest

from sensor.host.sock_diag import Ends, SocketOwner, Sockets, answer

LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    asking = Sockets()
    yield asking
    asking.close()


def ends(protocol: int, local: socket.socket, remote: tuple[str, int]) -> Ends:
    host, port = local.getsockname()[:2]
    return Ends(protocol, ipaddress.ip_address(host), port, ipaddress.ip_address(remote[0]),
                remote[1])  # fmt: skip


def owner_of(held: socket.socket) -> SocketOwner:
    return SocketOwner(os.fstat(held.fileno()).st_ino, os.geteuid())


@pytest.mark.parametrize("family", LOOPBACK)
def test_both_ends_of_a_connection_and_its_listener(
    sockets: Sockets, family: socket.AddressFamily
) -> None:
    with socket.socket(family) as listener:
        listener.bind((LOOPBACK[family], 0))
        listener.listen()
        with socket.create_connection(listener.getsockname()[:2]) as client:
            asked = ends(6, client, listener.getsockname()[:2])
            assert sockets.owner(asked) == owner_of(client)
            server, _ = listener.accept()
            with server:
                assert sockets.owner(ends(6, server, client.getsockname()[:2])) == owner_of(server)
            stranger = (LOOPBACK[family], 9)
            assert sockets.owner(ends(6, listener, stranger)) == owner_of(listener)


@pytest.mark.parametrize("family", LOOPBACK)
def test_udp(sockets: Sockets, family: socket.AddressFamily) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as held:
        held.bind((LOOPBACK[family], 0))
        remote = (LOOPBACK[family], 9999)
        assert sockets.owner(ends(17, held, remote)) == owner_of(held)
        held.connect(remote)
        assert sockets.owner(ends(17, held, remote)) == owner_of(held)


def test_who_closed_has_it_no_more(sockets: Sockets) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        asked = ends(6, client, listener.getsockname())
        client.close()
        found = sockets.owner(asked)
        assert found is None or found.inode == 0


def test_what_is_not_there_or_cannot_be(sockets: Sockets) -> None:
    loopback = ipaddress.ip_address("127.0.0.1")
    documentation = ipaddress.ip_address("198.51.100.1")
    assert sockets.owner(Ends(6, documentation, 5, documentation, 6)) is None
    assert sockets.owner(Ends(1, loopback, 5, loopback, 6)) is None
    assert sockets.owner(Ends(6, loopback, 5, ipaddress.ip_address("::1"), 6)) is None


@pytest.mark.parametrize("octets", [
    b"", bytes(19), struct.pack("=IHHII", 20, 20, 0, 8, 0) + bytes(4),
    struct.pack("=IHHII", 20, 20, 0, 7, 0) + bytes(60),
    struct.pack("=IHHII", 20, 9, 0, 7, 0) + bytes(80),
])  # fmt: skip
def test_answers_that_are_none(octets: bytes) -> None:
    with pytest.raises(ValueError):
        answer(octets, 7)


def test_a_refusal_is_an_error() -> None:
    refusal = struct.pack("=IHHIIi", 36, 2, 0, 7, 0, -errno.EPERM)
    with pytest.raises(OSError, match="no sockets"):
        answer(refusal, 7)
