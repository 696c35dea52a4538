"""`sensor replay --events`: alerts of documents, their ledger, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

from tests.command import sensor as run
from tests.unit.events.documents import AT, TELNET


def test_the_command(tmp_path: Path) -> None:
    path, stats = tmp_path / "f", tmp_path / "stats"
    path.write_text((json.dumps({"@timestamp": AT}) + "\n") * 9 + json.dumps(TELNET),
                    encoding="utf-8")
    done = run("replay", "--events", str(path), "--json", "--stats", str(stats))
    assert done.code == 0
    document = json.loads(done.out)
    assert document["destination"] == {"port": 23} and document["event"]["kind"] == "alert"
    ledger = json.loads(stats.read_text(encoding="utf-8"))
    assert ledger["documents"]["read"] == 10
    assert ledger["inputs"] == [{"path": str(path), "error": None}]
    assert "10 documents" in done.err
    path.write_text("{bad\n", encoding="utf-8")
    assert run("replay", "--quiet", "--events", str(path)).code == 1
    assert run("replay").code == 2
