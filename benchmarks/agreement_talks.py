"""The clients of agreement_lab.py: what is said with each of its servers."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.agreement_odd import ODD_PORT

DESK, HOST = "desk", "orchard"
ADDRESS, ADDRESS_V6, CLIENT, CLIENT_V6 = "10.77.0.2", "fd77::2", "10.77.0.1", "fd77::1"
HEXES = {  # RFC 3597: type numbers and data that dnsmasq hands out as they are
    "ds": (43, "0d2e0802" + "ab" * 32),
    "dnskey": (48, "010103080301" + "c7" * 64),
    "rrsig": (46, "0001080200000e1066000000650000001234" + "076578616d706c6500" + "5a" * 64),
    "sshfp": (44, "0401" + "1f" * 20),
    "tlsa": (52, "030101" + "2c" * 32),
    "https": (
        65,
        "0001000001000602683202683300040004c00002010006001020010db8000000000000000000000001",
    ),
    "svcb": (64, "0010037376630765" + "78616d706c6500" + "0003000201bb"),
    "hinfo": (13, "03583836054c696e7578"),
    "loc": (29, "00120000" * 4),
    "uri": (256, "000a0001" + b"https://site.example/".hex()),
    "dname": (39, "056f74686572076578616d706c6500"),
    "rp": (17, "0568656c6c6f076578616d706c650000"),
    "unknown": (65400, "0102030405"),
    "afsdb": (18, "00010361667307657861" + "6d706c6500"),
    "spf": (99, "0b763d73706631202d616c6c"),
}


def run(*words: str) -> None:
    """Run a program; how it ends does not matter."""
    subprocess.run(
        words,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=180,
    )


def desk(*words: str, given: bytes = b"", timeout_s: float = 60) -> None:
    """Run a client at the desk; how it ends does not matter."""
    try:
        subprocess.run(
            ["ip", "netns", "exec", DESK, *words],
            check=False,
            input=given,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired:
        print("took too long:", *words[:6], file=sys.stderr)


@contextmanager
def started(name: str, *words: str) -> Iterator[None]:
    """A program in a namespace, ended with the block."""
    process = subprocess.Popen(
        ["ip", "netns", "exec", name, *words],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def http(work: Path, chance: random.Random) -> None:
    """Everyday requests with curl, several on a connection."""
    base = chance.choice((f"http://{ADDRESS}", f"http://[{ADDRESS_V6}]", "http://site.example"))
    start = ["curl", "-s", "-m", "50", "-o", "/dev/null", "--resolve", f"site.example:80:{ADDRESS}"]
    many = [
        word
        for name in (
            "index.html",
            "page.html?a=1&b=%20#x",
            "data.json",
            "none",
            "moved",
            "teapot",
            "broken",
            "missing",
            "small.bin",
            "empty.txt",
            "long.txt",
            "style.css",
            "mid.bin",
        )
        for word in ("-o", "/dev/null", f"{base}/{name}")
    ]
    desk(*start, *many, "--compressed", "-A", f"agent/{chance.random()} (\u00e9; x)")
    desk(*start, *many)
    desk(*start, "-I", *many)
    desk(*start, "-z", "2038-01-01", *many)
    desk(*start, "-0", f"{base}/page.html")
    desk(*start, "-r", "100-299", f"{base}/mid.bin", "-r", "0-9,50-59")
    desk(*start, "-u", "petra:Hollow-Reed", f"{base}/private", f"{base}/private")
    upload = f"{work}/www/mid.bin"
    desk(*start, "-F", "a=b", "-F", f"file=@{upload}", f"{base}/upload")
    desk(*start, "-T", upload, f"{base}/put/", "-H", "Expect: 100-continue")
    desk(*start, "-d", "user=a&password=Secret-12", f"{base}/upload")
    desk(
        *start, "-X", "POST", "-H", "Transfer-Encoding: chunked", "--data-binary", f"@{upload}",
        f"{base}/upload"
    )  # fmt: skip
    for method in ("OPTIONS", "DELETE", "PATCH", "TRACE", "PROPFIND", "BREW"):
        desk(*start, "-X", method, f"{base}/index.html", f"{base}/nothing")


def downloads(work: Path, chance: random.Random) -> None:
    """Large files, three at a time."""
    for _ in range(1):
        desk(
            "curl", "-s", "-m", "100", "-Z", "--parallel-immediate",
            *(word for _ in range(3) for word in ("-o", "/dev/null", f"http://{ADDRESS}/big.bin")),
            timeout_s=110
        )  # fmt: skip


def odd(work: Path, chance: random.Random) -> None:
    """HTTP that curl does not speak, from a server that does."""
    desk(sys.executable, "-m", "benchmarks.agreement_odd", "ask", str(chance.randrange(1 << 30)))
    for path in (
        "chunked",
        "deflate",
        "rawdeflate",
        "gzip",
        "trailers",
        "close",
        "continue",
        "latin",
        "early",
        "cut",
    ):
        desk("curl", "-s", "-m", "5", f"http://{ADDRESS}:{ODD_PORT}/{path}")
    desk(
        "curl", "-s", "-m", "5", "-p", "-x", f"http://{ADDRESS}:{ODD_PORT}",
        "http://tunnel.example:8765/index.html"
    )  # fmt: skip
    desk("curl", "-s", "-m", "5", "-x", f"http://{ADDRESS}:{ODD_PORT}", "http://plain.example/gzip")


def dns(work: Path, chance: random.Random) -> None:
    """All types, over UDP and TCP, with and without EDNS."""
    kinds = [
        "A",
        "AAAA",
        "MX",
        "TXT",
        "SRV",
        "NS",
        "SOA",
        "CAA",
        "NAPTR",
        "ANY",
        "HTTPS",
        "DS",
        "DNSKEY",
        "PTR",
    ]
    names = [
        "example",
        "alias.example",
        "twice.example",
        "many0.example",
        "many1.example",
        "large.example",
        "missing.example",
        "bogus.example",
        "_sip._tcp.example",
        ".",
        "other.test",
        "MiXeD.example",
        "a.zone.example",
        "zone.example",
        "we\\032ird.example",
        "x" * 63 + ".example",
        "d\\.ot.example",
    ]
    lines = [f"{chance.choice(names)} {chance.choice(kinds)}" for _ in range(60)]
    lines += [f"{name}.example TYPE{kind}" for name, (kind, _) in HEXES.items()]
    lines += ["-x 10.77.0.9", "-x fd77::3", "version.bind CH TXT"]
    batch = work / f"batch{chance.randrange(1 << 30)}"
    server = chance.choice((f"@{ADDRESS}", f"@{ADDRESS_V6}"))
    for options in (
        [],
        ["+dnssec", "+bufsize=1232"],
        ["+noedns", "+ignore"],
        ["+tcp", "+keepopen"],
        ["+cookie", "+nsid", "+padding=128", "+cd", "+ad"],
    ):
        chance.shuffle(lines)
        batch.write_text(
            "".join(f"{line} {server} {' '.join(options)} +tries=2 +time=1\n" for line in lines)
        )
        desk("dig", *options, "-f", str(batch))
    desk("dig", server, "zone.example", "AXFR", "+time=1")
    batch.unlink()


def tls(work: Path, chance: random.Random) -> None:
    """Handshakes that work and that do not."""
    start = ["openssl", "s_client", "-connect"]
    ciphers = [
        "ECDHE-RSA-AES128-GCM-SHA256",
        "AES256-SHA",
        "DHE-RSA-AES256-SHA",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "ALL:@SECLEVEL=0",
        "AES128-SHA256",
        "NULL-SHA256:ALL",
    ]
    for version in ("-tls1_2", "-tls1_3", "-tls1_1", "-tls1"):
        desk(
            *start, f"{ADDRESS}:443", version, "-servername", "site.example", "-cipher",
            "ALL:@SECLEVEL=0", given=b"GET / HTTP/1.0\r\n\r\n", timeout_s=10
        )  # fmt: skip
    for _ in range(4):
        desk(
            *start, f"{ADDRESS}:443", "-tls1_2", "-cipher", chance.choice(ciphers), "-alpn",
            chance.choice(("h2", "http/1.1,h2", "spdy/3", "\u00e9")), "-groups",
            chance.choice(("X25519", "P-521:P-256", "X448:ffdhe2048:P-256")), given=b"Q\n",
            timeout_s=10
        )  # fmt: skip
    session = work / f"session{chance.randrange(1 << 30)}"
    for version, more in (("-tls1_2", []), ("-tls1_3", []), ("-tls1_2", ["-no_ticket"])):
        for option in ("-sess_out", "-sess_in"):
            desk(
                *start, f"{ADDRESS}:443", version, *more, option, str(session), given=b"GET /\r\n",
                timeout_s=10
            )  # fmt: skip
    for port, options in (
        (4431, []),
        (4432, ["-groups", "X25519:P-384"]),
        (4432, ["-tls1_2"]),
        (4433, []),
        (4433, ["-cert", f"{work}/member.pem", "-key", f"{work}/member.key", "-tls1_2"]),
        (4433, ["-tls1_2"]),
        (444, ["-tls1_2"]),
        (443, ["-tls1_2", "-verify_return_error", "-verify", "2"]),
        (443, ["-noservername", "-sigalgs", "RSA-PSS+SHA256:RSA+SHA256"]),
        (80, []),
        (4431, ["-cipher", "ECDHE-ECDSA-AES128-SHA"]),
    ):
        desk(*start, f"{ADDRESS}:{port}", *options, given=b"Q\n", timeout_s=10)
    desk(
        "curl", "-s", "-k", "-m", "10", "--resolve", f"site.example:443:{ADDRESS}",
        "https://site.example/long.txt", "https://site.example/index.html"
    )  # fmt: skip
    desk(
        "curl", "-s", "-k", "-m", "10", "--cert", f"{work}/member.pem", "--key",
        f"{work}/member.key", f"https://{ADDRESS}:444/index.html"
    )  # fmt: skip


def icmp(work: Path, chance: random.Random) -> None:
    """Pings of all sizes, and ports that are closed."""
    for address in (ADDRESS, ADDRESS_V6):
        desk("ping", "-c", "8", "-i", "0.01", "-s", str(chance.randrange(0, 1400)), address)
        desk("ping", "-c", "3", "-i", "0.2", "-W", "1", address)
        desk("dig", f"@{address}", "-p", "9", "closed.example", "+tries=1", "+time=1")
    desk("ping", "-c", "2", "-W", "1", "-i", "0.2", "10.77.0.77")


REDIS_LINES = (
    "SET a 1", "INCR a", "GET nothing", "LPUSH a 1", "NOSUCH x y", "MULTI", "SET b 2", "GET b",
    "EXEC", "HSET h f1 v1 f2 v2", "HGETALL h", "ZADD z 1.5 a 2 b", "ZRANGE z 0 -1 WITHSCORES",
    "SMEMBERS none", "EVAL 'return {1,{2,false}}' 0", "CONFIG GET maxmemory*", "COMMAND COUNT",
    "INFO server", "SET q 'a \"b\" \\x00\\xff'", "GET q", "CLIENT GETNAME", "ACL WHOAMI",
    "AUTH bad", "DEBUG SLEEP 0", "ECHO ''", "MSET k1 v1 k2 v2", "MGET k1 k2 k3",
    "SETRANGE big 20000 x", "GET big", "ROLE", "XADD s * a b", "XRANGE s - +", "OBJECT ENCODING a",
    "TIME", "DEL a b"
)  # fmt: skip


def redis(work: Path, chance: random.Random) -> None:
    """Commands with replies of all kinds, pipelines, channels."""
    host = ["-h", chance.choice((ADDRESS, ADDRESS_V6))]
    desk(
        "redis-benchmark", *host, "-q", "-n", "300", "-c", "5", "-P",
        str(chance.choice((1, 7, 40))), "-d", str(chance.choice((3, 100, 1_000))), "-t",
        "ping,set,get,incr,lpush,mset,hset,zadd"
    )  # fmt: skip
    lines = list(REDIS_LINES)
    chance.shuffle(lines)
    for options in ([], ["-3"]):
        desk("redis-cli", *host, *options, given="\n".join(lines).encode())
    desk("redis-cli", *host, "-x", "SET", "blob", given=chance.randbytes(60_000))
    desk("redis-cli", *host, "GET", "blob")
    raw = [
        b"PING\r\n", b"SET x 5\r\nGET x\r\n", b"*1\r\n$4\r\nPING\r\n", b"SUBSCRIBE c d\r\n",
        b"*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$2\r\nhi\r\n", b"UNSUBSCRIBE\r\n", b"QUIT\r\n"
    ]  # fmt: skip
    for words in (raw, [b"HELLO 3\r\n", *raw[:-1], b"QUIT\r\n"]):
        desk(
            "curl", "-s", "-m", "1", f"telnet://{host[1] if ':' not in host[1] else ADDRESS}:6379",
            given=b"".join(words)
        )  # fmt: skip
    with started(DESK, "redis-cli", *host, "SUBSCRIBE", "news", "more"):
        time.sleep(0.2)
        desk("redis-cli", *host, "PUBLISH", "news", "x" * chance.randrange(3_000))


TALKS: dict[str, Callable[[Path, random.Random], None]] = {
    "http": http,
    "downloads": downloads,
    "odd": odd,
    "dns": dns,
    "tls": tls,
    "icmp": icmp,
    "redis": redis,
}
