"""Pages that are generated are fresh."""

from __future__ import annotations

from pathlib import Path

from sensor.ecs import schema

ROOT = Path(__file__).parents[2]


def test_fields_page_is_what_the_schema_says():
    # If this fails: python -m sensor.ecs.schema > docs/fields.md
    assert (ROOT / "docs" / "fields.md").read_text() == schema.page()
