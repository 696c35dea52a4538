"""First inputs for every target, from the tests' frames, files and queries.

    python -m fuzz.make_seeds        # adds to fuzz/corpus/
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from fuzz import corpus
from fuzz.targets import TARGETS
from fuzz.targets.captures import PCAP_MAGICS
from fuzz.targets.frames import (
    ETHERNET,
    GENEVE,
    GTP,
    IPV4,
    IPV6,
    MPLS,
    OTHER_LINKS,
    PPP,
    PPPOE,
    TEREDO,
    VXLAN,
    WIRELESS,
)
from tests.dns_messages import answer, framed, message, query, question, record
from tests.fuzz.test_fuzz_capture import FILES
from tests.unit.decode.corpus import FRAMES

ROOT = Path(__file__).parents[1]

SEEDS: dict[str, Callable[[], list[bytes]]] = {}
PLAIN = bytes(2)
"""The first link type, nothing lost."""


def seeds(*names: str) -> Callable[[Any], Any]:
    """Register a function that gives the inputs of these targets."""
    def register(function: Any) -> Any:
        SEEDS.update({name: partial(function, name) if len(names) > 1 else function
                      for name in names})
        return function
    return register


def packets(version: int) -> list[bytes]:
    """The IP packets of a version in the tests' frames."""
    kind = b"\x08\x00" if version == 4 else b"\x86\xdd"
    found = [frame[14:] for link, frame, _ in FRAMES.values()
             if link == ETHERNET and frame[12:14] == kind]
    return found + [frame for link, frame, _ in FRAMES.values()
                    if link == (IPV4 if version == 4 else IPV6)]


def bodies(version: int, protocol: int) -> list[bytes]:
    """What packets of a protocol carry, where no option or extension stands before it."""
    head, at = (20, 9) if version == 4 else (40, 6)
    return [packet[head:] for packet in packets(version) if packet[at] == protocol]


@seeds("ethernet")
def ethernet() -> list[bytes]:
    return [PLAIN + frame for link, frame, _ in FRAMES.values() if link == ETHERNET]


@seeds("links")
def links() -> list[bytes]:
    return [bytes([OTHER_LINKS.index(link), 0]) + frame for link, frame, _ in FRAMES.values()
            if link in OTHER_LINKS]


@seeds("ipv4")
def ipv4() -> list[bytes]:
    return [PLAIN + packet for packet in packets(4)]


@seeds("ipv6")
def ipv6() -> list[bytes]:
    return [PLAIN + packet for packet in packets(6)]


@seeds("tcp")
def tcp() -> list[bytes]:
    negotiation = bytes.fromhex("fffd18fffd20fffb01fffa1801fff0")
    return [PLAIN + body + more for body in (*bodies(4, 6), *bodies(6, 6))
            for more in (b"", negotiation)]


@seeds("udp")
def udp() -> list[bytes]:
    return [PLAIN + body for body in (*bodies(4, 17), *bodies(6, 17))]


@seeds("icmp")
def icmp() -> list[bytes]:
    return [PLAIN + body for body in bodies(4, 1)]


@seeds("icmpv6")
def icmpv6() -> list[bytes]:
    return [PLAIN + body for body in bodies(6, 58)]


def conversation(*pieces: tuple[int, bytes]) -> bytes:
    """Pieces of up to 127 octets, each from a side: what fuzz/targets/analyzers.py reads."""
    return b"".join(bytes([side << 7 | len(octets)]) + octets for side, octets in pieces)


@seeds("ssh")
def ssh() -> list[bytes]:
    server, client = b"SSH-2.0-OpenSSH_9.6p1 Debian-3\r\n", b"SSH-1.99-x\n"
    return [conversation((1, server), (0, client)), conversation((1, b"hello\r\n" + server)),
            conversation((0, client), (1, b""), (1, server)), conversation((1, b"SSH-2.0\r\n")),
            conversation((1, b"x" * 127), (1, b"x" * 127), (1, b"x\n" + server))]


