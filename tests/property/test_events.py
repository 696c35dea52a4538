"""Lines that are passed over without being parsed could not have matched, however JSON spells them.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sensor.config import Config, EventLimits
from sensor.events import scanner as scan
from sensor.events.files import EventFiles
from sensor.query.eql import parser as eql
from sensor.query.kql import parser as kql
from sensor.query.predicate import selects
from sensor.query.required_terms import Clause, required_terms
from sensor.rules.prefilter import clauses_of
from sensor.rules.ruleset import RuleSet
from tests.examples import examples
from tests.interpreted import load

ROOT = Path(__file__).parents[2]
SCANNERS = [scan.Scanner, load(("events.scanner",))["events.scanner"].Scanner]

KQL = [
    (ROOT / "tests/data/seed_text_then.kql").read_text(encoding="utf-8"),
    (ROOT / "tests/data/seed_text_now.kql").read_text(encoding="utf-8"),
    "destination.port:23",
    "destination.port:(23 or 2323) and not event.action:flow_denied",
    'process.name:"telnet" or process.args:telnet',
    "process.name:tel*et",
    "event.action:flow_*",
    "network.iana_number:6",
    "process.name:true",
    "destination.port >= 23",
    "destination.port:*",
    'process.args:"a/b\\\\c"',
    'process.args:"say \\"hi\\""',
    'process.name:"Kilo"',
    "process:{ name: telnet }",
    "destination.port:100",
    "*.port:23",
    "telnet",
]
EQL = [
    'network where destination.port == 23 and event.action != "flow_denied"',
    'process where process.name : "TELNET"',
    'any where process.name like~ "*kilo*"',
    'any where process.name in~ ("Kilo", "telnet")',
    'any where process.name in ("telnet", "23")',
    'any where process.args like "*lne?"',
    "any where destination.port in (23, 100)",
    'any where destination.port : "23"',
    "any where process.name == true",
    'any where startsWith(process.name, "tel")',
    'network where cidrMatch(destination.ip, "10.0.0.0/8") and network.iana_number == "6"',
    'any where not process.name == "telnet"',
    'any where destination.port == null or process.name == "telnet"',
    'any where process.name regex "t.*"',
    "any where destination.port + 1 == 24",
    "any where 23 == destination.port",
]
QUERIES = [(text, kql.parse(text)) for text in KQL] + [(text, eql.parse(text)) for text in EQL]


# --- documents, and the many ways to write one


VALUES = st.sampled_from([
    23, 23.0, "23", "023", "+23", "23.0", "2.3e1", ".23e2", 230, 2323, 123, 100, "100", "1e2", 6,
    "6", True, False, "true", "telnet", "TELNET", "Kilo", "\u212a\u0130lo", "kilo", "xKILOx",
    "a/b\\c", 'say "hi"', "flow_denied", "flow_started", "connection", "network", "process",
    "network_traffic.flow", "10.1.2.3", "::ffff:10.1.2.3", "2026-01-02T03:04:23Z", "<&'>", "é23",
    22.9, -23, 0, None,
])  # fmt: skip
NAMES = st.sampled_from([
    "destination.port", "destination.ip", "process.name", "process.args", "event.action",
    "event.type", "event.category", "event.dataset", "network.iana_number", "source.port",
])
DOCUMENTS = st.dictionaries(NAMES, st.one_of(VALUES, st.lists(VALUES, max_size=3)), max_size=6)
ODD_23 = ["23", "23.0", "23.000", "2.3e1", "0.23E2", "230e-1", "2300e-2", "22.9999999999999999999",
          "23.00000000000000000001", "2.3E+1"]


class Writer:
    """Writes JSON as `draw` decides: escapes, spellings of numbers, blanks, nested or dotted."""

    def __init__(self, draw: Any) -> None:
        self._pick = lambda *choices: draw(st.sampled_from(choices))
        self._plain = draw(st.booleans())

    def document(self, document: dict[str, Any]) -> str:
        return self.value(document if self._pick(True, False) else unfolded(document))

    def value(self, value: Any) -> str:
        if isinstance(value, dict):
            inside = ",".join(f"{self.blank()}{self.text(key)}:{self.blank()}{self.value(item)}"
                              for key, item in value.items())
            return "{" + inside + self.blank() + "}"
        if isinstance(value, list):
            return "[" + ",".join(self.blank() + self.value(item) for item in value) + "]"
        if isinstance(value, str):
            return self.text(value)
        if value == 23 and not isinstance(value, bool) and not self._plain:
            return str(self._pick(*ODD_23))
        return json.dumps(value)

    def blank(self) -> str:
        return "" if self._plain else str(self._pick("", " ", "\t"))

    def text(self, text: str) -> str:
        if self._plain or self._pick(True, False, False):
            return json.dumps(text, ensure_ascii=bool(self._pick(True, False)))
        escapes = {"/": "\\/", '"': '\\"', "\\": "\\\\"}
        return '"' + "".join(
            escapes.get(sign) or (f"\\u{ord(sign):04x}" if self._pick(True, False, False) else sign)
            for sign in text) + '"'


def unfolded(document: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in document.items():
        first, _, rest = name.partition(".")
        if rest:
            result.setdefault(first, {})[rest] = value
        else:
            result[name] = value
    return result


@st.composite
def written(draw: Any) -> str:
    return Writer(draw).document(draw(DOCUMENTS))


def found_in(make: Any, clause: Clause, line: str) -> bool:
    scanner = make(sorted(clause.words), sorted(clause.numbers), folded=clause.folded)
    data = line.encode() + b"\n"
    return bool(scanner.scan(data + b"\0", 0, len(data), array("q", bytes(24))) == 1)


@examples(150)
@example('{"destination":{"port":2.3e1}}')
@example('{"destination":{"port":22.999999999999999999}}')
@example('{"destination.p\\u006frt":"\\u00323"}')
@example('{"destination.port":[],"process.name":["telnet"]}')
@example('{"process":{"name":"\u212a\u0130LO"}}')
@given(written())
def test_a_line_that_a_query_selects_has_what_the_query_needs(line: str) -> None:
    document = orjson.loads(line)
    for text, query in QUERIES:
        if selects(query, document):  # type: ignore[arg-type]
            for clause in required_terms(query):
                for make in SCANNERS:
                    assert found_in(make, clause, line), (text, clause)


def test_the_telnet_rule_needs_its_port_and_lines_without_it_are_passed_over() -> None:
    clauses = required_terms(kql.parse(KQL[0]))
    (port,) = [clause for clause in clauses if clause.numbers]
    assert port.numbers == {23}
    for line, wanted in [
        ('{"destination":{"port":23}}', True), ('{"destination":{"port":["80", "23"]}}', True),
        ('{"destination":{"port":230},"id":"ab23cd","at":"03:23:23","ip":"10.0.0.23"}', False),
        ('{"destination":{"port":23.5},"source":{"port":1023}}', False),
        ('{"id":"\\u003c23e1a\\u003e","n":1e99x}', False), ("23", True), ('{"a":23', True),
    ]:  # fmt: skip
        assert [found_in(make, port, line) for make in SCANNERS] == [wanted, wanted], line


# --- the whole way


RULES = {
    "port": ("kuery", KQL[0]),
    "name": ("eql", 'process where process.name : "telnet"'),
    "joined": ("eql", 'sequence by source.port [any where process.name == "telnet"] '
                      "[any where destination.port == 23]"),
}


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("rules")
    for name, (language, query) in RULES.items():
        kind = "query" if language == "kuery" else "eql"
        (folder / f"{name}.toml").write_text(
            f'[rule]\nrule_id = "{name}"\nname = "{name}"\ntype = "{kind}"\nseverity = "low"\n'
            f'language = "{language}"\nrisk_score = 21\ndescription = "-"\nmax_signals = 4\n'
            f"query = '''{query}'''\n", encoding="utf-8")  # fmt: skip
    return str(folder)


TIMES = st.one_of(st.none(), st.integers(1_767_323_045, 1_767_323_900),
                  st.just("2026-01-02T03:04:05.5Z"))


@st.composite
def lines(draw: Any) -> str:
    document = draw(DOCUMENTS)
    time = draw(TIMES)
    if time is not None:
        document = {"@timestamp": time, **document}
    text = Writer(draw).document(document)
    form = draw(st.sampled_from(["{}", "{}", "{}", '{{"_index":"i","_source":{}}}',
                                 '{{"took":1,"hits":{{"hits":[{{"_source":{}}}]}}}}', "{},"]))
    bulk = draw(st.sampled_from(["", "", '{"index":{"_index":"i"}}\n', "\n", "\r\n"]))
    return bulk + str(form.format(text))


def alerts_of(rules: str, path: Path, *, filtered: bool) -> tuple[list[Any], dict[str, int]]:
    ruleset = RuleSet.load([rules], config=Config(), known_fields={}, any_event=True)
    needs = clauses_of(ruleset.rules) if filtered else None
    files = EventFiles([str(path)], needs, EventLimits(), always=True)

    def alerts() -> Iterator[Any]:
        for rows in files:
            yield from ruleset.match(rows)
        yield from ruleset.finish()

    return [alert.document for alert in alerts()], files.ledger()


@settings(max_examples=30, deadline=None, suppress_health_check=[
    HealthCheck.function_scoped_fixture])
@given(st.lists(lines(), max_size=25))
def test_what_is_passed_over_changes_no_alert(
    rules: str, tmp_path: Path, file: list[str]
) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text("\n".join(file), encoding="utf-8")
    every, all_counts = alerts_of(rules, path, filtered=False)
    some, counts = alerts_of(rules, path, filtered=True)
    assert some == every
    assert counts["read"] == all_counts["read"] == all_counts["parsed"] >= counts["parsed"]
    assert counts["bad"] == all_counts["bad"] == 0
