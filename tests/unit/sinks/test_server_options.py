"""No secret of a wrong value of an option is shown."""

from __future__ import annotations

import sys

import pytest

from sensor.config import Config
from sensor.errors import ConfigError
from sensor.sinks.dataset_places import open_place
from sensor.sinks.elasticsearch.url import parse_address as elasticsearch
from sensor.sinks.flow_files import open_table
from sensor.sinks.kafka.url import parse_address as kafka
from sensor.sinks.server_options import without_secrets
from sensor.sinks.syslog.sink import open_syslog


@pytest.mark.parametrize(("given", "shown"), [
    ("http://u:PW@h:9200", "http://...@h:9200"),
    ("http://u:P/W@h:9200", "http://...@h:9200"),
    ("http://u:P@W@h:9200", "http://...@h:9200"),
    ("http://u:P?W@h:9200", "http://..."),
    ("http://u:P?W=1@h:9200", "http://..."),
    ("http://u:P#W@h", "http://...@h"),
    ("http://h:9200?password=PW", "http://h:9200?password=..."),
    ("http://h?user=a&pw=PW&PW", "http://h?user=a&pw=...&..."),
    ("user:PW@k1:9092/t", "...@k1:9092/t"),
    ("k0:9092,user:PW@k1:9092/t", "...@k1:9092/t"),
    ("k1:9092/t?password=P@W", "..."),
    ("s3://k:PW@bucket/x", "s3://...@bucket/x"),
    ("k1:9092/t?user=a&password_file=/x", "k1:9092/t?user=a&password_file=/x"),
    ("udp://h:514?facility=user", "udp://h:514?facility=user"),
])  # fmt: skip
def test_what_is_shown(given: str, shown: str) -> None:
    assert without_secrets(given) == shown


@pytest.mark.parametrize("form", [
    "udp://u:PW@h:514", "udp://u:PW/@h:514", "tcp://h?password=PW", "tcp://h:514?&PW&",
    "http://u:PW@h:9200", "http://u:PW/x@h", "http://u:[PW@h", "http://u:PW\u2100@h",
    "http://h?password=PW", "https://h?PW", "http://u:x?PW@h", "http://u:x#PW@h", "u:PW@h:1/t",
    "k1/t?password=PW", "k1/t?PW", "k1,u:PW@k2/t", "k1/t?sasl.password=x@PW",
])  # fmt: skip
def test_no_server_quotes_a_secret(form: str) -> None:
    for opened in (lambda: open_syslog(form, "rfc5424", Config(), live=True),
                   lambda: elasticsearch(form), lambda: kafka(form)):  # fmt: skip
        with pytest.raises(ConfigError) as error:
            opened()
        assert "PW" not in str(error.value)


@pytest.mark.parametrize("has_pyarrow", [False, True])
def test_no_object_store_quotes_a_secret(
    has_pyarrow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_pyarrow:
        monkeypatch.setitem(sys.modules, "pyarrow", None)
    for path in ("s3://k:P PW@bucket/x/", "s3://k:PW@[/x?region=a"):
        with pytest.raises(ConfigError) as error:
            open_place(path, "flows")
        assert "PW" not in str(error.value) and "s3://...@" in str(error.value)
    for path in ("s3://k:PW@b/x", "s3://k:PW@b/x.ndjson", "s3://k:PW@b/x.parquet"):
        with pytest.raises(ConfigError) as error:
            open_table(path, what="protocol-events")
        assert "PW" not in str(error.value) and "s3://...@b" in str(error.value)
