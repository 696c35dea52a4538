"""Pages that are generated are fresh."""

from __future__ import annotations

from pathlib import Path

from tools import make_field_docs

ROOT = Path(__file__).parents[2]


def test_fields_page_is_what_the_schema_says():
    # If this fails: python -m tools.make_field_docs > docs/fields.md
    assert (ROOT / "docs" / "fields.md").read_text() == make_field_docs.page()
