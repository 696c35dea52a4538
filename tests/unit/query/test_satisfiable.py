"""Queries that can never hold: by the values that documents can have, and by nothing else.

What can be is written here by hand, as a small world of two kinds of documents; of the sensor's own
documents only what the pages for users promise is taken (docs/rules.md, docs/host-events.md).
"""

from __future__ import annotations

import pytest

from sensor.ecs.document_kinds import NEVER, DocumentKind, document_kinds
from sensor.ecs.schema import known_fields
from sensor.query.eql import parser as eql
from sensor.query.kql import parser as kql
from sensor.query.satisfiable import Evidence, why_never

KNOWN = {"event.category": "keyword", "colour": "keyword", "shape": "keyword", "tags": "keyword",
         "is_new": "boolean", "size": "long", "mark": "keyword", "key": "keyword",
         "lid": "keyword"}  # fmt: skip
BOX = DocumentKind("box", {
    "event.category": (("box",),), "colour": (("red",), ("green",), ()), "shape": (("cube",),),
    "tags": (("old", "odd"), ()), "is_new": ((False,),), "key": NEVER,
    "mark": tuple((f"m{number}",) for number in range(20)), "lid": NEVER})  # fmt: skip
BALL = DocumentKind("ball", {
    "event.category": (("ball",),), "colour": (("blue",),), "shape": (("sphere",),), "tags": NEVER,
    "is_new": ((True,),), "mark": NEVER, "lid": NEVER})  # fmt: skip
WORLD = Evidence(KNOWN.get, tuple(KNOWN), (BOX, BALL))


def holds(text: str, evidence: Evidence = WORLD) -> bool:
    """True if some document can fulfil a query."""
    language = eql if " where " in text else kql
    return not why_never(language.parse(text), evidence)[0]


@pytest.mark.parametrize("text", [
    "colour:red", "colour:R*d", "colour:(yellow or blue)", "colour:*", "not colour:red",
    "not colour:*", "colour:null", "shape:*u*", "tags:old and tags:odd", "not tags:old",
    "size > 5", "size:5 and shape:cube", "is_new:true", "is_new:false", "mark > m2",
    "mark:m19", "nothing or colour:red", "*ape:sphere", "not (colour:red and shape:cube)",
    "key:anything", "not lid:*", "lid:null", "red",
    'any where colour == "red"', 'any where colour : "RED"', 'any where colour != "red"',
    'any where colour in ("red", "pink")', 'any where colour like "r*"',
    'any where stringContains(colour, "lu")', 'any where length(shape) == 6',
    'box where colour == "green" and not is_new', "ball where is_new", "any where lid == null",
    'any where colour == shape or size == 4', 'any where concat(colour, shape) == "redcube"',
    'box where true', 'any where size + 1 > 2',
])
def test_what_some_document_can_be(text: str) -> None:
    assert holds(text.replace("R*d", "r*d"))


@pytest.mark.parametrize("text", [
    "colour:Red", "colour:(yellow or pink)", "colour:y*", "shape:null", "not shape:*",
    "tags:new", "colour:red and shape:sphere", "colour:blue and not is_new:true", "mark:m20",
    "mark > n", "lid:*", "not lid:null", "*ape:pyramid", "key:a and shape:cube",
    "not shape:(cube or sphere)", "size:5 and colour:pink", "lid > a",
    'any where colour == "RED"', 'any where shape != "cube" and shape != "sphere"',
    'any where colour in ("pink", "black")', 'any where colour regex "p.*"',
    'any where length(shape) == 5', 'box where is_new', 'toy where true', "any where false",
    'ball where concat(colour, shape) == "redcube"', "any where lid != null",
    'any where not colour in ("red", "green", "blue") and shape == "sphere"',
])
def test_what_no_document_can_be(text: str) -> None:
    assert not holds(text)


@pytest.mark.parametrize(("text", "reasons"), [
    ("shape:pyramid", ("shape is always cube or sphere here",)),
    ("colour:pink and size:4", ("colour is always red, green or blue here",)),
    ("colour:pink and shape:pyramid",
     ("colour is always red, green or blue here", "shape is always cube or sphere here")),
    ("lid:x", ("no event here has lid",)),
    ("not is_new:(true or false)", ("is_new is always false or true here",)),
    ("mark:M7", ("mark is never M7 here: did you mean m7?",)),
    ("mark:x", ("mark is never x here",)),
    ('any where mark == "M7"', ('mark is never == "M7" here: did you mean m7?',)),
    ("colour:red and shape:sphere", ("no event here can be all of this at once",)),
    ("weight:x", ()),
])
def test_the_reason_names_the_values(text: str, reasons: tuple[str, ...]) -> None:
    language = eql if " where " in text else kql
    assert why_never(language.parse(text), WORLD) == (True, reasons)


@pytest.mark.parametrize(("text", "possible"), [
    ('sequence by size [box where true] [ball where colour == "blue"]', True),
    ('sequence by size [box where true] [ball where colour == "red"]', False),
    ("sequence by lid [box where true] [ball where true]", False),
    ("sequence by ?lid [box where true] [ball where true]", True),
    ("sequence by mark [box where true] [box where is_new == false]", True),
    ("sequence by mark [box where true] [ball where true]", False),
    ('sequence by size with maxspan=1s [box where true] ![ball where colour == "red"]', True),
    ("sample by size [box where true] [box where is_new]", False),
])
def test_every_step_of_a_sequence_must_be_possible(text: str, possible: bool) -> None:
    assert why_never(eql.parse(text), WORLD)[0] is not possible


