"""Pages that are generated are fresh."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.programs import require
from tools import make_field_docs, make_man_pages

ROOT = Path(__file__).parents[2]


def test_fields_page_is_what_the_schema_says():
    # If this fails: python -m tools.make_field_docs > docs/fields.md
    assert (ROOT / "docs" / "fields.md").read_text() == make_field_docs.page()


def test_man_pages_are_what_help_says():
    # If this fails: python -m tools.make_man_pages
    pages = make_man_pages.pages()
    assert {path.name for path in make_man_pages.FOLDER.iterdir()} == set(pages)
    for name, text in pages.items():
        assert (make_man_pages.FOLDER / name).read_text(encoding="utf-8") == text, name


def test_man_pages_pass_mandoc():
    require("mandoc")
    pages = sorted(make_man_pages.FOLDER.glob("*.1"))
    run = subprocess.run(["mandoc", "-Tlint", *pages], capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr, run.returncode) == ("", "", 0)
