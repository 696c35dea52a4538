"""What a transport tells of records that a server refuses."""

from __future__ import annotations

from sensor.errors import reason_of
from sensor.sinks.delivery.transport import PeerClosed, Rejected


def test_a_refusal_has_a_count_and_a_reason_and_is_no_absence() -> None:
    error = Rejected(3, "3 documents refused: why")
    assert (error.count, reason_of(error)) == (3, "3 documents refused: why")
    assert isinstance(error, OSError) and not isinstance(error, ConnectionError | TimeoutError)
    assert isinstance(PeerClosed(), ConnectionError)