def test_a_key_that_no_event_has_is_the_reason() -> None:
    query = eql.parse("sequence by lid [box where true] [ball where true]")
    assert why_never(query, WORLD) == (True, ("no event here has lid",))


def test_documents_from_elsewhere_may_be_anything() -> None:
    anything = Evidence(lambda name: "keyword", (), None)
    assert holds("colour:pink and shape:pyramid", anything)
    assert holds('toy where lid == "x"', anything)


TAP = Evidence(known_fields().get, tuple(known_fields()), document_kinds())
_HOST = known_fields(processes=True)
HOST = Evidence(_HOST.get, tuple(_HOST), document_kinds(processes=True))


@pytest.mark.parametrize(("text", "on_tap", "on_host"), [
    ("event.dataset:azure.activitylogs", False, False),
    ("event.kind:alert", False, False),
    ("event.kind:signal and destination.port:23", False, False),
    ("network.transport:TCP", False, False),
    ("network.transport:tcp", True, True),
    ("event.category:(network or network_traffic) and network.transport:udp", True, True),
    ("event.action:flow_started and event.type:denied", False, False),
    ("event.action:network_flow and event.type:end", True, True),
    ("not event.module:network_traffic", False, True),
    ("event.dataset:sensor.process", False, True),
    ("host.os.type:windows", False, False),
    ("host.os.type:linux and event.type:start", False, True),
    ("network.direction:sideways", False, False),
    ("rule.name:*", False, False),
    ("network.iana_number:256", False, False),
    ('network where event.type == "start" and destination.port == 22', True, True),
    ('network where event.action == "connection_attempted"', False, False),
    ('process where event.type == "start" and process.name == "telnet"', False, True),
    ('process where event.type == "start" and destination.port == 22', False, False),
    ('process where process.exit_code == 1', False, True),
    ('network where process.exit_code == 1', False, False),
    ('sequence by process.entity_id [process where event.action == "process_started"]'
     ' [network where destination.port == 23]', False, True),
])
def test_rules_on_the_sensors_own_events(text: str, on_tap: bool, on_host: bool) -> None:
    assert (holds(text, TAP), holds(text, HOST)) == (on_tap, on_host)


def test_eight_values_are_told_and_of_more_the_one_that_was_asked_for() -> None:
    whole = "a is always 0, 1, 2, 3, 4, 5, 6 or 7 here"
    for count, reason in ((8, whole), (9, "a is never x here")):
        kind = DocumentKind("k", {"a": tuple((str(number),) for number in range(count))})
        evidence = Evidence({"a": "keyword"}.get, ("a",), (kind,))
        assert why_never(kql.parse("a:x"), evidence) == (True, (reason,))


def test_what_evidence_says_of_names_and_categories() -> None:
    assert WORLD.categories() == {"box", "ball"}
    assert Evidence(KNOWN.get, (), None).categories() is None
    assert Evidence(KNOWN.get, (), (BOX, DocumentKind("open", {}))).categories() is None
    assert [name for name in ("colour", "lid", "key", "weight") if WORLD.occurs(name)] == [
        "colour", "key"]


def test_more_combinations_than_are_tried_are_left_open() -> None:
    many = tuple((f"v{number}",) for number in range(64))
    for fields, decided in ((2, True), (3, False)):
        names = [f"f{number}" for number in range(fields)]
        evidence = Evidence(dict.fromkeys(names, "keyword").get, names,
                            (DocumentKind("k", dict.fromkeys(names, many)),))
        text = f'any where concat({", ".join(names)}) == "x"'
        assert why_never(eql.parse(text), evidence)[0] is decided


OURS = Evidence(known_fields().get, tuple(known_fields()), document_kinds())


@pytest.mark.parametrize(("text", "reason"), [
    ("telnet.login.outcome:sucess",
     "telnet.login.outcome is always success, failure, unknown, none or bypass here"),
    ('any where tls.version == "TLS 1.2"', "tls.version is always 3.0, 1.0, 1.1, 1.2 or 1.3 here"),
    ("telnet.encrypted:false", "telnet.encrypted is always true here"),
    ("dns.op_code:query", "dns.op_code is never query here: did you mean QUERY?"),
    ("telnet.exploit.name:user_argument_injectoin",
     "telnet.exploit.name is never user_argument_injectoin here: did you mean"
     " user_argument_injection?"),
    ('any where event.action == "telnet_logn"',
     'event.action is never == "telnet_logn" here: did you mean telnet_login?'),
    ("event.dataset:network_trafic.dns",
     "event.dataset is never network_trafic.dns here: did you mean network_traffic.dns?"),
    # What resembles a value in one part only, or in none, is another's.
    ("event.dataset:network_traffic.nfs", "event.dataset is never network_traffic.nfs here"),
    ("event.action:login", "event.action is never login here"),
])
def test_the_value_that_was_probably_meant(text: str, reason: str) -> None:
    language = eql if " where " in text else kql
    assert why_never(language.parse(text), OURS) == (True, (reason,))


@pytest.mark.parametrize("text", [
    "telnet.login.outcome:(success or sucess)", "event.action:http_login and not status:*",
    "event.action:telnet_command and not event.outcome:*", "event.action:dns_answer and dns.type:*",
    "event.action:network_flow and telnet.login.outcome:success", 'http.version:"1.1"',
    "not telnet.login.outcome:success", "tls.detailed.alert_types:handshake_failure",
    "event.action:network_flow and user.name:root",
])
def test_what_documents_of_protocols_can_be(text: str) -> None:
    assert holds(text, OURS)
