"""A report in a real browser: nothing is loaded, nothing complains, and it can be used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import DEMO, sensor
from tests.conformance.browser import Browser, browser
from tests.hostile_session import ACCOUNT, NAME, hostile_capture
from tests.programs import require
from tests.telnet_sessions import FOLDER

ENTER, TAB = "\ue007", "\ue004"
"""Keys as WebDriver writes them."""


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    require("chromium", "chromedriver")
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with many sessions, one of them hostile."""
    folder = tmp_path_factory.mktemp("report")
    path = folder / "report.html"
    run = sensor("report", DEMO, str(hostile_capture(folder)), str(FOLDER / "elevation.pcap"),
                 "-o", str(path), "--case", "</title><script>alert(4)</script>")  # fmt: skip
    assert run.code == 0, run.err
    return path


def shown(window: Browser, selector: str) -> int:
    """How many of these elements can be seen."""
    count = window.run(f"return [...document.querySelectorAll('{selector}')]"
                       ".filter((one) => one.checkVisibility()).length")  # fmt: skip
    assert isinstance(count, int)
    return count


def test_nothing_is_asked_for_and_nothing_complains(window: Browser, page: Path) -> None:
    window.requests()
    window.open(page)
    assert [url for url in window.requests() if not url.startswith("data:")] == [page.as_uri()]
    assert window.messages() == []
    assert window.run("return document.scripts.length + document.images.length") == 1
    assert ACCOUNT in window.run("return document.body.textContent")


@pytest.mark.parametrize(("section", "rows", "wanted"), [
    ("alerts-of", "article", "203.0.113.9"), ("sessions", "article", "203.0.113.9"),
    ("connections-of", "tbody tr", "203.0.113.9"), ("alerts-of", "article", NAME),
    ("sessions", "article", NAME)])
def test_filters_work_by_keyboard(
    window: Browser, page: Path, section: str, rows: str, wanted: str
) -> None:
    window.open(page)
    everything = shown(window, f"#{section} {rows}")
    window.type(f"input[data-filter='#{section} {rows}']", wanted)
    assert 0 < shown(window, f"#{section} {rows}") < everything


def test_tables_are_sorted_by_keyboard(window: Browser, page: Path) -> None:
    window.open(page)
    octets = ("return [...document.querySelectorAll('#connections-of td:last-child')]"
              ".map((one) => Number(one.dataset.key))")
    window.type("#connections-of th:last-child button", ENTER)
    assert window.run(octets) == sorted(window.run(octets))
    window.type("#connections-of th:last-child button", ENTER)
    assert window.run(octets) == sorted(window.run(octets), reverse=True)


def test_transcripts_fold(window: Browser, page: Path) -> None:
    window.open(page)
    assert shown(window, "#sessions .lines") > 0
    window.type("button[data-fold]", ENTER)
    assert shown(window, "#sessions .lines") == 0


@pytest.mark.parametrize("width", [380, 1400])
def test_the_page_is_no_wider_than_its_window(window: Browser, page: Path, width: int) -> None:
    window.resize(width, 900)
    window.open(page)
    assert window.run("return document.documentElement.scrollWidth <= innerWidth")


def test_it_prints_with_all_transcripts(window: Browser, page: Path) -> None:
    window.open(page)
    window.type("button[data-fold]", ENTER)
    assert window.pdf().startswith(b"%PDF-")
    assert shown(window, "#sessions .lines") > 0


def test_it_can_be_read_without_scripts(tmp_path: Path, page: Path) -> None:
    require("chromium", "chromedriver")
    with browser(tmp_path, "--blink-settings=scriptEnabled=false") as plain:
        plain.open(page)
        assert shown(plain, "#sessions .lines p") > 0 and shown(plain, ".tools") == 0
