"""A file or a module that a page, a docstring or a comment names is there."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from sensor.ecs.schema import known_fields
from tests.tidy.sources import ROOT, SENSOR, place

CODE = ("sensor", "tests", "tools", "fuzz", "benchmarks")
FOLDERS = (*CODE, "docs", "captures", "rules", "systemd")
PAGES = ("README.md", "CONTRIBUTING.md", "docs/*.md", "benchmarks/README.md",
         "captures/README.md", "fuzz/README.md")  # fmt: skip
PLACEHOLDERS = frozenset({"ID", "NAME", "PATH", "FILE", "FOLDER", "T"})
"""Parts of a name that stand for any."""
NOT_OURS = frozenset({
    # What readers have or make.
    "capture.pcap", "today.pcap", "today.pcapng", "captures/telnet.pcap", "s.toml",
    "captures/ftp_accepted.pcap", "mine/ftp.toml",
    # What the benchmarks make.
    "benchmarks/data", "benchmarks/data/flood.pcap", "benchmarks/data/mix.pcap", "flood.pcap",
    "mix.pcap", "mix.vxlan.pcap",
    # A value of `event.dataset`.
    "sensor.notice",
})  # fmt: skip
FIELDS = frozenset(known_fields(processes=True))

_BEGIN = r"(?<![\w/.*<>{}$~@-])"
FILE = re.compile(
    _BEGIN + r"((?:\.\./)*[\w.-]*\w@?(?:/[\w.-]+@?)*[\w.-]*"
    r"\.(?:py|pxd|md|toml|lark|sh|pcapng|pcap|service|svg|csv))(?![\w*/-]|\.\w)")
FOLDER = re.compile(
    _BEGIN + rf"((?:{'|'.join(FOLDERS)})/(?:[\w.-]+/)*(?:[\w-]+(?![\w.@*<{{/-]))?)(?![\w@*<{{])")
MODULE = re.compile(
    r"(?<![\w/.:@-])((?:" + "|".join(CODE) + r")(?:\.[A-Za-z_]\w*)+)(?![\w/*-]|\.\w)")


def wrong_names(text: str, page: Path) -> list[str]:
    """The names in a text that stand for nothing."""
    files, modules = names_in(text)
    wrong = {name for name in files if not is_there(name, page)}
    wrong |= {name for name in modules if not is_known(name)}
    return sorted(name for name in wrong - NOT_OURS
                  if not PLACEHOLDERS.intersection(re.split(r"[/._]", name)))


def names_in(text: str) -> tuple[set[str], set[str]]:
    """The paths and the dotted names in a text."""
    files = {re.sub(r"@[\w.-]+\.service$", "@.service", match[1])  # one unit for every interface
             for kind in (FILE, FOLDER) for match in kind.finditer(text)}
    return files, {match[1] for match in MODULE.finditer(text)} - files


def is_there(name: str, page: Path) -> bool:
    """Whether a path starts at the root, in sensor/ or beside the page, or ends one file's only."""
    return (any((folder / name).exists() for folder in (ROOT, SENSOR, page.parent))
            or endings()[name] == 1)


@cache
def endings() -> Counter[str]:
    """How many files of the repository end in each path."""
    found: Counter[str] = Counter()
    for path in (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.*")):
        if "__pycache__" not in path.parts:
            parts = path.relative_to(ROOT).parts
            found.update("/".join(parts[at:]) for at in range(len(parts)))
    return found


@cache
def is_known(name: str) -> bool:
    """Whether a dotted name is a field of ours, a module or something in one."""
    if any(field == name or field.startswith(f"{name}.") for field in FIELDS):
        return True
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        module = ".".join(parts[:end])
        try:
            is_module = find_spec(module) is not None
        except ImportError:  # what should hold it is no package
            continue
        if is_module:
            return end == len(parts) or has_attribute(module, parts[end:])
    return False


def has_attribute(module: str, names: list[str]) -> bool:
    value: object = import_module(module)
    for name in names:
        if not hasattr(value, name):
            return name in getattr(value, "__annotations__", {})
        value = getattr(value, name)
    return True


def pages() -> list[Path]:
    return sorted(path for pattern in PAGES for path in ROOT.glob(pattern))


def sources() -> list[Path]:
    return [ROOT / "setup.py",
            *sorted(path for folder in CODE for path in (ROOT / folder).rglob("*.py"))]


def words_of(source: str) -> str:
    """The comments and docstrings, those of attributes too, of a Python file."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    words = [token.string for token in tokens if token.type == tokenize.COMMENT]
    words += [node.value.value for node in ast.walk(ast.parse(source))
              if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
              and isinstance(node.value.value, str)]  # fmt: skip
    return "\n".join(words)


@pytest.mark.parametrize("page", pages(), ids=place)
def test_pages_name_what_is_there(page: Path) -> None:
    assert wrong_names(page.read_text(encoding="utf-8"), page) == []


def test_docstrings_and_comments_name_what_is_there() -> None:
    found = {place(path): wrong_names(words_of(path.read_text(encoding="utf-8")), path)
             for path in sources()}
    assert {path: names for path, names in found.items() if names} == {}


def test_types_in_c_name_what_is_there() -> None:
    for path in SENSOR.rglob("*.pxd"):
        assert wrong_names(path.read_text(encoding="utf-8"), path) == [], place(path)


RIGHT = """`sensor/decode/ipv4.py`, decode/ipv4.py, ipv4.py's [page](docs/rules.md), (rules.md).
`tests/live/`, sensor.config.Config, sensor.flows(), `sensor.flow.verdict`, sensor/sinks/NAME.py,
systemd/sensor@.service, sensor@eth0.service, tests/unit/**/*.py, /etc/none.toml, http://a/none.md
"""


@pytest.mark.parametrize("wrong", [
    "sensor/decode/none.py", "decode/none.py", "none.py", "docs/none.md", "tests/none/", "none.md",
    "tests/unit/none", "sensor.none", "sensor.config.None_", "sensor.flow.none", "tests.none",
    "reader.py", "sensor/ipv4.py", "captures/none.pcap", "none@.service", "../none.md",
])  # fmt: skip
def test_a_wrong_name_is_found(wrong: str) -> None:
    page = ROOT / "docs/rules.md"
    assert wrong_names(RIGHT, page) == []
    for text in (f"see {wrong}", f"(`{wrong}`): so", f"[it]({wrong})", f"{wrong}\n{RIGHT}"):
        assert wrong_names(text, page) == [wrong]


def test_comments_and_docstrings_are_what_is_read() -> None:
    source = ('"""See a.py."""\nX = 1  # see b.py\n"""In c.py."""\nY = "d.py"\n'
              'def f():\n    """And e.py."""\n')  # fmt: skip
    assert wrong_names(words_of(source), ROOT / "setup.py") == ["a.py", "b.py", "c.py", "e.py"]


def test_names_are_met_everywhere() -> None:
    """A pattern that matches nothing would find nothing wrong."""
    for kind in (FILE, FOLDER, MODULE):
        for paths in (pages(), sources()):
            texts = (path.read_text(encoding="utf-8") for path in paths)
            assert sum(len(kind.findall(text)) for text in texts) > 10
