"""Fuzz targets for a while, count what was run, and keep what was found.

    python -m fuzz.run                       # what there is
    python -m fuzz.run ipv4 --seconds 60     # some targets, each for so long
    python -m fuzz.run all --seconds 5       # each, and the canaries, which must be found

Exit code 0: nothing was found, and every canary was. Findings and the growing corpora stand in
build/fuzz/; counts are added up in build/fuzz/counts.json.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from fuzz.build import build
from fuzz.corpus import unpack
from fuzz.targets import TARGETS, Target

ROOT = Path(__file__).parents[1]
WORK = ROOT / "build" / "fuzz"
DICTIONARIES = ROOT / "fuzz" / "dictionaries"
CANARY_SECONDS = 60
"""A canary is found within a few; a busy machine gets more time."""
SANITIZED = {
    # Objects of Python that live as long as the process are no leaks.
    "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:handle_segv=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}
QUICK = ":quarantine_size_mb=1:malloc_context_size=0"
"""Where Python alone is looked at, freed memory need not be kept: ten times as many runs."""


@dataclass
class Outcome:
    """What fuzzing one target gave."""

    name: str
    executions: int = 0
    seconds: float = 0.0
    findings: list[str] = field(default_factory=list)
    log: str = ""
    trouble: str = ""
    """Why the fuzzer could not run, if it could not."""

    @property
    def is_good(self) -> bool:
        found = bool(self.findings)
        return not self.trouble and found == TARGETS[self.name].faulty


def preload() -> str:
    """The library that has libFuzzer and the sanitizers' runtime. Errors: RuntimeError."""
    spec = find_spec("atheris")
    if spec is None or spec.origin is None:
        raise RuntimeError("atheris is needed: pip install -e '.[fuzz]'")
    path = Path(spec.origin).parents[1] / "asan_with_fuzzer.so"
    if not path.exists():
        raise RuntimeError(f"this atheris has no {path.name}")
    return str(path)


def environment(target: Target, tree: Path) -> dict[str, str]:
    """What the fuzzing process sees; exact allocations where the compiled core is looked at."""
    found = {**os.environ, **SANITIZED, "LD_PRELOAD": preload(), "PYTHONPATH": str(tree)}
    if target.native:
        found["PYTHONMALLOC"] = "malloc"
    else:
        found["ASAN_OPTIONS"] += QUICK
    return found


def command_of(name: str, folder: Path) -> list[str]:
    """What starts the fuzzing process; options of libFuzzer and folders of inputs follow."""
    return [sys.executable, "-m", "fuzz.harness", name, str(folder)]


def fuzz(name: str, seconds: int, tree: Path, options: list[str]) -> Outcome:
    """Fuzz one target, going on after what ends the process, until the time is over."""
    target, outcome = TARGETS[name], Outcome(name)
    found, grown = WORK / "findings" / name, WORK / "corpus" / name
    if target.faulty:
        shutil.rmtree(found, ignore_errors=True)
        seconds = max(seconds, CANARY_SECONDS)
    for folder in (found, grown):
        folder.mkdir(parents=True, exist_ok=True)
    unpack(name, grown)
    before = set(found.iterdir())
    began = time.monotonic()
    while (left := seconds - int(time.monotonic() - began)) > 0:
        arguments = [f"-max_total_time={left}", f"-max_len={target.max_bytes}", "-timeout=60",
                     "-rss_limit_mb=3000", "-print_final_stats=1", f"-artifact_prefix={found}/"]
        if (dictionary := DICTIONARIES / f"{name}.dict").exists():
            arguments.append(f"-dict={dictionary}")
        inputs = [] if target.faulty else [str(grown)]
        command = [*command_of(name, found), *arguments, *options, *inputs]
        run = subprocess.run(command, cwd=tree, env=environment(target, tree),
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        outcome.log = run.stdout.decode("utf-8", "replace")
        counted = re.findall(r"stat::number_of_executed_units:\s*(\d+)", outcome.log)
        outcome.executions += int(counted[-1]) if counted else 0
        if not counted:
            outcome.trouble = f"the fuzzer did not run: exit code {run.returncode}"
        if run.returncode == 0 or target.faulty or outcome.trouble:
            break
    outcome.seconds = time.monotonic() - began
    outcome.findings = sorted(path.name for path in set(found.iterdir()) - before
                              if path.suffix != ".txt")
    return outcome


def note(outcome: Outcome) -> None:
    """Add a run to the counts of all runs."""
    path = WORK / "counts.json"
    counts = json.loads(path.read_text()) if path.exists() else {}
    mine = counts.setdefault(outcome.name, {"executions": 0, "seconds": 0.0, "findings": 0})
    mine["executions"] += outcome.executions
    mine["seconds"] += outcome.seconds
    mine["findings"] += len(outcome.findings)
    path.write_text(json.dumps(counts, indent=1) + "\n")


def table() -> str:
    """The counts of all runs as a Markdown table."""
    path = WORK / "counts.json"
    counts = json.loads(path.read_text()) if path.exists() else {}
    lines = ["| target | executions | a second |", "|---|---|---|"]
    total = 0
    for name in TARGETS:
        if name in counts and not TARGETS[name].faulty:
            executions, seconds = counts[name]["executions"], counts[name]["seconds"]
            total += executions
            lines.append(f"| `{name}` | {executions:,} | {executions / max(seconds, 1):,.0f} |")
    return "\n".join([*lines, f"| all | {total:,} | |"])


def main() -> int:
    """Run what is asked for; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("targets", nargs="*", help="names, or `all`")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--table", action="store_true", help="print the counts so far")
    parser.add_argument("--no-build", action="store_true", help="use the build that is there")
    parser.add_argument("--option", action="append", default=[], help="for libFuzzer")
    arguments = parser.parse_args()
    if arguments.table:
        print(table())
        return 0
    names = list(TARGETS) if "all" in arguments.targets else arguments.targets
    if not names or (unknown := sorted(set(names) - TARGETS.keys())):
        print(f"no such target: {', '.join(unknown)}" if names else "targets:", *TARGETS)
        return 2
    try:
        preload()
        tree = WORK / "tree" if arguments.no_build else build(WORK / "tree")
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 2
    good = True
    for name in names:
        outcome = fuzz(name, arguments.seconds, tree, arguments.option)
        note(outcome)
        good = good and outcome.is_good
        said = ", ".join(outcome.findings) or "nothing found"
        print(f"{'ok  ' if outcome.is_good else 'FAIL'} {name}: {outcome.executions:,} executions "
              f"in {outcome.seconds:.0f} s; {said} {outcome.trouble}", flush=True)
        if not outcome.is_good:
            print(outcome.log[-4000:], flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
