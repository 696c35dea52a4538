"""What Telnet servers asked others for after a session."""

from __future__ import annotations

from typing import Any

from sensor.app.exchanges import (
    EXCHANGES_EACH_MAX,
    SERVERS_MAX,
    SESSION_EXCHANGES_MAX,
    Exchanges,
)
from sensor.ecs.event_batch import EventBatch
from sensor.ecs.said_text import TEXT_MAX
from sensor.ecs.text import time_text

SERVER = "192.0.2.20"


def session(server: str = SERVER, outcome: str = "success", flow_id: str = "t") -> dict[str, Any]:
    """An event of a Telnet session."""
    return {"event": {"action": "telnet_login"}, "flow": {"id": flow_id},
            "destination": {"ip": server}, "telnet": {"login": {"outcome": outcome}}}  # fmt: skip


def exchange(action: str, at: int = 10, client: str = SERVER, **fields: Any) -> dict[str, Any]:
    """A transaction of HTTP or a handshake of TLS."""
    outcome = fields.pop("outcome", "success")
    return {"@timestamp": time_text(at), "event": {"action": action, "outcome": outcome},
            "flow": {"id": "f"}, "source": {"ip": client, "port": 40000},
            "destination": {"ip": "198.51.100.77", "port": 80}, **fields}  # fmt: skip


def download(at: int = 10, **fields: Any) -> dict[str, Any]:
    response = {"status_code": 200, "status_phrase": "OK", "mime_type": "application/x-executable",
                "body": {"bytes": 5600}}  # fmt: skip
    return exchange("http_transaction", at, **{
        "url": {"full": "http://198.51.100.77/bins/arm7"},
        "http": {"request": {"method": "GET"}, "response": response}} | fields)


def heard(*documents: dict[str, Any]) -> Exchanges:
    exchanges = Exchanges()
    exchanges.write(EventBatch(documents))
    return exchanges


def words(*documents: dict[str, Any]) -> list[str]:
    """What is told of documents behind a login."""
    return [one.words for one in heard(session(), *documents).after(SERVER, time_text(0))]


def test_a_download_with_its_answer() -> None:
    (one,) = heard(session(), download()).of_flow(SERVER, "f")
    assert one.words == ("GET http://198.51.100.77/bins/arm7: 200 OK, application/x-executable,"
                         " 5.6 kB")
    assert one.target == "198.51.100.77:80"


def test_requests_without_an_answer_and_answers_without_a_request() -> None:
    unanswered = download(http={"request": {"method": "POST"}})
    alone = download(url={}, http={"response": {"status_code": 404, "headers": {
        "content-type": "text/html"}}})  # fmt: skip
    assert words(unanswered, alone) == [
        "POST http://198.51.100.77/bins/arm7: no answer", "request not seen: 404, text/html"]


def test_handshakes_of_tls() -> None:
    whole = {"version": "1.3", "client": {"server_name": "bins.example.net"}}
    assert words(exchange("tls_handshake", tls=whole),
                 exchange("tls_handshake", tls={}, outcome="failure"),
                 exchange("tls_handshake", tls={}, outcome="unknown")) == [
        "TLS to bins.example.net: TLS 1.3, handshake completed",
        "TLS to a server without a name: handshake failed",
        "TLS to a server without a name: handshake not seen whole"]  # fmt: skip


def test_only_servers_into_which_somebody_may_have_got_and_only_from_then_on() -> None:
    exchanges = heard(
        download(1), session(outcome="failure"), download(2), session(), download(3),
        exchange("dns_query", 4), download(5, source={"ip": "192.0.2.99"}),
    )  # fmt: skip
    assert [one.at for one in exchanges.after(SERVER, time_text(0))] == [time_text(3)]
    assert exchanges.after(SERVER, time_text(3)) == exchanges.of_flow("192.0.2.99", "f") == []


def test_the_first_behind_each_session_are_kept_and_the_others_counted() -> None:
    exchanges = heard(session(), *map(download, range(1, 101)), session(),  # the same one
                      download(101), session(flow_id="next"), download(200))  # fmt: skip
    kept = exchanges.after(SERVER, time_text(0))
    assert [one.at for one in kept] == [
        *map(time_text, range(1, SESSION_EXCHANGES_MAX + 1)), time_text(200)]
    assert exchanges.left_out == 101 - SESSION_EXCHANGES_MAX


def test_memory_is_bounded() -> None:
    many = [one for at in range(1, EXCHANGES_EACH_MAX + 6)
            for one in (session(flow_id=str(at)), download(at))]
    exchanges = heard(*many)
    assert len(exchanges.after(SERVER, time_text(0))) == EXCHANGES_EACH_MAX
    assert exchanges.left_out == 5
    exchanges.write(EventBatch([session(str(at)) for at in range(SERVERS_MAX)]))
    assert exchanges.after(SERVER, time_text(0)) == []


def test_hostile_text_is_harmless_and_not_too_long() -> None:
    (told,) = words(download(url={"full": "\x1b[2J" + "x" * 9000}))
    assert told.isprintable() and r"\x1b[2J" in told and len(told) < 2 * TEXT_MAX
