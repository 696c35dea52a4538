"""The way to Kafka, by the client of confluent-kafka: a message is a block of records.

The producer is idempotent: a broker that dies after it stored a record and before it said so does
not store it twice. So a block that was not confirmed in time stays in the producer's hands, and
when it is to be sent again it is only waited for.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from typing import Any

from sensor.base.escape import harmless
from sensor.errors import ConfigError
from sensor.sinks.delivery.transport import Rejected
from sensor.sinks.kafka.url import Address, bad_target

SEPARATOR = b"\t"
"""Between the key and the value of a record, which is a line of a block."""
METADATA_S = 5.0
"""The longest that a broker may take to say that it is there."""


@dataclass(slots=True)
class Flight:
    """A block on its way."""

    left: int
    """Records that are not confirmed yet."""
    errors: list[Any] = field(default_factory=list)


class KafkaTransport:
    """Blocks of records into one topic; `send` returns when the brokers have all of it."""

    datagrams = True
    proves = True
    confirmed = 0

    def __init__(self, address: Address, topic: str, timeout_s: float) -> None:
        """Errors: ConfigError if the client is missing, or refuses the settings."""
        try:
            import confluent_kafka  # type: ignore  # noqa: PLC0415  optional, 30 ms to import
        except ImportError:
            raise bad_target(str(address), "this needs the package confluent-kafka: "
                             "pip install 'flow-sensor[kafka]'") from None
        self._client: Any = confluent_kafka
        self._topic = topic
        self._timeout_s = timeout_s
        self._settings: dict[str, Any] = {
            "bootstrap.servers": address.brokers, "client.id": "flow-sensor",
            "enable.idempotence": True, "compression.type": "zstd", "linger.ms": 5,
            "message.timeout.ms": 0,  # a block is kept until it is confirmed
            "logger": _no_log, "error_cb": self._note, **address.security,
        }
        self._producer: Any = None
        self._flights: dict[bytes, Flight] = {}
        self._said = ""
        try:
            self._make()
        except confluent_kafka.KafkaException as error:
            raise ConfigError(f"--kafka {address}: {harmless(str(error))}") from None

    def _make(self) -> None:
        self._producer = self._client.Producer(self._settings)
        self._flights.clear()

    def _note(self, error: Any) -> None:
        """What the client says of its connections."""
        self._said = harmless(error.str()) or self._said

    def connect(self) -> None:
        self._said = ""
        try:
            self._producer.list_topics(self._topic, timeout=METADATA_S)
        except self._client.KafkaException as error:
            raise OSError(errno.ENOTCONN, self._said or harmless(error.args[0].str())) from None

    def send(self, message: bytes) -> None:
        self._said = ""
        flight = self._flights.get(message) or self._begin(message)
        self._producer.flush(self._timeout_s)
        if flight.left:
            raise TimeoutError(errno.ETIMEDOUT, self._said or "timed out: it does not confirm")
        del self._flights[message]
        if not flight.errors:
            return
        refused = [error for error in flight.errors
                   if error.code() == self._client.KafkaError.MSG_SIZE_TOO_LARGE]
        reason = harmless(flight.errors[0].str())
        if len(refused) == len(flight.errors):
            raise Rejected(len(refused), f"{len(refused)} records refused: {reason}")
        self._make()  # an idempotent producer goes on after none of the other errors
        raise OSError(errno.EIO, reason)

    def _begin(self, message: bytes) -> Flight:
        lines = message.splitlines()
        flight = self._flights[message] = Flight(len(lines))

        def confirmed(error: Any, _: Any) -> None:
            flight.left -= 1
            if error is not None:
                flight.errors.append(error)

        for line in lines:
            key, _, value = line.partition(SEPARATOR)
            try:
                self._producer.produce(self._topic, value, key or None, on_delivery=confirmed)
            except self._client.KafkaException as error:
                confirmed(error.args[0], None)
        return flight

    def flush(self, wait_s: float) -> bool:
        return True

    def refused(self, wait_s: float = 0.0) -> OSError | None:
        return None

    def check(self) -> None:
        """Let the client tell what it has to tell."""
        self._producer.poll(0)

    def drop(self) -> None:
        """Nothing: the client keeps its connections, and what is on its way."""

    def close(self, wait_s: float) -> None:
        self._producer.flush(min(wait_s, self._timeout_s))


class _NoLog:
    """Stands where a logger is: what is wrong is told by the sink's error."""

    def log(self, *_: object) -> None:
        pass


_no_log = _NoLog()
