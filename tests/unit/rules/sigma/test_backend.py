"""Each modifier and value of Sigma means in EQL what the Sigma specification says.

Expected results are worked out by hand from the specification: texts are compared without regard
to capitals, `*` and `?` are wildcards unless a backslash stands before them, regular expressions
are found anywhere and mind capitals.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sensor.rules.sigma.backend import quoted
from tests.unit.rules.sigma.converting import converted, http, matched, sigma

UA = "user_agent.original"


def agent(text: str | None) -> dict[str, object]:
    return http(**({} if text is None else {UA: text}))


@pytest.mark.parametrize(("item", "hits", "misses"), [
    ("cs-user-agent: Curl", ["curl", "CURL"], ["curl/8", None]),
    ("cs-user-agent: 'a*c?e'", ["aXXcXe", "ACDE"], ["ace", "xacde"]),
    (r"cs-user-agent: 'a\*c'", ["a*c", "A*C"], ["abc", "a*cd"]),
    (r"cs-user-agent|contains: 'a\?c'", ["xa?cx", "A?C"], ["abc"]),
    (r"cs-user-agent: 'C:\\dir\file'", ["c:\\dir\\file"], ["c:dirfile", "c:\\\\dir\\file"]),
    ("cs-user-agent: 'say \"x\" (or: {y})'", ['SAY "x" (or: {y})'], ["say x (or: {y})"]),
    ("cs-user-agent: ''", [""], ["x", None]),
    ("cs-user-agent: null", [None], ["x"]),
    ("cs-user-agent|exists: true", ["x"], [None]),
    ("cs-user-agent|exists: false", [None], ["x"]),
    ("cs-user-agent|startswith: [ab, cd]", ["abx", "CDx"], ["xab"]),
    ("cs-user-agent|endswith: [ab, cd]", ["xab", "CD"], ["abx"]),
    ("cs-user-agent|contains|all: [ab, cd]", ["cd ab"], ["ab", "cd"]),
    ("cs-user-agent|cased: Ab", ["Ab"], ["ab", "AB"]),
    ("cs-user-agent|contains|cased: Ab", ["xAbx"], ["xabx"]),
    (r"cs-user-agent|contains|cased: 'A\*'", ["xA*x"], ["xa*x", "xAbx"]),
    (r"cs-user-agent|re: 'b\d+$'", ["xb12"], ["B12", "b1x"]),
    (r"cs-user-agent|re|i: '^b\d+'", ["B12x"], ["xb1"]),
    ("cs-user-agent|windash|contains: ' -a'", ["x -a", "x /a"], ["x a"]),
    # base64 of "sensor" at the three offsets: c2Vuc29y, NlbnNvc, zZW5zb3
    ("cs-user-agent|base64offset|contains: sensor",
     ["x=c2Vuc29y", "xNlbnNvcx", "zZW5zb3"], ["sensor"]),
    ("cs-user-agent|base64: sensor", ["c2Vuc29y"], ["xc2Vuc29y"]),
    ("cs-user-agent|base64offset|contains|all: [sensor, other]",
     ["c2Vuc29y b3RoZXI="], ["c2Vuc29y", "b3RoZXI="]),
    ("cs-user-agent: 7", ["7"], ["8"]),
    ("cs-user-agent: 'größe'", ["GRÖSSE".replace("SS", "ß")], ["grose"]),
])  # fmt: skip
def test_texts(item: str, hits: list[str | None], misses: list[str | None], tmp_path: Path) -> None:
    rule = sigma(f"selection:\n    {item}\ncondition: selection")
    wanted = [True] * len(hits) + [False] * len(misses)
    assert matched(tmp_path, rule, *map(agent, [*hits, *misses])) == wanted


@pytest.mark.parametrize(("item", "hits", "misses"), [
    ("sc-status: 404", [404], [200]),
    ("sc-status: ['404', 500]", [404, 500], [200]),
    ("sc-status|startswith: '4'", [404, 4], [504]),
    ("sc-status|gt: 400", [401], [400]),
    ("sc-status|gte: 400", [400], [399]),
    ("sc-status|lt: 400", [399], [400]),
    ("sc-status|lte: 400", [400], [401]),
    ("sc-status|re: '^50.$'", [503], [5033, 404]),
])
def test_numbers(item: str, hits: list[int], misses: list[int], tmp_path: Path) -> None:
    rule = sigma(f"selection:\n    {item}\ncondition: selection")
    documents = [http(**{"http.response.status_code": code}) for code in (*hits, *misses)]
    assert matched(tmp_path, rule, *documents) == [True] * len(hits) + [False] * len(misses)


@pytest.mark.parametrize(("item", "hits", "misses"), [
    ("src_ip|cidr: [192.0.2.0/24, '2001:db8::/32']", ["192.0.2.9", "2001:db8::1"], ["192.0.3.1"]),
    ("src_ip: 192.0.2.1", ["192.0.2.1"], ["192.0.2.11"]),
    ("src_ip|startswith: '192.0.'", ["192.0.2.1"], ["1.192.0.2"]),
])
def test_addresses(item: str, hits: list[str], misses: list[str], tmp_path: Path) -> None:
    rule = sigma(f"selection:\n    {item}\ncondition: selection")
    documents = [http(**{"source.ip": ip}) for ip in (*hits, *misses)]
    assert matched(tmp_path, rule, *documents) == [True] * len(hits) + [False] * len(misses)


DETECTIONS = """
sel_a:
    cs-user-agent: a
