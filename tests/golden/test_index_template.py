"""The index template of docs/ takes every document of the sensor, and is what the schema says."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

from sensor.api import replay
from tests.command import DEMO
from tests.flow_records import random_batch
from tools import make_index_template

MAPPINGS = make_index_template.template()["template"]["mappings"]["properties"]


def test_the_files_are_what_the_schema_says() -> None:
    # If this fails: python -m tools.make_index_template
    for name, text in make_index_template.pages().items():
        assert (make_index_template.FOLDER / name).read_text(encoding="utf-8") == text, name


def fits(value: Any, mapping: dict[str, Any]) -> bool:
    """True if a server would take a value for a mapping."""
    if isinstance(value, list):
        return all(fits(each, mapping) for each in value)
    kind = mapping.get("type", "object")
    if kind in ("object", "nested") or isinstance(value, dict):
        inner = mapping.get("properties", {})
        return isinstance(value, dict) and kind in ("object", "nested") and all(
            fits(each, inner[name]) for name, each in value.items() if name in inner)
    if kind == "ip":
        ipaddress.ip_address(value)
    if kind == "long":
        return isinstance(value, int)
    if kind == "float":
        return isinstance(value, int | float)
    return isinstance(value, bool) if kind == "boolean" else isinstance(value, str)


def test_every_document_fits() -> None:
    documents = [*random_batch(8).to_dicts(), *(alert.document for alert in replay(DEMO))]
    assert len(documents) > 60
    for document in documents:
        for name, value in document.items():
            assert name in MAPPINGS, name
            assert fits(value, MAPPINGS[name]), (name, value)


def test_the_pipeline_says_when_a_document_came() -> None:
    template = json.loads(make_index_template.pages()["index-template.json"])
    settings = template["template"]["settings"]["index"]
    assert settings["default_pipeline"] == make_index_template.PIPELINE
    (processor,) = make_index_template.pipeline()["processors"]
    assert processor["set"]["field"] == "event.ingested"
