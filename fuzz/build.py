"""The instrumented build: a copy of the package, compiled by clang for coverage and sanitizers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TREE = ROOT / "build" / "fuzz" / "tree"
FLAGS = "-O1 -g1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined"
COPIED = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "sensor", "fuzz", "rules")
SUFFIXES = (".py", ".pxd", ".h", ".lark", ".toml", ".md", ".typed", "LICENSE")


def copy_sources(tree: Path) -> None:
    """Bring the copy up to date; what is the same keeps its time, so that it is not compiled."""
    for name in COPIED:
        top = ROOT / name
        files = [top] if top.is_file() else sorted(top.rglob("*"))
        for source in files:
            if not source.name.endswith(SUFFIXES) or "corpus" in source.parts:
                continue
            copy = tree / source.relative_to(ROOT)
            content = source.read_bytes()
            if not copy.exists() or copy.read_bytes() != content:
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(content)


def build(tree: Path = TREE) -> Path:
    """Compile what changed; the folder to run in. Errors: RuntimeError without clang."""
    clang = os.environ.get("FUZZ_CLANG", "clang")
    if shutil.which(clang) is None:
        raise RuntimeError("clang is needed for coverage of the compiled core: install clang")
    copy_sources(tree)
    # Linked without the flags: what they need is in the library that atheris has (run.py preloads
    # it), and clang's own runtime need not be there.
    environment = {**os.environ, "CC": clang, "LDSHARED": f"{clang} -shared",
                   "SENSOR_CFLAGS": f"{FLAGS} -w"}
    environment.pop("SENSOR_LDFLAGS", None)
    environment.pop("SENSOR_PURE_PYTHON", None)
    subprocess.run([sys.executable, "setup.py", "-q", "build_ext", "--inplace"], cwd=tree,
                   env=environment, check=True)
    return tree


if __name__ == "__main__":
    print(build())
