"""Every option of `sensor replay` does what docs and --help say of it."""

from __future__ import annotations

import gzip
import json
import shutil
import struct
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.command import ACCEPTED, DEMO, EXTERNAL, PORT_RULE, REFUSED, ndjson, quiet, sensor
from tests.running import CAPTURES, ROOT

PORT = "Accepted Default Telnet Port Connection"
OUTSIDE = "Accepted Telnet Connection to External Network"


def test_an_alert_is_two_lines_and_its_time_is_the_packets() -> None:
    ended = quiet(ACCEPTED)
    assert (ended.code, ended.err) == (0, "")
    first, second = ended.out.splitlines()
    when, rest = first[:26], first[26:]
    datetime.strptime(when, "%Y-%m-%d %H:%M:%S.%f")
    assert rest == f"  MEDIUM 47  {PORT}"
    assert second.startswith("    192.168.1.20:50432 -> 192.168.1.50:23  tcp accepted (")
    assert second.split("  ")[-1].startswith("1:")


def test_the_summary_and_the_notices_go_to_stderr() -> None:
    loud, silent = sensor("replay", ACCEPTED), quiet(ACCEPTED)
    assert loud.out == silent.out and silent.err == ""
    assert PORT in loud.err and "accepted" in loud.err
    assert "cannot run here" not in loud.err  # of a shipped rule it is no news
    assert "cannot run here" in sensor("replay", "-v", ACCEPTED).err
    assert "\x1b" not in loud.out + loud.err  # a pipe has no colours and no progress


def test_verbose_says_what_is_loaded() -> None:
    count = len(list((ROOT / "rules").glob("*.toml")))
    assert f"{count} rules loaded" in sensor("replay", "-v", ACCEPTED).err
    assert "3 rules loaded" not in sensor("replay", ACCEPTED).err


def test_json_lines_are_the_lines_of_the_alerts_file(tmp_path: Path) -> None:
    kept = tmp_path / "alerts.ndjson"
    ended = quiet("--json", "--alerts", str(kept), DEMO)
    assert ended.code == 0
    assert ended.out == kept.read_text(encoding="utf-8")
    documents = ended.documents()
    assert {document["event"]["kind"] for document in documents} == {"alert"}
    assert [d["rule"]["name"] for d in documents].count(PORT) == 6  # tests/golden/truth.toml
    assert [d["rule"]["name"] for d in documents].count(OUTSIDE) == 2


def test_the_alerts_file_is_appended_to(tmp_path: Path) -> None:
    kept = tmp_path / "alerts.ndjson"
    for _ in range(2):
        assert quiet("--alerts", str(kept), ACCEPTED).code == 0
    first, second = ndjson(kept)
    assert first == second  # the same capture, the same rules: the same alert ids


def test_flows_to_stdout_leave_the_alerts_to_stderr() -> None:
    ended = quiet("--flows", "-", ACCEPTED)
    (record,) = ended.documents()
    assert record["event"]["action"] == "network_flow"
    assert PORT in ended.err and ended.code == 0


def test_flows_file_and_flow_events(tmp_path: Path) -> None:
    records, events = tmp_path / "records.json", tmp_path / "events.jsonl"
    assert quiet("--flows", str(records), REFUSED, ACCEPTED).code == 0
    assert quiet("--flows", str(events), "--flow-events", REFUSED, ACCEPTED).code == 0
    actions = [document["event"]["action"] for document in ndjson(events)]
    assert sorted(actions) == ["flow_denied"] * 3 + ["flow_started"] + ["network_flow"] * 4
    assert [d for d in ndjson(events) if d["event"]["action"] == "network_flow"] == ndjson(records)


def test_flows_and_json_cannot_share_stdout() -> None:
    ended = quiet("--flows", "-", "--json", ACCEPTED)
    assert ended.code == 2 and ended.out == "" and "--json" in ended.message()


def test_parquet(tmp_path: Path) -> None:
    from pyarrow import parquet  # noqa: PLC0415  slow to import
    kept = tmp_path / "flows.parquet"
    assert quiet("--flows", str(kept), DEMO).code == 0
    lines = quiet("--flows", "-", DEMO).documents()
    assert parquet.read_table(kept).num_rows == len(lines)


