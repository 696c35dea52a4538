"""Packed texts of addresses, against Python's own."""

from __future__ import annotations

import ipaddress
import itertools

from sensor.ecs.packed_texts import address_texts, mac_texts
from tests.flow_records import batch_of, random_batch


def split(texts: bytearray, ends: object) -> list[str]:
    places = list(ends)  # type: ignore[call-overload]
    return [texts[start:end].decode() for start, end in itertools.pairwise(places)]


def test_addresses_are_those_of_the_records() -> None:
    records = random_batch(3, 200).records
    for side in ("orig", "resp"):
        found = split(*address_texts(records, f"{side}_hi"))
        halves = zip(records[f"{side}_hi"].tolist(), records[f"{side}_lo"].tolist(), strict=True)
        numbers = [hi << 64 | lo for hi, lo in halves]
        assert len(found) == 200
        for text, number, version in zip(found, numbers, records["ip_version"], strict=True):
            expected = (ipaddress.IPv4Address(number & 0xFFFF_FFFF) if version == 4
                        else ipaddress.IPv6Address(number))
            assert ipaddress.ip_address(text) == expected


def test_a_mapped_address_of_ipv6_is_not_the_one_of_ipv4() -> None:
    batch = batch_of({"ip_version": 4}, {"ip_version": 6})
    assert split(*address_texts(batch.records, "orig_hi")) == ["192.0.2.10", "::ffff:192.0.2.10"]


def test_macs() -> None:
    records = random_batch(5, 50).records
    expected = [bytes(octets).hex("-").upper() for octets in records["resp_mac"]]
    assert split(*mac_texts(records, "resp_mac")) == expected


def test_no_records_have_no_texts() -> None:
    texts, ends = address_texts(batch_of().records, "orig_hi")
    assert not texts and ends.tolist() == [0]
