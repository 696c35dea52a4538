"""Verdict, evidence and confidence of each row of docs/verdict.md, by names that tests can say."""

from __future__ import annotations

DATA = ("accepted", "responder_data", 0.99)
DATA_MIDSTREAM = ("accepted", "responder_data", 0.9)
SILENT = ("accepted", "handshake", 0.7)
SILENT_ACKED = ("accepted", "handshake", 0.85)
SCAN = ("accepted", "handshake", 0.6)
VETOED = ("unknown", "reset_after_handshake", 0.5)
HALF_OPEN = ("attempted", "half_open_scan", 0.95)
INCOMPLETE = ("attempted", "handshake_incomplete", 0.8)
REFUSED = ("denied", "rst", 0.95)
DROPPED = ("dropped", "timeout", 0.8)
ONE_SIDED = ("unknown", "one_sided", 0.3)
ORIGINATOR_ONLY = ("accepted", "inferred_one_sided", 0.8)
RESPONDER_ONLY = ("accepted", "inferred_one_sided", 0.9)
BACKSCATTER = ("unknown", "backscatter", 0.9)
REPLY = ("accepted", "reply", 0.9)
MIDSTREAM = ("accepted", "midstream", 0.7)