def test_parquet_without_its_package_says_what_to_install(tmp_path: Path) -> None:
    """A module of that name that cannot be imported stands in for a machine without it."""
    (tmp_path / "pyarrow.py").write_text("raise ImportError", encoding="utf-8")
    ended = quiet("--flows", str(tmp_path / "x.parquet"), ACCEPTED, PYTHONPATH=":".join(
        [str(tmp_path), str(CAPTURES.parent)]))  # fmt: skip
    assert ended.code == 2 and "flow-sensor[parquet]" in ended.message()


def test_local_time() -> None:
    utc, local = quiet(ACCEPTED).out, quiet("--local-time", ACCEPTED, TZ="XYZ-2").out
    there = datetime.strptime(local[:31], "%Y-%m-%d %H:%M:%S.%f%z")
    assert local[26:31] == "+0200"
    assert there == datetime.strptime(utc[:26] + "+0000", "%Y-%m-%d %H:%M:%S.%f%z")


@pytest.mark.parametrize(
    ("arguments", "changes", "coloured"),
    [
        (["--color", "always"], {}, True),
        (["--color", "always"], {"NO_COLOR": "1"}, True),  # who asks for it gets it
        (["--color", "never"], {}, False),
        ([], {}, False),
    ],
)
def test_color_in_a_pipe(arguments: list[str], changes: dict[str, str], coloured: bool) -> None:
    assert ("\x1b[" in quiet(*arguments, ACCEPTED, **changes).out) is coloured


def direction(*arguments: str) -> str:
    (document,) = quiet("--json", "--rules", PORT_RULE, *arguments, EXTERNAL).documents()
    return str(document["network"]["direction"])


def test_internal_networks_replace_the_usual_ones() -> None:
    assert direction() == "outbound"
    assert direction("--internal", "198.18.0.0/15") == "external"
    assert direction("--internal", "0.0.0.0/0", "--internal", "::/0") == "internal"


def test_accept_on_data() -> None:
    """By tests/golden/truth.toml two handshakes, with nothing said after them."""
    silent = str(CAPTURES / "telnet_handshake_silent.pcap")
    assert len(quiet(silent).alerts()) == 2
    assert len(quiet("--accept-on", "data", silent).alerts()) == 0
    assert len(quiet("--accept-on", "data", ACCEPTED).alerts()) == 1


def stats_of(*arguments: str) -> dict[str, Any]:
    ended = quiet("--json", "--stats", "-", *arguments)
    return dict(json.loads(ended.out.splitlines()[-1]))


def test_duplicates_that_are_kept_count_each_copy_as_a_packet() -> None:
    doubled = str(CAPTURES / "telnet_duplicated.pcap")
    once, twice = stats_of(doubled), stats_of("--duplicates", "keep", doubled)
    assert once["duplicates"] > 0 and twice["duplicates"] == 0
    assert once["frames"] == twice["frames"]


def retagged(name: str, vlan: int) -> bytes:
    """A classic capture of frames with one 802.1Q tag, their VLAN id changed."""
    octets = bytearray((CAPTURES / name).read_bytes())
    at = 24
    while at < len(octets):
        captured = struct.unpack_from("<I", octets, at + 8)[0]
        assert octets[at + 28 : at + 30] == b"\x81\x00"
        octets[at + 30 : at + 32] = struct.pack(">H", vlan)
        at += 16 + captured
    return bytes(octets)


def test_key_vlan_separates_flows(tmp_path: Path) -> None:
    """The same conversation in two VLANs at the same time is one flow, or two."""
    shutil.copy(CAPTURES / "telnet_vlan.pcap", tmp_path / "a.pcap")
    (tmp_path / "b.pcap").write_bytes(retagged("telnet_vlan.pcap", 121))
    assert stats_of("--key-vlan", str(tmp_path))["flows"]["total"] == 2
    assert stats_of("--no-key-vlan", str(tmp_path / "a.pcap"))["flows"]["total"] == 1


def test_no_key_tenant_joins_what_overlay_ids_separate(tmp_path: Path) -> None:
    """The answers of the same conversation come out of another VNI."""
    octets = bytearray((CAPTURES / "telnet_vxlan.pcap").read_bytes())
    at = 24
    senders = set()
    while at < len(octets):
        frame = at + 16
        vxlan = frame + 14 + 4 * (octets[frame + 14] & 15) + 8
        senders.add(bytes(octets[vxlan + 14 : vxlan + 20]))
        if bytes(octets[vxlan + 14 : vxlan + 20]) == min(senders):
            octets[vxlan + 6] ^= 1
        at = frame + struct.unpack_from("<I", octets, at + 8)[0]
    path = tmp_path / "a.pcap"
    path.write_bytes(octets)
    plain = stats_of(str(CAPTURES / "telnet_vxlan.pcap"))["flows"]["total"]
    assert plain == 2  # one conversation in each of two networks, between the same addresses
    assert stats_of("--key-tenant", str(path))["flows"]["total"] > plain
    assert stats_of("--no-key-tenant", str(path))["flows"]["total"] == 1


