"""`sensor evidence` as a user runs it: what it refuses, what it says, what a hostile name does."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from sensor.app.evidence import Recorded, check_inputs, cut_evidence
from sensor.capture.files.discover import discover
from sensor.capture.files.selection import FileSelection
from sensor.cli.evidence import command_line, evidence_line, read_alerts
from sensor.config import Config
from sensor.errors import ConfigError
from sensor.evidence.folder import EvidenceFolder
from sensor.evidence.manifest import SourceDigests
from sensor.evidence.request import Request
from tests.command import ACCEPTED, DEMO, Fork, sensor
from tests.evidence import flow_ids

UNKNOWN = "f" * 32


def names_in(folder: Path) -> list[str]:
    return sorted(place.name for place in folder.iterdir())


@pytest.mark.parametrize(("words", "message"), [
    (["-o", "out"], "no PATH is given"),
    ([ACCEPTED], "Missing option '-o'"),
    ([ACCEPTED, "-o", "out", "--flow", "nonsense"], "neither an id (32 hexadecimal digits"),
    ([ACCEPTED, "-o", "out", "--flow", UNKNOWN, "--rule", "x"], "give one of them"),
    ([ACCEPTED, "-o", "out", "--rule", "nonsense"], "no rule 'nonsense'"),
    ([ACCEPTED, "-o", ACCEPTED], "a file has this name"),
    (["-", "-o", "out"], "standard input cannot be: write it to a file first"),
])  # fmt: skip
def test_wrong_usage_is_told_before_anything_is_written(
    tmp_path: Path, words: list[str], message: str
) -> None:
    ended = sensor("evidence", *words, cwd=tmp_path)
    assert ended.code == 2
    assert message in ended.err and ended.out == ""
    assert names_in(tmp_path) == []


def test_what_can_be_read_but_once_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ConfigError, match="which a pipe cannot be"):
        check_inputs(discover([str(pipe)]), [str(pipe)], "out", "-o")
    ended = sensor("replay", "--follow", str(tmp_path), "--evidence", str(tmp_path / "out"))
    assert ended.code == 2 and "not possible with --follow" in ended.err
    assert not (tmp_path / "out").exists()


def test_digests_that_a_run_has_already_are_not_computed_again(tmp_path: Path) -> None:
    """These know no file, and the manifest has what they know."""
    (flow,) = flow_ids(Path(ACCEPTED))[:1]
    recorded = Recorded(discover([ACCEPTED]), Config(), FileSelection(), digests=SourceDigests([]))
    cut_evidence(recorded, Request({flow: []}), EvidenceFolder(str(tmp_path / "e"), "-o"), [])
    (source,) = json.loads((tmp_path / "e" / "manifest.json").read_text("utf-8"))["sources"]
    assert source == {"path": ACCEPTED}


def test_a_folder_that_captures_are_read_from_is_refused(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    source = shutil.copy(ACCEPTED, inside)
    (tmp_path / "link").symlink_to(inside)
    for path, place in ((source, inside), (inside, inside), (inside, inside / "out"),
                        (inside, tmp_path / "link" / "out"), (f"{inside}/*.pcap", inside)):
        with pytest.raises(ConfigError, match=r"-o .*: captures are read from there"):
            check_inputs(discover([str(path)]), [str(path)], str(place), "-o")
    check_inputs(discover([source]), [source], str(inside / "out"), "-o")


@pytest.mark.parametrize(("text", "message"), [
    ("", "no alert in it that names a flow"),
    ('{"flow": {"id": "x"}}\n', "no alert in it that names a flow"),
    ('{}\n\n[]\n', ":3: no JSON object, as alerts are"),
    ("{}\n{", ":2: no JSON: "),
])  # fmt: skip
def test_a_file_that_holds_no_alerts_is_told(tmp_path: Path, text: str, message: str) -> None:
    place = tmp_path / "alerts.ndjson"
    place.write_text(text)
    with pytest.raises(ConfigError) as raised:
        read_alerts(str(place), [])
    assert message in str(raised.value)


def test_alerts_of_a_rule_are_chosen_by_its_id_or_name(tmp_path: Path) -> None:
    place = tmp_path / "alerts.ndjson"
    place.write_text("".join(
        json.dumps({"flow": {"id": str(at) * 32}, "rule": {"id": f"r{at}", "name": f"Rule {at}"}})
        + "\n" for at in range(3)))
    assert list(read_alerts(str(place), ["r0", "Rule 2"]).flows) == ["0" * 32, "2" * 32]
    with pytest.raises(ConfigError, match="no alert of these rules in it"):
        read_alerts(str(place), ["r9"])
    with pytest.raises(ConfigError, match="No such file"):
        read_alerts(str(tmp_path / "nowhere"), [])


def test_an_unknown_flow_and_a_damaged_input_are_told_and_the_rest_is_written(
    tmp_path: Path
) -> None:
    (known,) = sensor("replay", "-q", "--json", ACCEPTED).documents()
    cut_short = tmp_path / "short.pcap"
    cut_short.write_bytes(Path(ACCEPTED).read_bytes()[:-7])
    out = tmp_path / "out"
    ended = sensor("evidence", str(cut_short), "--flow", known["flow"]["id"], "--flow", UNKNOWN,
                   "-o", str(out), "-q")
    assert ended.code == 1
    unknown, damaged = ended.err.splitlines()
    assert unknown == f"sensor: no flow of these captures is {UNKNOWN}"
    assert "record cut short" in damaged
    found = json.loads((out / "manifest.json").read_bytes())
    assert found["not_found"] == [UNKNOWN]
    assert found["sources"][0]["error"] in damaged
    assert found["command"] == ["sensor", "evidence", str(cut_short), "--flow",
                                known["flow"]["id"], "--flow", UNKNOWN, "-q"]


def test_where_no_flow_is_found_the_folder_stays_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended = sensor("evidence", ACCEPTED, "--flow", UNKNOWN, "-o", str(out))
    assert ended.code == 1 and not out.exists()
    assert "no flow to cut out: nothing was written" in ended.err


def test_hostile_names_stay_names(tmp_path: Path) -> None:
    name = b"a\n\x1b[31m\xff\xe2\x80\xae,;\"'.pcap"
    source = os.path.join(os.fsencode(tmp_path), name)
    shutil.copy(ACCEPTED, source)
    ended = sensor("evidence", source, "-o", os.fsencode(tmp_path) + b"/out\x1b[31m")
    assert ended.code == 0
    assert "\x1b" not in ended.out + ended.err
    (out,) = (place for place in tmp_path.iterdir() if place.is_dir())
    manifest, file = sorted(out.iterdir(), key=lambda place: place.suffix)
    assert json.loads(manifest.read_bytes())["sources"][0]["path"].startswith(str(tmp_path))
    octets = file.read_bytes()
    assert b"\x1b[31m" not in octets and "\u202e".encode() not in octets


def test_a_disk_that_is_full_leaves_what_was_there(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert sensor("evidence", ACCEPTED, "-o", str(out)).code == 0
    before = {place.name: place.read_bytes() for place in out.iterdir()}
    ended = sensor("evidence", DEMO, "-o", str(out), file_bytes_max=4 << 10)
    assert ended.code == 1
    assert "File too large: nothing was written" in ended.err
    assert {place.name: place.read_bytes() for place in out.iterdir()} == before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_ended_leaves_nothing(tmp_path: Path, number: int, code: int) -> None:
    many = tmp_path / "many.pcap"
    frames = Path(DEMO).read_bytes()
    many.write_bytes(frames[:24] + frames[24:] * 200)
    out = tmp_path / "out"
    run = Fork("evidence", str(many), "-q", "--flow", UNKNOWN, "-o", str(out))
    while not out.exists() and run.poll() is None:
        pass
    run.send_signal(number)
    _, err = run.communicate()
    assert (run.wait(), err.strip()) == (code, b"")
    assert not out.exists() or names_in(out) == []


def test_a_settings_file_for_replay_says_nothing_of_alerts_to_read(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text('alerts = "nowhere.ndjson"\n')
    ended = sensor("evidence", ACCEPTED, "--config", "s.toml", "-o", "out", cwd=tmp_path)
    assert ended.code == 0 and not (tmp_path / "nowhere.ndjson").exists()


def test_the_command_is_told_without_where_its_evidence_goes(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("-o", "--output")
    for words in (["-o", "x"], ["-ox"], ["--output", "x"], ["--output=x"]):
        monkeypatch.setattr("sys.argv", ["sensor", "evidence", "a", *words, "-q"])
        assert command_line(names) == ["sensor", "evidence", "a", "-q"]


def test_a_line_names_ends_and_rules() -> None:
    flow = {
        "file": "x.pcapng", "packets": 1, "source": {"ip": "2001:db8::1", "port": 1},
        "destination": {"ip": "192.0.2.1", "port": 23},
        "alerts": [{"rule_name": "A"}, {"rule_name": "B"}, {"rule_name": "A"}],
    }  # fmt: skip
    assert evidence_line(flow) == "x.pcapng: 1 frame, [2001:db8::1]:1 -> 192.0.2.1:23, A, B"
