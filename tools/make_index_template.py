"""Write docs/elasticsearch/*.json, the index template and the ingest pipeline, from the schema.

    python -m tools.make_index_template

The template has nothing that one of Elasticsearch and OpenSearch lacks: types that are savings of
the first (`constant_keyword`, `wildcard`, `flattened`) stand as what both have.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sensor.ecs.field import put_at
from sensor.ecs.process_fields import PROCESS_EVENT_FIELDS
from sensor.ecs.protocol_fields import PROTOCOL_EVENT_FIELDS
from sensor.ecs.schema import ALERT_FIELDS, FIELDS, GROUP_FIELDS

FOLDER = Path(__file__).parents[1] / "docs" / "elasticsearch"
PIPELINE = "sensor-ingested"
TEMPLATE, PIPELINE_FILE = "index-template.json", "ingest-pipeline.json"
COMMON = {"constant_keyword": "keyword", "wildcard": "keyword", "match_only_text": "text"}
KEYWORD_MAX = 1024
"""Characters; a longer value is kept and not indexed."""


def mapping(kind: str) -> dict[str, Any]:
    """The mapping of a type of the schema."""
    if kind == "flattened":
        return {"type": "object", "enabled": False}
    kind = COMMON.get(kind, kind)
    return {"type": kind, "ignore_above": KEYWORD_MAX} if kind == "keyword" else {"type": kind}


def template() -> dict[str, Any]:
    """The index template."""
    fields = (*FIELDS, *(pairs[0][1] for pairs in GROUP_FIELDS.values()), *PROTOCOL_EVENT_FIELDS,
              *PROCESS_EVENT_FIELDS, *ALERT_FIELDS)
    types = {"event.ingested": "date", **{field.name: field.type for field in reversed(fields)}}
    nested = {name for name, kind in types.items() if kind == "nested"}
    properties: dict[str, Any] = {}
    for name in sorted(types):
        if not any(name.startswith(f"{outer}.") for outer in nested):
            put_at(properties, ".properties.".join(name.split(".")), mapping(types[name]))
    return {
        "index_patterns": ["logs-network_traffic.*-*", "logs-sensor.*-*"],
        "data_stream": {},
        "priority": 250,
        "template": {
            "settings": {"index": {"default_pipeline": PIPELINE, "codec": "best_compression",
                                   "mapping": {"total_fields": {"limit": 2000}}}},
            "mappings": {
                "dynamic_templates": [{"texts": {
                    "match_mapping_type": "string",
                    "mapping": {"type": "keyword", "ignore_above": KEYWORD_MAX}}}],
                "date_detection": False,
                "properties": properties,
            },
        },
        "_meta": {"description": "flow-sensor: flows, protocol events, alerts, notices"},
    }


def pipeline() -> dict[str, Any]:
    """The ingest pipeline."""
    return {
        "description": "flow-sensor: when a document came, which rules of Elastic go by",
        "processors": [{"set": {"field": "event.ingested", "value": "{{{_ingest.timestamp}}}"}}],
    }


def pages() -> dict[str, str]:
    """The text of every file, by its name."""
    return {name: json.dumps(value, indent=1) + "\n"
            for name, value in ((TEMPLATE, template()), (PIPELINE_FILE, pipeline()))}


if __name__ == "__main__":
    for file_name, page in pages().items():
        (FOLDER / file_name).write_text(page, encoding="utf-8")
