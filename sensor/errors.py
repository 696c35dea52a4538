"""The few exceptions of the sensor. Traffic never raises: a malformed frame is an anomaly.

    SensorError
    +-- OperatorError        what the operator wrote is wrong: all are printed at once, exit 2
    |   +-- ConfigError      an option, a configuration file, an exception file
    |   +-- QueryError       a rule or its query: file, line, column, caret
    +-- CaptureError         an input that cannot be read (any further): the rest goes on, exit 1

A machine that fails us otherwise raises OSError, as Python does.
"""

from __future__ import annotations

from sensor.base.escape import harmless


class SensorError(Exception):
    """Base of every error that the sensor raises on purpose."""


class OperatorError(SensorError):
    """Something that the operator wrote is wrong; `str()` is the whole message for people.

    Whoever raises it makes names of files harmless (sensor/base/escape.py): they may hold newlines.
    """


class ConfigError(OperatorError):
    """A bad option, configuration file or exception file."""


QUOTED_MAX = 200
"""Characters of a line that an error quotes."""


def quoted(text: str, column: int) -> str:
    """Two more lines of a message: a line that is wrong, around the place, and a caret below it."""
    if not text or not column:
        return ""
    at = column - 1
    if len(text) > QUOTED_MAX:
        room = QUOTED_MAX - 6
        first = max(0, min(at - room // 2, len(text) - room))
        cut = text[first : first + room]
        at += 3 - first if first else 0
        text = "..." * (first > 0) + cut + "..." * (first + room < len(text))
    return f"\n    {text}\n    {' ' * at}^"


class QueryError(OperatorError):
    """A rule that cannot be used: where it stands, why, and a caret below the place.

    Units: line and column count from 1, in the file where it is known, else in the query.
    """

    def __init__(
        self, reason: str, *, path: str = "", line: int = 0, column: int = 0, text: str = ""
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path
        self.line = line
        self.column = column
        self.text = text

    def __str__(self) -> str:
        parts = (harmless(self.path), self.line, self.column)
        place = ":".join(str(part) for part in parts if part)
        message = f"{place}: {self.reason}" if place else self.reason
        return message + quoted(self.text, self.column)


class CaptureError(SensorError):
    """A capture that cannot be read (any further): the path, the offset in octets, the reason."""

    def __init__(self, path: str, reason: str, offset: int | None = None) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason
        self.offset = offset
        self.flows: object | None = None
        """The flows that were readable all the same, where `sensor.flows` raised this."""

    def __str__(self) -> str:
        path = harmless(self.path)
        where = path if self.offset is None else f"{path}: at octet {self.offset}"
        return f"{where}: {self.reason}"


def reason_of(error: BaseException) -> str:
    """The reason of an error in a few harmless words."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return harmless(text) or type(error).__name__
