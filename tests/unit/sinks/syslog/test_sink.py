"""Opening a syslog sink: a bad format or size is refused."""

from __future__ import annotations

import pytest

from sensor.config import Config, SinkLimits
from sensor.errors import ConfigError
from sensor.sinks.syslog.sink import open_syslog


def test_a_bad_format_or_size_is_refused() -> None:
    with pytest.raises(ConfigError, match="rfc5424, rfc3164, cee, cef"):
        open_syslog("udp://127.0.0.1", "json", Config())
    with pytest.raises(ConfigError, match="at least 480"):
        open_syslog("udp://h", "cee", Config(sink=SinkLimits(syslog_message_bytes=100)))