def dns_messages() -> list[bytes]:
    """A query, an answer with records of many types, and an answer that says nothing more."""
    records = [
        record(5, b"\1b\xc0\x0e"), record(1, b"\xc0\0\2\1"), record(28, bytes(15) + b"\1"),
        record(15, b"\0\x0a\xc0\x0c"), record(16, b"\3a b\2\0\xff"), record(33, bytes(6) + b"\0"),
        record(6, b"\xc0\x0c\0" + bytes(20)), record(257, b"\0\5issuex"), record(99, b"\4cut"),
        record(65, b"\0\1\0\0\1\0\3\2h2\0\3\0\2\1\xbb\0\4\0\4\1\2\3\4"),
    ]
    edns = record(41, b"", b"\0", class_=1232, ttl=0x8000)
    return [query(7, "a.example"), answer(7, "a.example"),
            message(0, 0x8400, answers=(records[1],)),
            message(7, 0x8180, question("a.example"), answers=tuple(records), additionals=(edns,)),
            message(7, 0x8183, question("a.example"), authorities=(records[6],))]


@seeds("dns_message")
def dns_message() -> list[bytes]:
    return dns_messages()


@seeds("dns")
def dns() -> list[bytes]:
    asked, told, announced, *others = map(framed, dns_messages())
    return [conversation((0, asked), (1, told)), conversation((0, asked + asked), (1, told)),
            conversation((1, told), (0, asked)), conversation((0, asked), (1, b""), (1, told)),
            conversation((0, asked[:9]), (1, announced), (0, asked[9:])),
            conversation((0, asked), *((1, one[at : at + 127]) for one in others
                                       for at in range(0, len(one), 127)))]


LOGINS = {
    "ftp": ("S 220-a\nS 220 b\nC USER ann\nS 331 c\nC PASS ab c\nS 230 d\nC SIZE x\nS 213 5\n"
            "C RETR x\nS 150 e (6 bytes).\nS 226 f\nC STOR y/z\nS 553 g\nC AUTH TLS\nS 234 h",
            "S 220 a\nC USER a\nC PASS b\nS 332 c\nS 332 d\nC ACCT e\nS 530 f"),
    "smtp": ("S 220 a\nC EHLO b\nS 250-c\nS 250 d\nC AUTH LOGIN\nS 334 e\nC YW5u\nS 334 f\nC cHc=\n"
             "S 535 g\nC AUTH PLAIN AGFubgBwdw==\nS 235 h", "S 220 a\nC STARTTLS\nS 220 b",
             "S 220 a\nC AUTH CRAM-MD5\nS 334 b\nC YW5uIGFi\nS 235 c\nC MAIL FROM:<d>"),
    "pop3": ("S +OK a\nC CAPA\nS +OK\nS USER\nS .\nC USER ann\nS +OK\nC PASS x y\nS -ERR b\n"
             "C AUTH PLAIN\nS + \nC AGFubgBwdw==\nS +OK c", "S +OK\nC APOP ann 0\nS +OK",
             "S +OK\nC STLS\nS +OK"),
    "imap": ('S * OK a\nC 1 LOGIN ann "p\\"w"\nS 1 NO b\nC 2 LOGIN {3}\nS + c\nC ann {2+}\nC pw\n'
             "S * d\nS 2 OK e", "S * OK\nC 1 AUTHENTICATE PLAIN\nS +\nC AGFubgBwdw==\nS 1 OK",
             "S * PREAUTH\nC 1 STARTTLS\nS 1 OK"),
}
"""Dialogues of line protocols: the side, and what it says."""


@seeds(*LOGINS)
def logins(name: str) -> list[bytes]:
    return [conversation(*((int(line[0] == "S"), line[2:].encode() + b"\r\n")
                           for line in text.splitlines())) for text in LOGINS[name]]


@seeds("tls")
def tls() -> list[bytes]:
    """Handshakes built field by field, and one that OpenSSL made."""
    from tests.unit.protocols.tls import handshakes  # noqa: PLC0415
    from tests.unit.protocols.tls.test_hello import OFFERED, SNI, client, extension, server  # noqa: PLC0415
    from tests.unit.protocols.tls.test_records import message, record  # noqa: PLC0415

    def cut(side: int, octets: bytes) -> list[tuple[int, bytes]]:
        return [(side, octets[at : at + 127]) for at in range(0, len(octets), 127)]

    offer = cut(0, record(22, message(1, client(SNI, OFFERED))))
    old = cut(1, record(22, message(2, server()) + message(14, b"")))
    new = cut(1, record(22, message(2, server(extension(43, b"\3\4")))) + record(23, bytes(30)))
    end = record(20, b"\1") + record(22, b"finished")
    made, *_ = handshakes.handshake(*handshakes.speakers(handshakes.ssl.TLSVersion.TLSv1_2))
    return [
        conversation(*offer, *old, (0, end), (1, end)),
        conversation(*offer, *old, (1, record(21, b"\1\x70") + record(21, b"\2\x28"))),
        conversation(*offer, (1, end)), conversation(*old, (1, end + record(23, b"data"))),
        conversation(*offer, *new, (0, record(23, bytes(19)))),
        conversation(*offer, *new, (0, record(20, b"\1") + record(23, bytes(60)))),
        conversation(*offer, (1, b""), *new), conversation(*offer, (1, offer[0][1])),
        conversation(*(piece for side, octets in made for piece in cut(side, octets))),
    ]  # fmt: skip


