"""Which log sources a tap can stand for."""

from __future__ import annotations

import pytest

from sensor.ecs.schema import known_fields
from sensor.query.eql.parser import parse
from sensor.rules.sigma.sources import Source, source_of


@pytest.mark.parametrize(("place", "where"), [
    (("webserver", None, None), "network_traffic.http"),
    (("proxy", "acme", None), "network_traffic.http"),
    (("dns", None, None), "network_traffic.dns"),
    (("dns_query", "windows", None), "network_traffic.dns"),
    (("network_connection", "linux", None), "flow_started"),
    ((None, "zeek", "conn"), "network_flow"),
    ((None, "zeek", "ssl"), "network_traffic.tls"),
])
def test_what_stands_for_a_log_source(place: tuple[str | None, ...], where: str) -> None:
    source = source_of(*place)
    assert source is not None and where in source.where
    parse(f"any where {source.where}")


@pytest.mark.parametrize("place", [
    ("process_creation", "windows", None), (None, "zeek", "smb_files"), (None, "cisco", "aaa"),
    ("webserver", "apache", "error"), (None, None, None),
])
def test_what_a_tap_never_sees(place: tuple[str | None, ...]) -> None:
    assert source_of(*place) is None


def test_fields_of_flows_are_fields_that_flows_have() -> None:
    known = known_fields(processes=True)
    for place in (("firewall", None, None), (None, "zeek", "conn")):
        source = source_of(*place)
        assert isinstance(source, Source)
        assert {str(name) for name in source.fields.values()} <= set(known)
