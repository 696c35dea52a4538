"""What must hold of the flows of any traffic whatever: docs/architecture.md, invariants."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.config import FlowLimits
from sensor.flowtable import table
from sensor.model.flow import (
    ACCEPTED,
    DENIED,
    DROPPED,
    FLOW_DENIED,
    FLOW_DROPPED,
    FLOW_ENDED,
    FLOW_STARTED,
    HANDSHAKE,
    MIDSTREAM,
)
from tests import ecs
from tests.conversation import play
from tests.examples import examples
from tests.random_traffic import printed, random_frames, random_options, random_run
from tests.running import ROOT

SEEDS = st.integers(0, 2**40)
AS_MANY = examples(80)
FEWER = examples(50)


@AS_MANY
@given(
    seed=SEEDS,
    sizes=st.lists(st.integers(1, 20), min_size=1, max_size=5),
    handover=st.sampled_from([1, 2, 10, 8192]),
    sound=st.booleans(),
)
def test_the_cut_into_batches_never_shows(seed, sizes, handover, sound):
    whole = random_run(seed, sound=sound)
    cut = random_run(seed, sound=sound, batch=sizes, handover_events=handover)
    assert printed(cut) == printed(whole)


@FEWER
@given(seed=SEEDS, hash_seed=st.integers(0, 2**64 - 1))
def test_the_hash_seed_never_shows(seed, hash_seed):
    assert printed(random_run(seed, seed=hash_seed)) == printed(random_run(seed))


# ---- mirroring ----------------------------------------------------------------------------------


def mirrored(octets, ports):
    """The frame as if it went the other way; checksums stay right, sums do not care for order."""
    at = 18 if octets[12:14] == b"\x81\x00" else 14
    frame = octets[6:12] + octets[:6] + octets[12:at]
    return frame + mirrored_packet(octets[at:], ports)


def mirrored_packet(packet, ports):
    if not packet:
        return packet  # a quote that says nothing
    if packet[0] >> 4 == 4:
        protocol, body = packet[9], packet[20:]
        head = packet[:12] + packet[16:20] + packet[12:16]
    else:
        protocol, body = packet[6], packet[40:]
        head = packet[:8] + packet[24:40] + packet[8:24]
    if protocol in (6, 17) and ports:
        body = body[2:4] + body[:2] + body[4:]
    elif (protocol == 1 and body[0] in (3, 11)) or (protocol == 58 and body[0] < 128):
        body = body[:8] + mirrored_packet(body[8:], ports)
    return head + body


def in_one_order(rows):
    return sorted(rows, key=lambda row: (row["known_ns"], row.tobytes()))


SWAPPED = (("orig_hi", "resp_hi"), ("orig_lo", "resp_lo"), ("orig_mac", "resp_mac"))


@AS_MANY
@given(seed=SEEDS, ports=st.booleans())
def test_mirrored_packets_give_mirrored_flows(seed, ports):
    """With its ports a packet is mirrored where these tell nothing: the guess goes by them."""
    frames = random_frames(seed, low_ports=not ports)
    run = play(frames)
    other = play([(time, mirrored(octets, ports)) for time, octets in frames])
    assert len(run.rows) == len(other.rows)
    pairs = SWAPPED + ((("orig_port", "resp_port"),) if ports else ())
    turned = [row.copy() for row in run.rows]
    for expected, row in zip(turned, run.rows, strict=True):
        is_icmp = row["protocol"] in (1, 58)
        for one, two in pairs:
            if not (is_icmp and one == "orig_port"):  # there they are type and code
                expected[one], expected[two] = row[two].copy(), row[one].copy()
    # At one time the addresses say which event comes first.
    for expected, mirror in zip(in_one_order(turned), in_one_order(other.rows), strict=True):
        for name in mirror.dtype.names:
            assert np.array_equal(expected[name], mirror[name]), name


# ---- books --------------------------------------------------------------------------------------


def ip_octets(octets):
    at = 18 if octets[12:14] == b"\x81\x00" else 14
    return len(octets) - at


@FEWER
@given(seed=SEEDS)
def test_records_hold_every_packet_and_octet_once(seed):
    frames = [
        (time, octets) for time, octets in random_frames(seed)
        if ip_octets(octets) and not is_icmp_error(octets)
    ]
    run = random_run(seed, duplicates=False)
    unknown = run.ledger["icmp_errors"] + run.ledger["late"]
    total = sum(record["network"]["packets"] for record in run.records)
    assert total == run.ledger["frames"] - unknown
    run = play(frames, duplicates=False, limits=FlowLimits(tcp_time_wait_ns=0))
    assert sum(record["network"]["packets"] for record in run.records) == len(frames)
    octets = sum(record["network"]["bytes"] for record in run.records)
    assert octets == sum(ip_octets(one) for _, one in frames)


def is_icmp_error(octets):
    at = 18 if octets[12:14] == b"\x81\x00" else 14
    if octets[at] >> 4 == 4:
        return octets[at + 9] == 1 and octets[at + 20] in (3, 11)
    return octets[at + 6] == 58 and octets[at + 40] < 128


def told_by_flow(run):
    """The rows of each flow: of one key no two flows are open at the same time."""
    open_flows, stories = {}, []
    for row in run.rows:
        one, two = (
            tuple(int(row[f"{end}_{part}"]) for part in ("hi", "lo", "port"))
            for end in ("orig", "resp")
        )
        identifier = int(row["isn"][0]) if row["protocol"] in (1, 58) else 0
        vlans = (int(row["vlan_outer"]), int(row["vlan_inner"]))
        key = (frozenset([one, two]), int(row["protocol"]), identifier, vlans)
        open_flows.setdefault(key, []).append(row)
        if row["action"] == FLOW_ENDED:
            stories.append(open_flows.pop(key))
    assert not open_flows, "a flow without its last record"
    return stories


@AS_MANY
@given(seed=SEEDS, sound=st.booleans())
def test_every_flow_tells_one_story(seed, sound):
    run = random_run(seed, sound=sound, key_vlan=True)  # then its key tells a flow
    accept_on_data = random_options(seed)["accept_on_data"]
    stories = told_by_flow(run)
    assert len(stories) == run.ledger["flows"]["total"]
    for rows in stories:
        actions = Counter(int(row["action"]) for row in rows)
        assert max(actions[FLOW_STARTED], actions[FLOW_DENIED] + actions[FLOW_DROPPED]) <= 1
        final_rows = [int(row["action"]) == FLOW_ENDED for row in rows]
        assert final_rows == [False] * (len(rows) - 1) + [True]
        final = rows[-1]["verdict"]
        accepted = [row["verdict"] == ACCEPTED for row in rows]
        assert accepted == sorted(accepted), "accepted was taken back"
        if final == ACCEPTED:
            held_back = accept_on_data and rows[-1]["evidence"] in (HANDSHAKE, MIDSTREAM)
            assert actions[FLOW_STARTED] == (0 if held_back else 1)
        if actions[FLOW_STARTED]:
            assert final == ACCEPTED
        assert actions[FLOW_DENIED] or final != DENIED
        assert actions[FLOW_DROPPED] or final != DROPPED
        names = ("orig_hi", "orig_lo", "orig_port", "resp_hi", "resp_lo", "resp_port")
        ends = {tuple(int(row[name]) for name in names) for row in rows}
        assert len(ends) == 1


@AS_MANY
@given(seed=SEEDS, sound=st.booleans())
def test_times_are_in_order(seed, sound):
    run = random_run(seed, sound=sound)
    known = [int(row["known_ns"]) for row in run.rows]
    assert known == sorted(known)
    for row in run.rows:
        assert row["first_ns"] <= row["last_ns"] <= row["known_ns"]
        if row["action"] < FLOW_ENDED:
            assert row["decided_ns"] <= row["known_ns"]


@FEWER
@given(seed=SEEDS, sound=st.booleans())
def test_documents_are_valid(seed, sound):
    for event in random_run(seed, sound=sound).events:
        assert ecs.problems(event) == []


def test_the_same_seed_gives_another_run_than_the_next():
    """The other tests of this file compare something."""
    assert len({printed(random_run(seed)) for seed in range(20)}) == 20


# ---- one source, two speeds ---------------------------------------------------------------------

INTERPRETED_SEEDS = 60


@pytest.mark.skipif(table.__file__.endswith(".py"), reason="the compiled modules are not there")
def test_compiled_equals_interpreted(tmp_path):
    ignore = shutil.ignore_patterns("*.so", "*.c", "__pycache__")
    shutil.copytree(ROOT / "sensor", tmp_path / "sensor", ignore=ignore)
    shutil.copytree(ROOT / "tests", tmp_path / "tests", ignore=ignore)
    command = [sys.executable, "-m", "tests.random_traffic", "0", str(INTERPRETED_SEEDS)]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    compiled = [
        printed(random_run(seed, sound=seed % 2 == 0)) for seed in range(INTERPRETED_SEEDS)
    ]
    assert done.stdout.splitlines() == "\n".join(compiled).splitlines()
