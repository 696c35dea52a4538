"""Wrong usages: what was given, what is wanted, how to get there."""

from __future__ import annotations

import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.command import ACCEPTED, PORT_RULE, quiet, sensor
from tests.unit.cli.bad_input import assert_refused


@pytest.mark.parametrize(("arguments", "parts"), [
    ((ACCEPTED,), (f"'{ACCEPTED}' is a file", f"sensor replay {ACCEPTED}")),
    (("gone.pcapng",), ("sensor replay gone.pcapng",)),
    (("rules", PORT_RULE), (f"sensor rules check {PORT_RULE}",)),
    (("rule", "list"), ("no command 'rule'", "'rules'")),
    (("explain", "x", ACCEPTED), ("no command 'explain'; did you mean 'rules explain'?",)),
    (("rules", "shwo", "x"), ("no command 'shwo'; did you mean 'show'?",)),
    (("xyz",), ("no command 'xyz'", "there are: completion, doctor, ", "live, replay, ")),
    (("-r", ACCEPTED), ("'-r'", "sensor replay FILE")),
    (("-i", "eth0"), ("sensor live -i IFACE",)),
    (("--json", "replay"), ("--json", "behind it: sensor replay --json")),
    (("replay", "--metrics", "1:2", ACCEPTED), ("of sensor replay", "live has it")),
    (("replay",), ("no PATH is given", "sensor replay capture.pcap")),
    (("replay", "--flows"), ("--flows needs FILE|DIR/ behind it: sensor replay --flows FILE",)),
    (("replay", "--protocol-events"), ("--protocol-events needs FILE behind it: sensor replay",)),
    (("replay", "x", "--accept-on"), ("sensor replay --accept-on [handshake|data]",)),
    (("rules", "show"), ("no ID is given", "sensor rules show")),
])  # fmt: skip
def test_what_is_said(arguments: tuple[str, ...], parts: tuple[str, ...]) -> None:
    assert_refused(sensor(*arguments), *parts)


def test_what_other_programs_have_as_options() -> None:
    assert quiet("-r", ACCEPTED).out == quiet(ACCEPTED).out == quiet("--read", ACCEPTED).out
    assert sensor("-V").out == sensor("--version").out != ""


def test_lists_and_exceptions_taken_for_each_other(tmp_path: Path) -> None:
    addresses, items = tmp_path / "a.txt", tmp_path / "e.toml"
    addresses.write_text("# ours\n192.0.2.1 # one\n", "utf-8")
    items.write_text("[[item]]\n", "utf-8")
    assert_refused(quiet("--exceptions", str(addresses), ACCEPTED), "--allow")
    assert_refused(quiet("--allow", str(items), ACCEPTED), "--exceptions")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One capture, and what lies beside captures."""
    (tmp_path / "one.pcap").write_bytes(Path(ACCEPTED).read_bytes())
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(ACCEPTED)
    with tarfile.open(tmp_path / "b.tgz", "w:gz") as tar:
        tar.add(ACCEPTED)
    for name, octets in (("c.cap", b"GMBU"), ("d.snoop", b"snoop\0\0\0"), ("e.erf", bytes(40)),
                         ("f.etl", bytes(40)), ("g.txt", b"hello")):  # fmt: skip
        (tmp_path / name).write_bytes(octets + bytes(20))
    return tmp_path


WAYS_OUT = {
    "a.zip": ("a zip archive", "unpack"), "b.tgz": ("a tar archive", "tar -xf"),
    "c.cap": ("Network Monitor", "editcap -F pcapng"), "d.snoop": ("snoop", "editcap"),
    "e.erf": ("ERF", "editcap"), "f.etl": ("Windows", "pktmon etl2pcap"), "g.txt": ("hello",),
}  # fmt: skip


def test_a_file_named_by_itself_is_an_error_with_the_way_out(folder: Path) -> None:
    ended = quiet(*(str(folder / name) for name in WAYS_OUT))
    assert ended.code == 1
    for line, (name, parts) in zip(ended.err.splitlines(), WAYS_OUT.items(), strict=True):
        for part in (str(folder / name), *parts):
            assert part in line


def test_a_folder_is_accounted_for(folder: Path) -> None:
    stats = folder.parent / "stats.json"
    ended = sensor("replay", "-v", "--stats", str(stats), str(folder))
    assert ended.code == 0
    assert "1 file read, 7 left out" in ended.err
    for name, parts in WAYS_OUT.items():
        (line,) = (line for line in ended.err.splitlines() if str(folder / name) in line)
        assert all(part in line for part in ("left out: ", *parts))
    left_out = json.loads(stats.read_text("utf-8"))["left_out"]
    assert [Path(each["path"]).name for each in left_out] == sorted(WAYS_OUT)
    (folder / "one.pcap").unlink()
    ended = quiet(str(folder))
    assert ended.code == 1
    assert "no captures in this directory (7 other files: -v names them)" in ended.err
