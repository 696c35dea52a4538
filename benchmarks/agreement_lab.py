"""Record real programs that speak HTTP/1, DNS, TLS, ICMP and Redis with one another.

    python -m benchmarks.agreement_lab FILE [--rounds N] [--only NAME ...]     as root

Two network namespaces, `desk` with the clients and `orchard` with the servers, are joined by a
cable; tcpdump listens at the desk's end. A round is about 45 MB: every kind of conversation once or
a few times, half of the rounds over a cable that loses and swaps packets (tc netem). Needs nginx,
curl, openssl, dnsmasq, dig, redis, ping, tcpdump, iproute2. What it records is for agreement.py.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from benchmarks.agreement_talks import (
    ADDRESS,
    ADDRESS_V6,
    CLIENT,
    CLIENT_V6,
    DESK,
    HEXES,
    HOST,
    TALKS,
    run,
    started,
)

INSIDE = "AGREEMENT_INSIDE"
ROOT = Path(__file__).resolve().parent.parent
NGINX = """
user root; daemon off; pid {work}/nginx.pid; error_log /dev/null; worker_processes 1;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {work}/body; proxy_temp_path {work}/proxy;
  fastcgi_temp_path {work}/fcgi; uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
  include /etc/nginx/mime.types; default_type application/octet-stream; client_max_body_size 64m;
  gzip on; gzip_types text/plain application/json text/css; gzip_min_length 100;
  keepalive_requests 100000; etag on; ssl_session_cache shared:a:1m; ssl_session_tickets on;
  server {{
    listen 80; listen [::]:80; root {work}/www; server_name site.example;
    location = /none {{ return 204; }}
    location = /moved {{ return 301 /index.html; }}
    location = /teapot {{ return 418 "short and stout\\n"; }}
    location = /broken {{ return 500 "broken\\n"; }}
    location = /private {{ auth_basic "Cellar"; auth_basic_user_file {work}/users; }}
    location = /upload {{ proxy_pass http://127.0.0.1:81/sink; }}
    location = /put/ {{ proxy_pass http://127.0.0.1:81/sink; }}
    location = /nothing {{ return 444; }}
  }}
  server {{ listen 127.0.0.1:81; location /sink {{ return 201 "taken\\n"; }} }}
  server {{
    listen 443 ssl; listen [::]:443 ssl; root {work}/www; server_name site.example;
    ssl_certificate {work}/chain.pem; ssl_certificate_key {work}/site.key;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers ALL:@SECLEVEL=0;
  }}
  server {{
    listen 444 ssl; root {work}/www; server_name member.example;
    ssl_certificate {work}/site.pem; ssl_certificate_key {work}/site.key;
    ssl_client_certificate {work}/ca.pem; ssl_verify_client on; ssl_protocols TLSv1.2 TLSv1.3;
  }}
}}
"""


def furnish() -> None:
    """The two namespaces and the cable; checksums and segments are as on a wire."""
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    for name in (DESK, HOST):
        run("ip", "netns", "add", name)
    run(
        "ip",
        "link",
        "add",
        "press0",
        "netns",
        HOST,
        "type",
        "veth",
        "peer",
        "name",
        "desk0",
        "netns",
        DESK,
    )
    for name, link, address, address_v6 in (
        (DESK, "desk0", CLIENT, CLIENT_V6),
        (HOST, "press0", ADDRESS, ADDRESS_V6),
    ):
        within = ("ip", "netns", "exec", name)
        run(*within, "ethtool", "-K", link, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
        run(*within, "ip", "address", "add", f"{address}/24", "dev", link)
        run(*within, "ip", "address", "add", f"{address_v6}/64", "dev", link, "nodad")
        for one in (link, "lo"):
            run(*within, "ip", "link", "set", one, "up")
        run(*within, "sysctl", "-q", "-w", "net.ipv4.ip_local_port_range=10000 65000")


def trouble(is_on: bool) -> None:
    """Lose, double and swap packets of the cable, or stop doing so."""
    for name, link in ((HOST, "press0"), (DESK, "desk0")):
        within = ("ip", "netns", "exec", name, "tc", "qdisc")
        run(*within, "del", "dev", link, "root")
        if is_on:
            run(
                *within,
                "add",
                "dev",
                link,
                "root",
                "netem",
                "delay",
                "2ms",
                "1ms",
                "loss",
                "1%",
                "reorder",
                "5%",
                "duplicate",
                "0.5%",
                "limit",
                "10000",
            )


def certificates(work: Path) -> None:
    """An authority, a site with a long chain, and a client."""
    for name, subject, bits in (
        ("ca", "/C=AT/O=Orchard/CN=Orchard Root", "rsa:2048"),
        ("site", "/C=AT/ST=Tirol/L=Hall/O=Cider, Ltd./OU=A+CN=site.example", "rsa:2048"),
        ("member", "/CN=Memb\u00e9r", "ec"),
    ):
        options = ["-pkeyopt", "ec_paramgen_curve:P-256"] if bits == "ec" else []
        alone = ["-x509", "-days", "3650"] if name == "ca" else []
        run(
            "openssl",
            "req",
            *alone,
            "-newkey",
            bits,
            *options,
            "-nodes",
            "-utf8",
            "-subj",
            subject,
            "-keyout",
            f"{work}/{name}.key",
            "-out",
            f"{work}/{name}.{'pem' if alone else 'csr'}",
        )
    names = ",".join(f"DNS:n{number}.site.example" for number in range(40))
    (work / "names").write_text(f"subjectAltName={names},IP:10.77.0.2,email:a@site.example\n")
    for name in ("site", "member"):
        run(
            "openssl",
            "x509",
            "-req",
            "-in",
            f"{work}/{name}.csr",
            "-CA",
            f"{work}/ca.pem",
            "-CAkey",
            f"{work}/ca.key",
            "-CAcreateserial",
            "-days",
            "400",
            "-extfile",
            f"{work}/names",
            "-out",
            f"{work}/{name}.pem",
        )
    chain = (work / "site.pem").read_text() + (work / "ca.pem").read_text() * 6
    (work / "chain.pem").write_text(chain)


def files(work: Path, chance: random.Random) -> None:
    """What the web server has."""
    www = work / "www"
    www.mkdir()
    words = ["cider", "press", "orchard", "apple", "the", "of", "b\u00e4ume", "barrel"]
    for name, octets in (
        ("index.html", 900),
        ("page.html", 20_000),
        ("long.txt", 300_000),
        ("data.json", 5_000),
        ("style.css", 2_000),
        ("empty.txt", 0),
    ):
        text = "<html>" if name.endswith("html") else ""
        while len(text) < octets:
            text += chance.choice(words) + ("\n" if chance.random() < 0.1 else " ")
        (www / name).write_text(text)
    for name, octets in (("small.bin", 700), ("mid.bin", 90_000), ("big.bin", 12_000_000)):
        (www / name).write_bytes(chance.randbytes(octets))
    (www / "private").write_text("the cellar\n")
    (work / "users").write_text("petra:{PLAIN}Hollow-Reed\n")


def servers(work: Path) -> Iterator[tuple[str, ...]]:
    """The commands of all servers."""
    (work / "nginx.conf").write_text(NGINX.format(work=work))
    yield "nginx", "-c", f"{work}/nginx.conf"
    yield sys.executable, "-m", "benchmarks.agreement_odd", "serve"
    yield (
        "redis-server", "--save", "", "--protected-mode", "no", "--dir", str(work), "--bind",
        ADDRESS, ADDRESS_V6
    )  # fmt: skip
    records = [f"--dns-rr={name}.example,{kind},{octets}" for name, (kind, octets) in HEXES.items()]
    records += [f"--txt-record=large.example,{str(number) * 200:.200}" for number in range(30)]
    records += [
        f"--host-record=many{number % 3}.example,10.1.{number}.1,fd77::{number:x}"
        for number in range(60)
    ]
    yield (
        "dnsmasq", "-k", "-C", "/dev/null", "--no-resolv", "--no-hosts", "--pid-file",
        "--user=root", "--bind-interfaces", f"--listen-address={ADDRESS},{ADDRESS_V6}",
        "--local=/example/", "--address=/bogus.example/", "--cname=alias.example,many0.example",
        "--cname=twice.example,alias.example", "--mx-host=example,mail.example,10",
        "--mx-host=example,mail2.example,20", "--srv-host=_sip._tcp.example,sip.example,5060,1,2",
        "--ptr-record=9.0.77.10.in-addr.arpa,nine.example",
        "--naptr-record=example,10,20,u,E2U+sip,!^.*$!sip:info@example!",
        "--caa-record=example,0,issue,ca.example", "--auth-server=ns.example,eth9",
        "--auth-zone=zone.example,10.1.0.0/16", "--host-record=a.zone.example,10.1.2.3",
        '--txt-record=example,v=spf1 -all,second "quoted" string', "--log-facility=/dev/null",
        *records
    )  # fmt: skip
    for port, options in (
        (
            4431,
            [
                "-tls1_2",
                "-cipher",
                "AES128-SHA:ECDHE-RSA-CHACHA20-POLY1305",
                "-alpn",
                "h2,http/1.1",
            ],
        ),
        (4432, ["-tls1_3", "-alpn", "http/1.1", "-groups", "P-384"]),
        (4433, ["-Verify", "3", "-CAfile", f"{work}/ca.pem", "-verify_return_error"]),
    ):
        yield (
            "openssl", "s_server", "-accept", str(port), "-quiet", "-cert", f"{work}/site.pem",
            "-key", f"{work}/site.key", "-cert_chain", f"{work}/chain.pem", *options
        )  # fmt: skip


def record(capture: Path, rounds: int, only: list[str], seed: int) -> None:
    """All rounds, into one file."""
    work = Path(tempfile.mkdtemp(prefix="agreement-", dir="/tmp"))
    furnish()
    certificates(work)
    files(work, random.Random(seed))
    with ExitStack() as stack:
        for words in servers(work):
            stack.enter_context(started(HOST, *words))
        stack.enter_context(started(HOST, sys.executable, "-m", "http.server", "8765"))
        time.sleep(1.5)
        stack.enter_context(
            started(
                DESK,
                "tcpdump",
                "-i",
                "desk0",
                "-s",
                "0",
                "-B",
                "65536",
                "-w",
                str(capture),
                "-Z",
                "root",
                "ip or ip6",
            )
        )
        time.sleep(1)
        for number in range(rounds):
            trouble(number % 2 == 1)
            chances = random.Random(f"{seed}.{number}")
            with ThreadPoolExecutor(len(TALKS)) as pool:
                waits = [
                    pool.submit(TALKS[name], work, random.Random(chances.random()))
                    for name in only or TALKS
                ]
                for wait in waits:
                    wait.result()
            print(f"round {number + 1}: {capture.stat().st_size / 1e6:.0f} MB", flush=True)
        time.sleep(2)
    shutil.rmtree(work)


def main() -> int:
    """Record inside new namespaces."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("capture", type=Path)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=TALKS, default=[])
    args = parser.parse_args()
    if INSIDE not in os.environ:
        words = [
            "unshare",
            "--mount",
            "--net",
            "--pid",
            "--fork",
            "--mount-proc",
            sys.executable,
            "-m",
            "benchmarks.agreement_lab",
            *sys.argv[1:],
        ]
        return subprocess.run(words, check=False, env={**os.environ, INSIDE: "1"}).returncode
    record(args.capture, args.rounds, args.only, args.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
