"""The wire to Elasticsearch: names without secrets, notices with a place of their own."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from sensor.config import Config
from sensor.model.status import Notice
from sensor.sinks.elasticsearch.sink import bulk_wire


def test_names_tell_wires_apart_and_have_no_secret(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hidden")
    url = f"http://h?api_key_file={tmp_path}/key"
    names = [bulk_wire(url, Config(), what).name for what in ("alerts", "records")]
    assert names == ["elasticsearch http://h:9200 alerts", "elasticsearch http://h:9200 records"]


def test_a_notice_has_a_data_stream() -> None:
    wire = bulk_wire("http://h", Config(), "alerts")
    octets = wire.render_notice(Notice(5, "loss", "7 frames lost", warning=True))
    action, document = map(json.loads, gzip.decompress(octets).splitlines())
    assert action["create"]["_index"] == "logs-sensor.notice-default"
    assert document["message"] == "7 frames lost" and document["event"]["action"] == "loss"
