"""Files that a run writes: what cannot be opened, what fills up, what stays as it was."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from tests.command import ACCEPTED, quiet
from tests.unit.cli.bad_input import assert_damaged, assert_refused, rule_of


@pytest.mark.parametrize(("option", "name"), [
    *product(("--alerts", "--flows", "--stats"), ("none/file.json", "x.parquet/y.parquet")),
    ("--alerts", ""), ("--stats", ""), ("--protocol-events", "")])
def test_an_output_that_cannot_be_written(option: str, name: str, tmp_path: Path) -> None:
    """Told before anything is read; a directory and a missing folder fail for root too.

    Flow records alone go into a directory: that is a dataset.
    """
    path = str(tmp_path / name)
    ended = quiet(option, path, ACCEPTED)
    assert_refused(ended, path)
    ended.message()


def test_a_failed_start_leaves_the_files_of_the_run_before(tmp_path: Path) -> None:
    """What one option has right is not emptied because another one is wrong."""
    stats, flows = tmp_path / "stats", tmp_path / "flows.ndjson"
    for path in (stats, flows):
        path.write_text("precious", encoding="utf-8")
    broken = rule_of(tmp_path, "((")
    quiet("--stats", str(stats), "--flows", str(flows), "--rules", broken, ACCEPTED)
    quiet("--stats", str(stats), "--flows", str(flows), "--alerts", str(tmp_path), ACCEPTED)
    quiet("--stats", str(stats), "--flows", str(flows), "--internal", "x", ACCEPTED)
    assert stats.read_text(encoding="utf-8") == flows.read_text(encoding="utf-8") == "precious"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full disk at hand")
@pytest.mark.parametrize("option", ["--alerts", "--flows", "--stats"])
def test_a_full_disk_is_said_and_the_rest_goes_on(option: str) -> None:
    ended = quiet(option, "/dev/full", ACCEPTED)
    assert_damaged(ended, "/dev/full", "No space left")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full disk at hand")
def test_a_full_standard_output_is_said() -> None:
    import subprocess  # noqa: PLC0415

    from tests.command import COMMAND, environment  # noqa: PLC0415

    for arguments in (["--json"], [], ["--flows", "-"]):
        with open("/dev/full", "wb") as full:
            run = subprocess.run(
                [*COMMAND, "replay", "--quiet", *arguments, ACCEPTED], stdout=full, check=False,
                stderr=subprocess.PIPE, text=True, env=environment(PYTHONUNBUFFERED=""),
            )  # fmt: skip
        assert run.returncode == 1 and "No space left" in run.stderr
        assert "Traceback" not in run.stderr and "Exception ignored" not in run.stderr