@seeds("rlogin")
def rlogin() -> list[bytes]:
    from tests.unit.protocols.rlogin.test_analyzer import STORIES  # noqa: PLC0415

    return [conversation(*pieces) for pieces in STORIES.values()]


@seeds("redis")
def redis() -> list[bytes]:
    """Pieces of recorded conversations."""
    from tests.unit.protocols.redis import recorded  # noqa: PLC0415

    said = [*recorded.CONFIGURING, *recorded.LOGGING_IN, *recorded.LISTENING]
    pairs = [said[at : at + 4] for at in range(0, len(said), 4)]
    return [conversation(*((side, octets[:127]) for side, octets in some)) for some in pairs]
@seeds("http")
def http() -> list[bytes]:
    ask = b"GET /a.b?c=d HTTP/1.1\r\nHost: e\r\n\r\n"
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nT: u\r\n\r\n"
    form = (b"POST http://u:p@e/ HTTP/1.1\r\nAuthorization: Basic YTpi\r\n",
            b"Content-Length: 10\r\n\r\npassword=x")
    packed = (b"HTTP/1.1 404 x\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n"
              b"\x1f\x8b\x08\0")
    return [
        conversation((0, ask + ask), (1, said), (1, chunks)),
        conversation((0, form[0]), (0, form[1]), (1, packed)),
        conversation((0, ask), (1, said[:42]), (1, b""), (1, said), (0, b""), (0, ask), (1, said)),
        conversation((0, b"HEAD / HTTP/1.0\r\n\r\n"), (1, said[:-3]), (0, ask),
                     (1, b"HTTP/1.1 100 x\n\nHTTP/1.1 204 y\r\n\r\n")),
        conversation((0, b"CONNECT e:1 HTTP/1.1\r\nHost: e\r\n\r\n"), (1, said), (0, b"\x16\3\1")),
        conversation((0, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")),
        conversation((0, b"POST / HTTP/1.1\r\nContent-Length: 1\r\n"
                         b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
                     (1, b"HTTP/1.1 101 x\r\n\r\n")),
    ]


@seeds("telnet")
def telnet() -> list[bytes]:
    """The beginnings of the captured sessions, and stories in words."""
    from fuzz.targets import telnet as target  # noqa: PLC0415
    from tests.telnet_sessions import conversations  # noqa: PLC0415

    def word(side: int, octets: bytes) -> int:
        words = target.SERVER_WORDS if side else target.CLIENT_WORDS
        return side << 7 | 0x40 | words.index(octets)

    prompt, name = target.PASSWORD_PROMPTS[0], b"\r\nUsername: "
    login = [word(1, name), word(0, b"ann\r\n"), word(1, prompt), word(0, target.ANSWER)]
    ends = (b"\r\nLogin incorrect\r\n", b"\r\nLast login: today\r\n", b"\r\nroot# ", prompt, name,
            target.ECHO, b"Geheim: ", b" --More-- ", b"\x1b[?1049h", target.AGAIN, target.TURN)
    later = [word(1, target.PAUSE), word(0, b"su\r\n"), word(1, prompt), word(0, target.ANSWER),
             word(1, target.ECHO), word(1, b"\r\nroot# ")]
    stories = [bytes([*login, word(1, end), *later]) for end in ends]
    limit = TARGETS["telnet"].max_bytes
    for path in sorted((ROOT / "captures/sessions").glob("*.pcap")):
        for said in conversations(path).values():
            octets = b"".join(
                bytes([one.side << 7 | len(one.octets[at : at + 63])]) + one.octets[at : at + 63]
                for one in said for at in range(0, len(one.octets), 63))  # fmt: skip
            stories.append(octets[:limit])
    return stories


@seeds("reassembly")
def reassembly() -> list[bytes]:
    return [bytes(4) + bytes([0, 10, 10, 10, 20, 10]),
            b"\xff\xff\xff\xf0" + bytes([20, 9, 0, 25]),
            bytes(4) + bytes([5, 5, 2, 20, 30, 3, 0, 40]),
            b"\x80\0\0\0" + bytes([9, 1, 7, 1, 0, 8])]


@seeds("wireless")
def wireless() -> list[bytes]:
    return [bytes([WIRELESS.index(link), 0]) + frame for link, frame, _ in FRAMES.values()
            if link in WIRELESS]


@seeds("ppp")
def ppp() -> list[bytes]:
    return [bytes([PPP.index(link), 0]) + frame for link, frame, _ in FRAMES.values()
            if link in PPP]


@seeds("pppoe", "mpls")
def behind_ethertype(name: str) -> list[bytes]:
    ethertype = PPPOE if name == "pppoe" else MPLS
    return [PLAIN + frame[14:] for link, frame, _ in FRAMES.values()
            if link == ETHERNET and frame[12:14] == ethertype]


@seeds("gre")
def gre() -> list[bytes]:
    return [PLAIN + body for body in (*bodies(4, 47), *bodies(6, 47))]


@seeds("ip_in_ip")
def ip_in_ip() -> list[bytes]:
    return [bytes([2 * (protocol == 4) + (version == 6), 0]) + body
            for version in (4, 6) for protocol in (4, 41) for body in bodies(version, protocol)]


@seeds("vxlan", "geneve", "gtp", "teredo")
def at_port(name: str) -> list[bytes]:
    port = {"vxlan": VXLAN, "geneve": GENEVE, "gtp": GTP, "teredo": TEREDO}[name]
    found = [PLAIN + body[8:] for body in (*bodies(4, 17), *bodies(6, 17))
             if int.from_bytes(body[2:4], "big") == port]
    return found or [PLAIN + packet for packet in packets(6)[:3]]


@seeds("frame_filter")
def frame_filter() -> list[bytes]:
    """Programs as octets choose them: loads, jumps, arithmetic, memory, each before a return."""
    from fuzz.targets.frame_filter import CODES, INSTRUCTION  # noqa: PLC0415

    def program(*steps: tuple[int, int, int, int]) -> bytes:
        packed = [INSTRUCTION.pack(CODES.index(code), 1, yes, no, k) for code, yes, no, k in steps]
        return bytes([len(steps)]) + b"".join(packed) + FRAMES["tcp_syn"][1]

    accept, give_a = (6, 0, 0, 0xFFFF), (0x16, 0, 0, 0)
    return [
        program(accept), program((0x28, 0, 0, 12), (0x15, 0, 1, 0x800), accept, (6, 0, 0, 0)),
        program((0xB1, 0, 0, 14), (0x48, 0, 0, 16), (0x15, 0, 1, 23), accept, (6, 0, 0, 0)),
        program((0x80, 0, 0, 0), (0x02, 0, 0, 3), (0x61, 0, 0, 3), (0x0C, 0, 0, 0), give_a),
        *(program((0, 0, 0, 77), (code, 0, 0, 3), give_a) for code in CODES if code & 7 == 4),
    ]


@seeds("pcap")
def pcap() -> list[bytes]:
    whole = [b"".join(parts) for parts in FILES]
    return [bytes([PCAP_MAGICS.index(file[:4])]) + file[4:] for file in whole
            if file[:4] in PCAP_MAGICS]


@seeds("pcapng")
def pcapng() -> list[bytes]:
    whole = [b"".join(parts) for parts in FILES]
    shipped = [path.read_bytes()[:1000] for path in sorted((ROOT / "captures").glob("*.pcapng"))]
    return [file[4:] for file in (*whole, *shipped) if file[:4] == b"\x0a\x0d\x0d\x0a"]


@seeds("flows")
def flows() -> list[bytes]:
    """Handshake, data, close; refused; a scan; UDP; ICMP; copies; two connections."""
    syn, synack, ack, data, fin, rst = 0, 1, 2, 3, 4, 6
    client, server = 2, 0x42
    stories = (
        [(client, syn), (server, synack), (client, ack), (server, data), (client, data),
         (client, fin), (server, fin), (client, ack)],
        [(client, syn), (server, rst)], [(client, syn), (server, synack), (client, rst)],
        [(client, syn), (client, syn)], [(client, 0xA0), (server, 0xA0)], [(client, 0xA0)],
        [(client, syn), (server, 0xD0)], [(client, 0xC0), (server, 0xC1)],
        [(client, syn), (server, synack), (client, ack), (server, data), (0x0C, 0xE0)],
        [(client, syn), (0x12, syn), (server, synack), (0x52, synack), (client, ack)],
    )
    return [bytes([options]) + b"".join(bytes([who, what, 0, 3]) for who, what in story)
            for story in stories for options in (0, 0x80)]


@seeds("fragments")
def fragments() -> list[bytes]:
    """In order, out of order, tiny, copied, overlapping, another packet of the same key."""
    whole, first, middle, last = (0, 4, 1), (0, 4, 9), (5, 4, 9), (10, 4, 1)
    tiny, second, rest = (0, 0, 8), (1, 1, 8), (3, 6, 0)
    stories = (
        (whole,), (first, middle, last), (last, middle, first), (tiny, second, rest),
        (rest, second, tiny), (second, tiny, rest), (first, first, last), (first, (4, 4, 9), last),
        (first, middle, last, first), (middle,), (first, (10, 4, 0x41)), ((250, 9, 1), first),
    )
    return [bytes([options]) + b"".join(bytes([when, *step]) for step in story)
            for story in stories for options in (0, 0x80) for when in (0, 3)]


@seeds("scan", "documents")
def documents(name: str) -> list[bytes]:
    lines = [
        b'{"destination":{"port":23},"process":{"name":"telnet"}}',
        b'{"@timestamp":"2026-01-02T03:04:05.5Z","destination.port":[2.3e1,"23"]}',
        b'{"process.name":"\\u0074elnet","network.iana_number":6}\n{"process":{"name":"KILO"}}',
        b'{"index":{"_index":"i"}}\n{"process.args":["a/b\\\\c","x"],"a":{"b":{"c":null}}}',
        b'{"took":1,"hits":{"hits":[{"_source":{"destination":{"port":"23"}}}]}}',
        b'[{"process.name":"Kilo"},{"destination.port":22.999999999999999999}]',
        b'{\n "process": {\n  "name": "telnet"\n }\n}\n', b'{"_source":{"a":true}},\r\n\r\n{"b":',
        b"\xef\xbb\xbf{}", b"23", b'"telnet',
    ]
    more = []
    for path in sorted((ROOT / "tests/data/events").glob("*.ndjson")):
        more += [line for line in path.read_bytes().split(b"\n")[:2] if len(line) < 900]
    return lines + (more[:6] if name == "documents" else [])


@seeds("decompress")
def decompress() -> list[bytes]:
    import lz4.frame  # noqa: PLC0415
    import zstandard  # noqa: PLC0415

    text = b"telnet " * 30 + bytes(200)
    files = [
        gzip.compress(text, mtime=0), zstandard.compress(text), lzma.compress(text),
        bz2.compress(text), gzip.compress(b"", mtime=0), lzma.compress(b"", check=lzma.CHECK_CRC32),
        gzip.compress(b"a", mtime=0) + bytes(9) + gzip.compress(text, mtime=0),
        zstandard.compress(b"a") + zstandard.compress(text), bz2.compress(b"") + bz2.compress(b"b"),
        lzma.compress(b"a") + bytes(4) + lzma.compress(text),
        lz4.frame.compress(text), lz4.frame.compress(b"a") + lz4.frame.compress(text),
        lz4.frame.compress(text * 9, block_linked=False, content_checksum=True,
                           block_checksum=True),
        zstandard.ZstdCompressor(level=19, write_checksum=True).compress(text * 9),
    ]
    from fuzz.targets.compressed import MAGICS  # noqa: PLC0415

    return [bytes([place]) + file[len(magic):] for file in files
            for place, magic in enumerate(MAGICS) if file.startswith(magic)]


def queries(*files: str) -> list[bytes]:
    """Every `query` of golden files."""
    found: list[bytes] = []
    for name in files:
        document = tomllib.loads((ROOT / "tests/queries" / name).read_text("utf-8"))
        for cases in document.values():
            for case in cases if isinstance(cases, list) else []:
                if isinstance(case, dict) and isinstance(case.get("query"), str):
                    found.append(case["query"].encode())
    return found


@seeds("kql")
def kql() -> list[bytes]:
    return [query for query in queries("kql.toml") if len(query) <= 160]


@seeds("eql")
def eql() -> list[bytes]:
    return [query for query in queries("eql.toml", "sequences.toml") if len(query) <= 240]


@seeds("regex")
def regex() -> list[bytes]:
    patterns = ["a.*b?", "[a-c]+|(x|y){2,3}", "[^0-9\\-]", '"quoted.*"', "\\.\\*", "()",
                "a{2}b{0,}", "(a|a)*(a*)*b", "#@&<1-9>~", "[[]]", "x{,3}", "é+"]
    return [f"{pattern}\0{text}".encode() for pattern in patterns for text in ("aab", "")]


@seeds("rule")
def rules() -> list[bytes]:
    head = ('[rule]\nrule_id = "r"\nname = "n"\nseverity = "low"\nrisk_score = 21\n'
            'description = "d"\nmax_signals = 4\n')
    kinds = [
        'type = "query"\nlanguage = "kuery"\nquery = "destination.port: 23"\n',
        'type = "eql"\nlanguage = "eql"\nquery = \'any where destination.port == 23\'\n',
        'type = "eql"\nlanguage = "eql"\nquery = """sequence by source.ip with maxspan=1m\n'
        ' [any where a == 1]\n [any where b == "x"]"""\n',
        'type = "threshold"\nlanguage = "kuery"\nquery = "a: *"\n[rule.threshold]\nfield = ["a"]\n'
        'value = 2\n[[rule.threshold.cardinality]]\nfield = "b"\nvalue = 2\n',
        'type = "new_terms"\nlanguage = "kuery"\nquery = "a: *"\n[rule.new_terms]\n'
        'field = "new_terms_fields"\nvalue = ["a"]\n[[rule.new_terms.history_window_start]]\n'
        'field = "history_window_start"\nvalue = "now-14d"\n',
        'type = "query"\nlanguage = "lucene"\nquery = "a:b"\n',
        'type = "query"\nlanguage = "kuery"\nquery = "a:("\nfrom = "now-9m"\n'
        '[rule.alert_suppression]\ngroup_by = ["a"]\nduration = {value = 5, unit = "m"}\n',
        'type = "esql"\nlanguage = "esql"\nquery = "from logs"\n',
        'type = "query"\nlanguage = "kuery"\nquery = "a: 1"\n[[rule.threat]]\n'
        'framework = "MITRE ATT&CK"\n[rule.threat.tactic]\nid = "TA0008"\nname = "x"\n'
        'reference = "https://x"\n[[rule.threat.technique]]\nid = "T1021"\nname = "y"\n'
        'reference = "https://y"\n',
    ]
    export = {"rule_id": "r", "name": "n", "type": "query", "language": "kuery", "query": "a: 1",
              "severity": "low", "risk_score": 21, "description": "d", "enabled": True}
    lines = [json.dumps(export), json.dumps({**export, "type": "eql", "query": "any where a == 1",
             "language": "eql"}), '{"exported_count":1}']
    small = [path.read_bytes() for path in sorted((ROOT / "tests/data/rules").glob("*.toml"))]
    return ([f"{head}{kind}".encode() for kind in kinds] + ["\n".join(lines).encode()]
            + [rule for rule in small if len(rule) <= 2048])


@seeds("exceptions")
def exceptions() -> list[bytes]:
    entries = [
        '{field = "source.ip", type = "match", operator = "included", value = "10.0.0.1"}',
        '{field = "a", type = "match_any", operator = "excluded", value = ["x", 1]}',
        '{field = "b", type = "wildcard", operator = "included", value = "x*"}',
        '{field = "a", type = "exists", operator = "included"}',
        '{field = "source.ip", type = "list", operator = "included", '
        'list = {id = "none", type = "ip"}}',
        '{field = "process", type = "nested", entries = [{field = "name", type = "match", '
        'operator = "included", value = "sh"}]}',
    ]
    items = [f'[[item]]\nname = "n"\ncomment = "c"\nrules = ["r"]\nexpires = "2026-12-31"\n'
             f"entries = [{entry}]\n".encode() for entry in entries]
    kibana = {"item_id": "i", "name": "n", "description": "d", "list_id": "l",
              "os_types": ["linux"], "expire_time": "2026-01-01T00:00:00Z",
              "comments": [{"comment": "c"}],
              "entries": [{"field": "a", "type": "match", "operator": "included", "value": "1"}]}
    return [*items, json.dumps(kibana).encode(), b'{"list_id":"l"}\n' + json.dumps(kibana).encode()]


if __name__ == "__main__":
    for target, make in SEEDS.items():
        inputs = [octets for octets in make() if len(octets) <= TARGETS[target].max_bytes]
        print(target, corpus.save(target, [*corpus.load(target), *inputs]))
