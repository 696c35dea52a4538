"""The table of anomalies: codes are indices, names are stable and unique."""

from __future__ import annotations

import re

from sensor.model import anomalies
from sensor.model.anomalies import ANOMALIES


def test_a_code_is_the_index_of_its_entry() -> None:
    assert [anomaly.code for anomaly in ANOMALIES] == list(range(len(ANOMALIES)))


def test_the_name_of_an_entry_is_that_of_its_constant() -> None:
    for anomaly in ANOMALIES:
        assert getattr(anomalies, anomaly.name.upper()) == anomaly.code


def test_every_constant_has_an_entry() -> None:
    constants = {name for name, value in vars(anomalies).items()
                 if name.isupper() and isinstance(value, int)}
    assert constants == {anomaly.name.upper() for anomaly in ANOMALIES}


def test_entries_read_well() -> None:
    for anomaly in ANOMALIES[1:]:
        assert re.fullmatch(r"[a-z0-9_]+", anomaly.name)
        assert anomaly.meaning and not anomaly.meaning.endswith(".")
        assert re.match(r"(RFC \d|IEEE 802|draft-)", anomaly.source)
