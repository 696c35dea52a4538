"""Community ID against its published vectors and its authors' implementation."""

from __future__ import annotations

import ipaddress

import communityid
import numpy as np
import pytest

from sensor.ecs.identifiers import COMMUNITY, identifiers_of
from sensor.model.addresses import address_halves
from tests.flow_records import batch_of, random_batch

REFERENCE = communityid.CommunityID()


def record(orig, orig_port, resp, resp_port, protocol):
    """A flow record; its addresses are text."""
    (orig_hi, orig_lo), (resp_hi, resp_lo) = address_halves(orig), address_halves(resp)
    return batch_of({
        "orig_hi": orig_hi, "orig_lo": orig_lo, "resp_hi": resp_hi, "resp_lo": resp_lo,
        "orig_port": orig_port, "resp_port": resp_port, "protocol": protocol,
        "ip_version": 6 if ":" in orig else 4}).records


def community(*key):
    return identifiers_of(record(*key), COMMUNITY)[0]


# From the specification's own list of test vectors.
@pytest.mark.parametrize(("key", "expected"), [
    (("128.232.110.120", 34855, "66.35.250.204", 80, 6), "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
    (("192.168.1.52", 54585, "8.8.8.8", 53, 17), "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
    (("192.168.170.8", 7, "192.168.170.56", 80, 132), "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ="),
    (("192.168.0.89", 8, "192.168.0.1", 0, 1), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
])
def test_published_vectors(key, expected):
    assert community(*key) == expected
    assert community(key[2], key[3], key[0], key[1], key[4]) == expected


def expected_of(key):
    orig, orig_port, resp, resp_port, protocol = key
    if protocol in (1, 6, 17, 58, 132):
        return REFERENCE.calc(communityid.FlowTuple(protocol, orig, resp, orig_port, resp_port))
    return REFERENCE.calc(communityid.FlowTuple(protocol, orig, resp))


@pytest.mark.parametrize("protocol", [1, 58])
@pytest.mark.parametrize("addresses", [
    ("192.0.2.1", "198.51.100.2"), ("198.51.100.2", "192.0.2.1"), ("2001:db8::1", "2001:db8::2"),
    ("fe80::2", "fe80::1"), ("192.0.2.1", "192.0.2.1")])
def test_every_icmp_type(protocol, addresses):
    orig, resp = addresses
    mapper = communityid.icmp.TYPE_MAPPER if protocol == 1 else communityid.icmp6.TYPE_MAPPER
    for icmp_type in range(256):
        for code in (0, 3):
            key = (orig, icmp_type, resp, mapper.get(icmp_type, code), protocol)
            assert community(*key) == expected_of(key)


@pytest.mark.parametrize("seed", range(4))
def test_random_keys(seed):
    records = random_batch(seed, count=300).records
    names = identifiers_of(records, COMMUNITY)
    for row, name in zip(records, names, strict=True):
        protocol = int(row["protocol"])
        if protocol in (1, 58):
            continue  # a random counter-type is none: test_every_icmp_type has them
        texts = []
        for side in ("orig", "resp"):
            value = int(row[f"{side}_hi"]) << 64 | int(row[f"{side}_lo"])
            if row["ip_version"] == 4:
                texts.append(str(ipaddress.IPv4Address(value & 0xFFFF_FFFF)))
            else:
                texts.append(str(ipaddress.IPv6Address(value)))
        key = (texts[0], int(row["orig_port"]), texts[1], int(row["resp_port"]), protocol)
        assert name == expected_of(key)


def test_no_records_no_names():
    assert identifiers_of(np.empty(0, dtype=random_batch(1).records.dtype), COMMUNITY) == []
