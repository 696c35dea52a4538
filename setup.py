"""Compile the hot path with Cython; everything else about the project is in pyproject.toml.

`SENSOR_PURE_PYTHON=1 pip install .` installs the same sources uncompiled (slow: a check on the
compiled ones, and a way onto a machine without a compiler). A compile that fails stops the install:
there is no silent fallback.
"""

import os
from pathlib import Path

from setuptools import find_packages, setup

# Every module with a .pxd beside it, which gives the C types; but for these, whose .pxd holds
# inline functions that the others compile in, and whose .py is their interpreted twin.
INLINE_TWINS = {"sensor/memory/loads.py", "sensor/memory/buffers.py", "sensor/memory/records.py",
                "sensor/capture/live/ring_loads.py"}  # fmt: skip

# Indices in compiled code come from our own bookkeeping; octets of a frame are read through
# sensor/memory/loads.pxd after an explicit length test (docs/architecture.md).
DIRECTIVES = {
    "language_level": 3,
    "infer_types": True,
    "annotation_typing": False,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "freethreading_compatible": False,
}
SHARED = "sensor._cython"


def extensions():
    """The extension modules to build: none for a pure install."""
    if os.environ.get("SENSOR_PURE_PYTHON", "0") not in ("", "0"):
        return []
    from Cython.Build import cythonize  # noqa: PLC0415
    from setuptools import Extension  # noqa: PLC0415

    # Without -g0 the interpreter's own flags ask for debug information: two fifths of the time.
    flags = os.environ.get("SENSOR_CFLAGS", "-O3 -g0").split()
    link = os.environ.get("SENSOR_LDFLAGS", "").split()
    typed = {str(path.with_suffix(".py")) for path in Path("sensor").rglob("*.pxd")}
    sources = {path.removesuffix(".py").replace("/", "."): path
               for path in sorted(typed - INLINE_TWINS)}  # fmt: skip
    # Cython writes what all modules need of it into one of its own: compiled into each of them it
    # was nine tenths of the code.
    sources[SHARED] = SHARED.replace(".", "/") + ".c"
    return cythonize(
        [Extension(name, [path], extra_compile_args=flags, extra_link_args=link)
         for name, path in sources.items()],
        compiler_directives=DIRECTIVES,
        shared_utility_qualified_name=SHARED,
        quiet=True,
    )


setup(
    packages=[*find_packages(include=["sensor*"]), "sensor.shipped_rules"],
    ext_modules=extensions(),
    options={"build_ext": {"parallel": os.cpu_count()}},
)