def test_strict_external_excepts_documentation_addresses() -> None:
    """The list of the rule calls 2001:db8::/32 external; IANA's registry does not."""
    six = str(CAPTURES / "telnet_accepted_v6.pcap")
    assert any(OUTSIDE in line for line in quiet(six).alerts())
    assert not any(OUTSIDE in line for line in quiet("--strict-external", six).alerts())


def test_rules_replace_the_shipped_ones() -> None:
    names = {d["rule"]["name"] for d in quiet("--json", "--rules", PORT_RULE, DEMO).documents()}
    assert names == {PORT}


EXCEPTION = """
[[item]]
comment = "known device"
entries = [{ field = "source.ip", type = "match", operator = "included", value = "192.168.1.20" }]
"""


def test_exceptions_silence_what_they_name(tmp_path: Path) -> None:
    known = tmp_path / "known.toml"
    known.write_text(EXCEPTION, encoding="utf-8")
    ended = quiet("--exceptions", str(known), "--stats", "-", "--json", ACCEPTED)
    (ledger,) = ended.documents()
    (entry,) = (rule for rule in ledger["rules"].values() if rule["name"] == PORT)
    assert (entry["matches"], entry["alerts"], entry["excepted"]) == (1, 0, 1)


def test_standard_input_gives_what_the_file_gives(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"a key of sixteen octets")
    options = ("--json", "--hash-key-file", str(key))
    for name in (DEMO, EXTERNAL):
        piped = quiet(*options, "-", stdin=Path(name).read_bytes()).documents()
        read = quiet(*options, name).documents()
        events = [event for document in (*piped, *read)
                  for event in document["sensor"]["alert"].get("events", ())]  # fmt: skip
        for document in (*piped, *read, *events):
            document["sensor"].pop("capture", None)
        assert piped == read and piped


def halves(tmp_path: Path) -> tuple[Path, Path]:
    """A capture cut in two between two records, the first half named to sort last."""
    octets = Path(ACCEPTED).read_bytes()
    at, cuts = 24, []
    while at < len(octets):
        cuts.append(at)
        at += 16 + struct.unpack_from("<I", octets, at + 8)[0]
    middle = cuts[2]  # after SYN and SYN-ACK: each half alone is no handshake
    folder = tmp_path / "rotated"
    (folder / "deep").mkdir(parents=True)
    early, late = folder / "z.pcap", folder / "deep" / "a.pcap"
    early.write_bytes(octets[:middle])
    late.write_bytes(octets[:24] + octets[middle:])
    (folder / "notes.txt").write_text("not a capture", encoding="utf-8")
    return early, late


def test_files_directories_and_globs_are_read_in_order_of_time(tmp_path: Path) -> None:
    early, late = halves(tmp_path)
    whole = stats_of(ACCEPTED)
    for paths in ([str(late), str(early)], [str(early), str(late)], [str(tmp_path / "rotated")],
                  [str(tmp_path / "rotated/*.pcap"), str(late)]):  # fmt: skip
        found = stats_of(*paths)
        assert (found["flows"], found["frames"]) == (whole["flows"], whole["frames"])
        assert [entry["path"] for entry in found["inputs"]] == [str(early), str(late)]
        assert found["time_backwards"] == 0


def test_a_compressed_file_is_what_is_in_it(tmp_path: Path) -> None:
    packed = tmp_path / "day.pcap"
    packed.write_bytes(gzip.compress(Path(ACCEPTED).read_bytes()))
    ended = quiet(str(packed))
    assert ended.code == 0 and ended.out == quiet(ACCEPTED).out


@pytest.mark.parametrize("form", ["rfc5424", "rfc3164", "cee", "cef"])
def test_syslog(form: str, tmp_path: Path) -> None:
    """A datagram socket of ours receives one message for the alert."""
    import socket  # noqa: PLC0415

    place = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(place))
        ended = quiet("--syslog", f"unix://{place}", "--syslog-format", form, ACCEPTED)
        server.setblocking(False)  # the run is over: what was sent is here
        message = server.recv(1 << 16)
    assert (ended.code, ended.err) == (0, "")
    assert message.startswith(b"<") and b"192.168.1.50" in message
