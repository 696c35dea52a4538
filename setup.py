"""Compile the hot path with Cython; everything else about the project is in pyproject.toml.

`SENSOR_PURE_PYTHON=1 pip install .` installs the same sources uncompiled (slow: a check on the
compiled ones, and a way onto a machine without a compiler). A compile that fails stops the install:
there is no silent fallback.
"""

import os

from setuptools import setup

# In dependency order. Each has a .pxd beside it that gives the C types.
COMPILED = [
    "sensor/frames.py",
    "sensor/packets.py",
    "sensor/text.py",
    "sensor/identifiers.py",
    "sensor/documents.py",
    "sensor/events/scan.py",
    "sensor/zstd_blocks.py",
    "sensor/capture/sieve.py",
    "sensor/capture/pcap.py",
    "sensor/capture/pcapng.py",
    "sensor/capture/ring.py",
    "sensor/decode/extensions.py",
    "sensor/decode/icmp.py",
    "sensor/decode/transport.py",
    "sensor/decode/ipv4.py",
    "sensor/decode/ipv6.py",
    "sensor/decode/llc.py",
    "sensor/decode/mpls.py",
    "sensor/decode/ppp.py",
    "sensor/decode/wireless.py",
    "sensor/decode/tags.py",
    "sensor/decode/link.py",
    "sensor/decode/links.py",
    "sensor/decode/encapsulation.py",
    "sensor/decode/tunnels.py",
    "sensor/decode/fragments.py",
    "sensor/decode/decoder.py",
    "sensor/flowtable/timers.py",
    "sensor/flowtable/paths.py",
    "sensor/flowtable/tablestate.py",
    "sensor/flowtable/clock.py",
    "sensor/flowtable/keys.py",
    "sensor/flowtable/copies.py",
    "sensor/flowtable/direction.py",
    "sensor/flowtable/ranks.py",
    "sensor/flowtable/life.py",
    "sensor/flowtable/table.py",
    "sensor/flowtable/tcp.py",
    "sensor/flowtable/verdict.py",
]

# Indices in compiled code come from our own bookkeeping; octets of a frame are read through
# sensor/loads.pxd after an explicit length test (docs/architecture.md).
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
    sources = {path.removesuffix(".py").replace("/", "."): path
               for path in COMPILED if os.path.exists(path)}  # fmt: skip
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


setup(ext_modules=extensions(), options={"build_ext": {"parallel": os.cpu_count()}})
