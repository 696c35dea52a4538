"""The key of a flow, and the hash table that finds it."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest

from sensor.config import Config, FlowLimits
from sensor.decode import Decoder
from sensor.flowtable import hashtable as compiled_or_not
from sensor.flowtable.table import FlowTable
from sensor.model.frames import FrameBatch
from sensor.model.packets import PacketBatch
from tests.conversation import START_NS, Talk, merged, play, tags, verdicts
from tests.unit.flowtable.stories import crowd

COMPILED = not str(compiled_or_not.__file__).endswith(".py")


def test_the_hash_table_grows():
    frames = crowd(10_000)
    answer = Talk(addresses=("10.0.0.7", "198.51.100.7"))
    answer.client.syn(0)
    answer.server.synack(0.1)
    answer.client.ack(0.2)
    answer.server.data(0.3)
    run = play([*frames, *answer.frames[1:]], limits=FlowLimits(flows_max=10_000))
    assert run.ledger["flows"]["total"] == run.ledger["flows"]["peak"] == 10_000
    assert len({record["source"]["ip"] for record in run.records}) == 10_000
    started = [event for event in run.events if event["event"]["action"] == "flow_started"]
    assert [event["source"]["ip"] for event in started] == ["10.0.0.7"]


def in_two_vlans():
    talks = []
    for vlan in (10, 20):
        talk = Talk(vlan=vlan, isns=(vlan, vlan))
        talk.handshake(vlan * 0.001)
        talk.server.data(0.1 + vlan * 0.001)
        talks.append(talk)
    return merged(*talks)


def test_key_vlan_separates():
    run = play(in_two_vlans(), key_vlan=True)
    assert [record["network"]["vlan"]["id"] for record in run.records] == ["10", "20"]
    assert verdicts(run) == [("accepted", "responder_data", 0.99)] * 2


def test_without_key_vlan_a_tag_on_one_direction_does_not_separate():
    tagged, plain = Talk(vlan=10), Talk()
    for talk in (tagged, plain):
        talk.handshake()
        talk.server.data(0.1)
    frames = [plain.frames[0], tagged.frames[1], plain.frames[2], tagged.frames[3]]
    run = play(frames)
    assert verdicts(run) == [("accepted", "responder_data", 0.99)]
    assert run.records[0]["network"]["vlan"]["id"] == "10"


def test_key_vlan_and_icmp():
    talk = Talk(vlan=10)
    talk.client.syn(0)
    talk.server.unreachable(0.1, 3, 13, talk.client.sent())
    assert play(talk, key_vlan=True).actions() == ["flow_denied", "network_flow"]


def test_the_transport_is_part_of_the_key():
    talk = Talk(ports=(40_000, 23))
    talk.client.syn(0)
    talk.client.udp(0.1)
    talk.server.udp(0.2)
    run = play(talk)
    assert len(run.records) == 2


def test_address_and_port_pairs_do_not_mix():
    """A:x > B:y and A:y > B:x are different flows; so are A > B and A > A."""
    one, two = Talk(ports=(3_000, 2_000)), Talk(ports=(2_000, 3_000))
    one.client.udp(0)
    two.client.udp(0.1)
    own = Talk(addresses=("192.0.2.10", "192.0.2.10"), ports=(3_000, 2_000))
    own.client.udp(0.2)
    own.server.udp(0.3)
    run = play(merged(one, two, own))
    assert sorted(verdict[0] for verdict in verdicts(run)) == ["accepted", "dropped", "dropped"]


def test_a_seed_never_shows():
    talks = []
    for number in range(50):
        talk = Talk(4 + 2 * (number & 1), ports=(40_000 + number, 23))
        talk.handshake(number * 0.01)
        talk.server.data(number * 0.01 + 0.2)
        talks.append(talk)
    frames = merged(*talks)
    assert play(frames, seed=1).events == play(frames, seed=0xDEAD_BEEF_0000_0001).events


def test_a_flow_with_itself():
    """A land attack: both ends are the same."""
    talk = Talk(addresses=("192.0.2.10", "192.0.2.10"), ports=(139, 139))
    talk.client.syn(0)
    talk.server.syn(0.01)
    run = play(talk)
    assert "flow_started" not in run.actions()
    assert tags(run.records[0]) == []


@pytest.mark.parametrize("other", [
    ("2001:db9::1", "2001:db8::2"), ("2001:db8::3", "2001:db8::2"),
    ("2001:db8::1", "2001:db9::2"), ("2001:db8::1", "2001:db8::3"),
])  # fmt: skip
def test_every_part_of_an_address_separates(other):
    talks = [Talk(6, addresses=addresses) for addresses in (("2001:db8::1", "2001:db8::2"), other)]
    for number, talk in enumerate(talks):
        talk.client.udp(number * 0.1)
        talk.server.udp(number * 0.1 + 0.05)
    assert len(play(merged(*talks)).records) == 2


def test_an_error_that_quotes_another_flow_belongs_to_none():
    """Each differs in one part of the quoted addresses and ports."""
    talk = Talk(6, ports=(40_000, 53))
    talk.client.udp(0)
    quote = talk.client.sent()
    for at in (8, 24, 40):  # source, destination, source port
        changed = quote[:at] + bytes([quote[at] ^ 1]) + quote[at + 1 :]
        error = Talk(6, ports=(40_000, 53))
        error.server.unreachable(0.1, 1, 4, changed)
        assert len(play(merged(talk, error)).records) == 2, at
    error = Talk(6, ports=(40_000, 53))
    error.server.unreachable(0.1, 1, 4, quote)
    assert len(play(merged(talk, error)).records) == 1


def test_flows_that_end_leave_the_others_to_be_found():
    """Half of many flows is gone when the others speak again: entries behind a gap move up."""
    talks = [Talk(ports=(40_000 + number, 53)) for number in range(400)]
    for number, talk in enumerate(talks):
        talk.client.udp(number * 0.001)
        if number % 2:
            talk.client.udp(50 + number * 0.001)
            talk.server.udp(80 + number * 0.001)
    run = play(merged(*talks))
    assert sorted(record["network"]["packets"] for record in run.records) == [1] * 200 + [3] * 200


LIKE_ENDS = [
    (("2001:db8:1::7", "2001:db8:2::7"), (53, 53)), (("2001:db8::1", "2001:db8::2"), (53, 53)),
    (("2001:db8:1::7", "2001:db8:2::7"), (40_000, 53)), (("2001:db8::1",) * 2, (40_000, 53)),
    (("192.0.2.1", "192.0.2.2"), (53, 53)), (("192.0.2.1",) * 2, (40_000, 53)),
    (("192.0.2.1", "192.0.2.2"), (40_000, 53)),
]


@pytest.mark.parametrize(("addresses", "ports"), LIKE_ENDS)
def test_each_side_of_a_flow_is_told_whatever_is_equal(addresses, ports):
    talk = Talk(6 if ":" in addresses[0] else 4, addresses=addresses, ports=ports)
    talk.client.udp(0, b"question")
    talk.client.udp(1, b"and another")
    talk.server.udp(2, b"answer")
    (record,) = play(talk).records
    assert (record["source"]["packets"], record["destination"]["packets"]) == (2, 1)
    flow = record["sensor"]["flow"]
    assert (flow["payload_bytes_orig"], flow["payload_bytes_resp"]) == (19, 6)


@pytest.mark.parametrize(("addresses", "ports"), LIKE_ENDS)
def test_an_error_refuses_what_its_flow_asked_and_no_answer(addresses, ports):
    version = 6 if ":" in addresses[0] else 4
    for side in ("client", "server"):
        talk = Talk(version, addresses=addresses, ports=ports)
        talk.client.udp(0)
        quoted = Talk(version, addresses=addresses, ports=ports)
        getattr(quoted, side).udp(0)
        getattr(talk, side).peer.unreachable(
            0.1, 3 if version == 4 else 1, 0, getattr(quoted, side).sent())
        run = play(talk)
        assert len(run.records) == 1
        refused = side == "client" or addresses[0] == addresses[1]  # both are who asked
        assert (verdicts(run)[0][1] == "icmp_unreachable") is refused


# ---- flows whose places collide -----------------------------------------------------------------
# A place in the table has 32 bits of a flow's hash. Of 120,000 flows some agree in all of them:
# that each is found for itself shows that every part of the key is compared, not the hash alone.

MANY = 120_000 if COMPILED else 1_000
NUMBERS = np.arange(MANY, dtype=np.uint32) + 0x0A00_0000


def many(frame: bytes, parts: dict[int, Any]) -> Any:
    """Copies of a frame, one a row; `parts`: octet -> big-endian values that stand there."""
    count = len(next(iter(parts.values())))
    rows = np.tile(np.frombuffer(frame, np.uint8), (count, 1))
    for at, values in parts.items():
        octets = values.astype(values.dtype.newbyteorder(">")).view(np.uint8).reshape(count, -1)
        rows[:, at : at + octets.shape[1]] = octets
    return rows


def counted(*bursts: Any, seed: int = 0, key_vlan: bool = False) -> dict[str, Any]:
    """What a table counts that is given these frames."""
    limits = FlowLimits(flows_max=2 * MANY)
    table = FlowTable(limits, duplicates=False, seed=seed, key_vlan=key_vlan)
    for rows in bursts:
        count = len(rows)
        frames, packets = FrameBatch(count), PacketBatch(count)
        frames.attach(rows.tobytes())
        records = frames.records[:count]
        records["time_ns"], records["link"] = START_NS, 1
        records["captured"] = records["wire"] = rows.shape[1]
        records["offset"] = np.arange(count) * rows.shape[1]
        frames.count = count
        Decoder(Config(sliced="never"), join=False).decode(frames, packets)
        while not table.advance(packets):
            table.take()
    return table.counters()


def lone(version: int, **options: Any) -> bytes:
    """A datagram whose ports are equal: what tells the two ends apart is their addresses."""
    talk = Talk(version, ports=(5_000, 5_000), **options)
    talk.client.udp(0)
    return talk.frames[0][1]


def turned(rows: Any, at: int, octets: int) -> Any:
    """Every second frame from the other end."""
    source = rows[::2, at : at + octets].copy()
    rows[::2, at : at + octets] = rows[::2, at + octets : at + 2 * octets]
    rows[::2, at + octets : at + 2 * octets] = source
    return rows


V4_SRC, V4_DST, V6_SRC, V6_DST, V4_PORTS = 26, 30, 22, 38, 34
TEST_SEEDS = range(3)


@pytest.mark.parametrize("seed", TEST_SEEDS)
@pytest.mark.parametrize(("version", "part"), [
    (4, V4_SRC), (4, V4_DST), (6, V6_SRC + 4), (6, V6_DST + 4), (6, V6_SRC + 12), (6, V6_DST + 12)])
def test_flows_that_differ_in_an_address_alone_are_as_many(version, part, seed):
    rows = many(lone(version), {part: NUMBERS})
    assert counted(rows, seed=seed)["flows_open"] == MANY
    at, octets = (V4_SRC, 4) if version == 4 else (V6_SRC, 16)
    assert counted(turned(rows, at, octets), seed=seed)["flows_open"] == MANY


@pytest.mark.parametrize("seed", TEST_SEEDS)
def test_flows_that_differ_in_their_ports_alone_are_as_many(seed):
    side = np.arange(MANY, dtype=np.uint32)
    rows = many(lone(4), {V4_PORTS: side % 400 + 1_000 << 16 | side // 400 + 2_000})
    assert counted(rows, seed=seed)["flows_open"] == MANY


def test_flows_that_differ_in_their_tenant_alone_are_as_many():
    """The network of VXLAN has 24 bits; behind them is an octet that is reserved."""
    plain = lone(4)
    body = struct.pack("!HHHHII", 5_000, 4789, 16 + len(plain), 0, 0x0800_0000, 0) + plain
    ends = bytes([203, 0, 113, 5, 203, 0, 113, 9])
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, 17, 0) + ends
    rows = many(plain[:14] + head + body, {14 + 20 + 12: NUMBERS % 0x100_0000 << 8})
    for seed in TEST_SEEDS:
        assert counted(rows, seed=seed)["flows_open"] == MANY


@pytest.mark.parametrize("version", [4, 6])
def test_pings_that_differ_in_their_identifier_alone_are_as_many(version):
    talk = Talk(version)
    talk.client.echo(0, 8 if version == 4 else 128, 0)
    identifiers = np.arange(min(1 << 16, MANY)).astype(np.uint16)
    rows = many(talk.frames[0][1], {14 + (20 if version == 4 else 40) + 4: identifiers})
    for seed in range(5):
        assert counted(rows, seed=seed)["flows_open"] == len(identifiers)


@pytest.mark.parametrize("seed", TEST_SEEDS[:2])
def test_errors_that_quote_other_flows_belong_to_none(seed):
    """Each quotes a flow that is none, in the one direction or in the other."""
    for version in (4, 6):
        talk = Talk(version, ports=(5_000, 5_000))
        talk.client.udp(0)
        quote = talk.client.sent()
        talk.server.unreachable(0, 3 if version == 4 else 1, 0, quote)
        (_, plain), (_, error) = talk.frames
        inside = len(plain) - 14 + (42 if version == 4 else 62) - len(quote)
        for src in (V4_SRC, V4_DST) if version == 4 else (V6_SRC + 4, V6_DST + 4, V6_SRC + 12):
            flows = many(plain, {src: NUMBERS})
            errors = many(error, {src - 14 + inside: NUMBERS + MANY})
            at, octets = (V4_SRC, 4) if version == 4 else (V6_SRC, 16)
            for rows in (errors, turned(errors.copy(), at - 14 + inside, octets)):
                assert counted(flows, rows, seed=seed)["icmp_quoting"] == 0
        errors = many(error, {src - 14 + inside: NUMBERS})
        assert counted(flows, errors, seed=seed)["icmp_quoting"] == MANY
