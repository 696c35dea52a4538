"""Lists of networks that count as internal."""

from __future__ import annotations

from sensor.query.eql import parser as eql
from sensor.query.external_networks import missing_ranges, strictly_external


def test_the_ranges_that_the_seeds_list_lacks() -> None:
    seed = ("10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
            "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.168.0.0/16",
            "192.88.99.0/24", "224.0.0.0/4", "100.64.0.0/10", "192.175.48.0/24", "198.18.0.0/15",
            "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "::1", "FE80::/10", "FF00::/8")
    lacking = missing_ranges(seed)
    assert lacking == ["0.0.0.0/8", "::/128", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64",
                       "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
                       "5f00::/16", "fc00::/7"]


def test_only_negated_tests_of_the_destination_are_extended() -> None:
    query = eql.parse('any where not cidrMatch(source.ip, "10.0.0.0/8") and '
                      'cidrMatch(destination.ip, "10.0.0.0/8")')
    assert strictly_external(query) == query