sel_b:
    cs-method: b
filter:
    - cs-host: x
    - sc-status: 200
"""


@pytest.mark.parametrize(("condition", "wanted"), [
    # of the documents: a, b, a and b, a and b at x, a and b with 200, nothing
    ("1 of sel_*", [True, True, True, True, True, False]),
    ("all of sel_*", [False, False, True, True, True, False]),
    ("sel_a and not filter", [True, False, True, False, False, False]),
    ("1 of them", [True, True, True, True, True, False]),
    ("not (sel_a or sel_b)", [False, False, False, False, False, True]),
    ("sel_a and sel_b or filter", [False, False, True, True, True, False]),
    ("[sel_a and filter, sel_b and filter]", [False, False, False, True, True, False]),
])
def test_conditions(condition: str, wanted: list[bool], tmp_path: Path) -> None:
    a, b = {UA: "a"}, {"http.request.method": "B"}
    documents = [http(**a), http(**b), http(**a, **b), http(**a, **b, **{"url.domain": "X"}),
                 http(**a, **b, **{"http.response.status_code": 200}), http()]  # fmt: skip
    assert matched(tmp_path, sigma(f"{DETECTIONS}condition: {condition}"), *documents) == wanted


def test_keywords_are_looked_for_in_what_a_line_of_an_access_log_has(tmp_path: Path) -> None:
    rule = sigma("keywords:\n    '|all':\n        - '${jndi:'\n        - 8080\ncondition: keywords")
    one, two = "/?q=${JNDI:ldap", "http://x:8080/"
    assert matched(
        tmp_path, rule, http(**{"url.original": one, "http.request.referrer": two}),
        http(**{UA: one + two}), http(**{"url.original": one}),
        http(**{"http.request.method": one + two}),
    ) == [True, True, False, False]  # fmt: skip


def test_a_field_may_be_compared_with_another(tmp_path: Path) -> None:
    rule = sigma("selection:\n    cs-host|fieldref: cs-user-agent\ncondition: selection")
    assert matched(tmp_path, rule, http(**{"url.domain": "a", UA: "a"}),
                   http(**{"url.domain": "a", UA: "b"})) == [True, False]  # fmt: skip


def test_the_name_of_a_header_field_may_stand_in_a_condition(tmp_path: Path) -> None:
    rule = sigma("selection:\n    cs-content-type|contains: xml\ncondition: selection")
    name = "http.request.headers.content-type"
    assert matched(tmp_path, rule, http(**{name: "text/XML"}), http(**{name: "a"})) == [True, False]


@pytest.mark.parametrize(("item", "source", "reason"), [
    ("cs-host|re: 'a(?=b)'", "category: proxy", "regular expression: '(?=b'"),
    ("cs-host|re|m: a", "category: proxy", "no flag m"),
    ("cs-host|expand: '%mine%'", "category: proxy", "placeholder %mine%"),
    ("'|re': a", "category: proxy", "keywords that are regular expressions"),
])
def test_what_has_no_counterpart_is_said(
    item: str, source: str, reason: str, tmp_path: Path
) -> None:
    found = converted(tmp_path, sigma(f"selection:\n    {item}\ncondition: selection", source))
    assert reason in found.refusal and not found.text


def test_words_without_a_field_need_a_text_to_be_in(tmp_path: Path) -> None:
    found = converted(tmp_path, sigma("words: [a]\ncondition: words", "category: firewall"))
    assert "no text to look for them in" in found.refusal


def test_constants_are_quoted_as_eql_reads_them() -> None:
    assert quoted('a"b\\c\n') == r'"a\"b\\c\n"'
