"""Record what rules on protocols are tried on: `record_rules.py OUTDIR`, as root.

Debian's programs talk in two network namespaces, `desk` inside and `orchard` outside, joined by a
cable that tcpdump listens on. Each conversation has a client's port of its own, which stands here
and in tests/data/protocol_rules.toml, where it is said which rules fire on it. Attacks have only
the form of such: no text does anything. Times, numbers and the certificates are those of the day.
`conversations.pcap` has whole frames, `flows.pcap` the first 160 octets of those whose payload no
rule asks for.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from record_lab import DESK, HOST, recording, run, start_inside, started, within

INSIDE, INSIDE_SERVER = "10.77.0.1", "10.77.0.2"
OUTSIDE, VISITOR, NAME_SERVER, LISTED = "20.30.40.50", "20.30.40.60", "20.30.40.53", "20.30.40.99"
METADATA = "169.254.169.254"
SWEPT, SCANNED = "10.78.0.0/24", "10.78.1.1"
FLOW_PORTS = (23, 26, 135, 445, 3389, 5801)
FLOWS = " or ".join([f"host {NAME_SERVER}", "net 10.78.0.0/16", "port 4500",
                     *(f"tcp port {port}" for port in FLOW_PORTS)])  # fmt: skip
WORK = Path("/mnt")
NGINX = """
user root; daemon off; pid /mnt/{name}.pid; error_log /dev/null; worker_processes 1;
events {{ }}
http {{
  access_log off; client_body_temp_path /mnt/{name}; proxy_temp_path /mnt/{name};
  fastcgi_temp_path /mnt/{name}; uwsgi_temp_path /mnt/{name}; scgi_temp_path /mnt/{name};
  default_type text/plain; absolute_redirect off;
  server {{
    listen 80; listen 8081; {flow_ports}
    location / {{ return 200 "a page\\n"; }}
    location /action {{ return 500 "0:{{}}\\n1:E{{\\"digest\\":\\"4711\\"}}\\n"; }}
    location /refused {{ return 403 "no\\n"; }}
    location ~ /recovery/restore$ {{ return 400 "cannot\\n"; }}
  }}
  server {{
    listen 9200; listen 9201;
    location / {{ default_type application/json; return 200 '{{"cluster_name":"cider"}}'; }}
    location /favicon.ico {{ default_type image/x-icon; return 200 "icon"; }}
    location /refused {{ return 403 "no\\n"; }}
  }}
  server {{ listen 2086; location / {{ return 307 /cpsess0123456789/; }} }}
  server {{ listen 2082; location / {{ return 307 /login; }} }}
}}
"""


@contextmanager
def serving(name: str, port: int, *words: str) -> Iterator[None]:
    """A server in a namespace, from when its port takes connections."""
    with started(within(name, *words)):
        for _ in range(200):
            probe = within(name, "ss", "-Hltn", f"sport = :{port}")
            if subprocess.run(probe, capture_output=True, check=True).stdout:
                break
            time.sleep(0.05)
        else:
            raise AssertionError(f"nothing listens: {words}")
        yield


def furnish() -> None:
    """The cable, with all addresses on its two ends."""
    run("mount", "--make-rprivate", "/")
    for folder in ("/mnt", "/run"):
        run("mount", "-t", "tmpfs", "tmpfs", folder)
    ends = ((DESK, "desk0", (f"{INSIDE}/24",)),
            (HOST, "press0", (f"{INSIDE_SERVER}/24", *(f"{address}/32" for address in (
                OUTSIDE, VISITOR, NAME_SERVER, LISTED, METADATA)))))
    for name, _, _ in ends:
        run("ip", "netns", "add", name)
    run("ip", "link", "add", "press0", "address", "02:00:0a:4d:00:02", "netns", HOST, "type",
        "veth", "peer", "name", "desk0", "address", "02:00:0a:4d:00:01", "netns",
        DESK)  # fmt: skip
    for name, link, addresses in ends:
        for words in (
            ("sysctl", "-q", "-w", "net.ipv6.conf.all.disable_ipv6=1"),
            ("sysctl", "-q", "-w", "net.ipv4.ping_group_range=0 0"),
            ("ethtool", "-K", link, "tx", "off", "tso", "off", "gso", "off", "gro", "off"),
            *(("ip", "address", "add", address, "dev", link) for address in addresses),
            ("ip", "link", "set", link, "up"), ("ip", "link", "set", "lo", "up"),
        ):
            run(*within(name, *words))
    run(*within(DESK, "ip", "route", "add", "default", "via", INSIDE_SERVER))
    for place in (SWEPT, f"{SCANNED}/32"):
        run(*within(HOST, "ip", "route", "add", "local", place, "dev", "lo"))


def from_port(name: str, port: int, *words: str, given: str | None = None) -> None:
    """Run a client whose connection comes from this port; how it ends does not matter."""
    run(*within(name, "sysctl", "-q", "-w", f"net.ipv4.ip_local_port_range={port} {port}"))
    subprocess.run(within(name, *words), check=False, input=given, text=True, timeout=20,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip


def curl(port: int, url: str, *options: str, name: str = DESK) -> None:
    """A request from inside, or by the visitor from outside."""
    source = ("--interface", VISITOR) if name == HOST and "//10." in url else ()
    from_port(name, port, "curl", "-s", "-m", "10", *source, *options, url)


def downloads() -> None:
    """Files by their names; the same without the name, and from inside."""
    curl(41_001, f"http://{OUTSIDE}/tools/x.ps1", "-H", "Host: files.example")
    curl(41_002, f"http://{OUTSIDE}/y.rar")
    curl(41_003, f"http://{OUTSIDE}/z.txt?like=x.ps1")
    curl(41_004, f"http://{INSIDE_SERVER}/x.ps1")
    curl(41_005, f"http://{OUTSIDE}/old", "--http1.0")
    curl(41_006, f"http://{OUTSIDE}/old", "--http1.0")
    curl(41_007, f"http://{LISTED}/index.html")


def metadata() -> None:
    """What a cloud's machine asks its metadata service, and a web server asked to ask it."""
    path = "/latest/meta-data/iam/security-credentials/role"
    curl(41_011, f"http://{METADATA}{path}")
    curl(41_012, f"http://{METADATA}{path}", "-A", "agent of the cloud/1.0")
    curl(41_013, f"http://{METADATA}{path}", "-X", "PUT")
    curl(41_014, f"http://{METADATA}/hostname")
    curl(41_015, f"http://{METADATA}:8081{path}")
    curl(41_016, f"http://{INSIDE}/fetch?url=http://169.254.169.254/hostname", name=HOST)
    curl(41_017, f"http://{INSIDE}/fetch?url=http://192.0.2.1/hostname", name=HOST)


def panels() -> None:
    """A panel that lets in with a session in Location; an index that asks nobody who he is."""
    basic = ("-H", "Authorization: Basic cm9vdDp4")
    curl(41_021, f"http://{INSIDE}:2086/", *basic, name=HOST)
    curl(41_022, f"http://{INSIDE}:2086/", name=HOST)
    curl(41_023, f"http://{INSIDE}:2086/", "-H", "Authorization: Bearer eA", name=HOST)
    curl(41_024, f"http://{INSIDE}:2082/", *basic, name=HOST)
    curl(41_025, f"http://{INSIDE}:2086/", *basic, "-d", "a=b", name=HOST)
    curl(41_026, f"http://{INSIDE}:2086/other", *basic, name=HOST)
    curl(41_027, f"http://{INSIDE}/", *basic, name=HOST)
    curl(41_031, f"http://{INSIDE}:9200/_cat/indices", name=HOST)
    curl(41_032, f"http://{INSIDE}:9200/_cat/indices", *basic, name=HOST)
    curl(41_033, f"http://{INSIDE}:9200/favicon.ico", name=HOST)
    curl(41_034, f"http://{INSIDE}:9200/refused", name=HOST)
    curl(41_035, f"http://{INSIDE}:9201/_cat/indices", name=HOST)
    curl(41_036, f"http://{OUTSIDE}:9200/_cat/indices")


def posts() -> None:
    """Bodies in the form of exploits of server components and of a recovery service."""
    reference = '{"then":"$1:__proto__:then","of":"no one"}'
    code = "a text that says child_process and then .execSync( to nobody"
    curl(41_041, f"http://{INSIDE}/action", "-d", reference, name=HOST)
    curl(41_042, f"http://{INSIDE}/page", "-d", reference, name=HOST)
    curl(41_043, f"http://{INSIDE}/action", "-d", '{"of":"$1:plain:words"}', name=HOST)
    curl(41_044, f"http://{INSIDE}/page", "-d", '{"of":"$1:plain:words"}', name=HOST)
    curl(41_045, f"http://{INSIDE}/action", "-X", "PUT", "-d", reference, name=HOST)
    curl(41_046, f"http://{INSIDE}/refused", "-d", code, name=HOST)
    curl(41_047, f"http://{INSIDE}/page", "-d", code, name=HOST)
    curl(41_048, f"http://{INSIDE}/refused", "-d", "a text of no meaning", name=HOST)
    recovery = f"http://{INSIDE}/en/splunkd/__raw/v1/postgres/recovery"
    file = '{"database":"main","backupFile":"/var/tmp/none"}'
    curl(41_051, f"{recovery}/backup", "-d", file, name=HOST)
    curl(41_052, f"{recovery}/restore", "-d", '{"backupFile":"main.dump"}', name=HOST)
    curl(41_053, f"{recovery}/backup", "-d", '{"backupFile":"main.dump"}', name=HOST)
    curl(41_054, f"http://{INSIDE}/other/recovery", "-d", file, name=HOST)
    curl(41_055, f"{recovery}/backup", "-X", "PUT", "-d", file, name=HOST)


def tool_panes() -> None:
    """Requests to a server that calls itself IIS, signed out a moment ago."""
    signed_out = ("-e", "/_layouts/SignOut.aspx")
    pane = f"http://{INSIDE}:8080/_layouts/15/ToolPane.aspx?DisplayMode=Edit"
    long = "MSOTlPn_Uri=none&filler=" + "x" * 2000
    state = "__VIEWSTATE=" + "y" * 500
    curl(41_061, pane, *signed_out, "-d", long, name=HOST)
    curl(41_062, pane, *signed_out, "-d", long[:1000], name=HOST)
    curl(41_063, pane, "-d", long, name=HOST)
    curl(41_064, pane.replace("ToolPane", "Other"), *signed_out, "-d", long, name=HOST)
    curl(41_065, pane, *signed_out, "-d", long.replace("_Uri", ""), name=HOST)
    curl(41_071, f"http://{INSIDE}:8080/a", *signed_out, "-d", state, name=HOST)
    curl(41_072, f"http://{INSIDE}:8080/a", *signed_out, "-d", state[:400], name=HOST)
    curl(41_073, f"http://{INSIDE}/a", *signed_out, "-d", state, name=HOST)
    curl(41_074, f"http://{INSIDE}:8080/a", *signed_out, "-d", state.lower(), name=HOST)
    curl(41_075, f"http://{OUTSIDE}:8080/a", *signed_out, "-d", state)


def redis() -> None:
    """Commands that would leave something behind, and such that only look like them."""
    for number, words in enumerate((
        ("EVAL", "return string.rep('a', 3) .. collectgarbage('count')", "0"),
        ("EVAL", "return string.rep('a', 3)", "0"),
        ("CONFIG", "SET", "dir", "/var/spool/cron"),
        ("CONFIG", "SET", "dir", "/mnt"),
        ("SET", "note", "/var/spool/cron"),
        ("CONFIG", "SET", "dir", "/var/lib/redis/.ssh"),
        ("CONFIG", "SET", "dbfilename", "authorized_keys"),
        ("CONFIG", "SET", "dbfilename", "dump.rdb"),
        ("CONFIG", "GET", "dir"),
    )):
        from_port(HOST, 41_081 + number, "redis-cli", "-h", INSIDE, *words)


def tls() -> None:
    """Old versions and bare ciphers; the same from inside, again, refused, and better ones."""
    for port, server, *options in (
        (41_101, f"{OUTSIDE}:443", "-tls1", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"),
        (41_102, f"{OUTSIDE}:443", "-tls1_1", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"),
        (41_103, f"{OUTSIDE}:443", "-tls1_2", "-cipher", "ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0"),
        (41_104, f"{OUTSIDE}:443", "-tls1", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"),
        (41_105, f"{INSIDE_SERVER}:443", "-tls1", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"),
        (41_106, f"{OUTSIDE}:8443", "-tls1", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"),
        (41_107, f"{OUTSIDE}:8443", "-tls1_2"),
        (41_108, f"{OUTSIDE}:8443", "-tls1_3"),
        (41_109, f"{LISTED}:443", "-tls1_2", "-cipher", "ADH-AES128-SHA256:@SECLEVEL=0"),
        (41_110, f"{OUTSIDE}:443", "-tls1_2", "-servername", "cider.example"),
    ):
        from_port(DESK, int(port), "openssl", "s_client", "-connect", server, *options, given="Q\n")


def names() -> None:
    """Names asked for; the large answers go on one connection."""
    from_port(DESK, 41_121, "dig", "-b", f"{INSIDE}#41121", f"@{NAME_SERVER}", "small.example",
              "A", "+tries=1")  # fmt: skip
    large = ["large.example", "TXT", "+tcp", "+keepopen", "+bufsize=4096"]
    from_port(DESK, 41_122, "dig", f"@{NAME_SERVER}", *(word for _ in range(5) for word in large))
    from_port(DESK, 41_123, "dig", f"@{NAME_SERVER}", *large)


def icmp() -> None:
    """ping outward and inward; requests for time and a redirect, which scapy makes."""
    for address, octets in ((OUTSIDE, 300), (LISTED, 56), (INSIDE_SERVER, 300)):
        from_port(DESK, 41_000, "ping", "-c", "1", "-s", str(octets), address)
    for name, source, target, kind in (
        (HOST, VISITOR, INSIDE, "13"), (HOST, LISTED, INSIDE, "15"),
        (HOST, INSIDE_SERVER, INSIDE, "13"), (HOST, OUTSIDE, INSIDE, "17"),
        (DESK, INSIDE, INSIDE_SERVER, "5"), (HOST, VISITOR, INSIDE, "5"),
    ):
        run(*within(name, sys.executable, __file__, "icmp", source, target, kind))


def plain_flows() -> None:
    """Connections whose ports alone tell something, outward, inward and among ourselves."""
    for number, port in enumerate((135, 445, 3389, 5801, 26)):
        curl(41_131 + number, f"http://{OUTSIDE}:{port}/")
        curl(41_141 + number, f"http://{INSIDE}:{port}/", name=HOST)
        curl(41_151 + number, f"http://{INSIDE_SERVER}:{port}/")
    curl(41_161, f"http://{OUTSIDE}:23/")
    for port, words in ((41_162, ("tcp", OUTSIDE, "23")), (4500, ("udp", OUTSIDE, "4500")),
                        (41_163, ("udp", OUTSIDE, "4500"))):
        run(*within(DESK, sys.executable, __file__, "connect", str(port), *words))
    run(*within(DESK, sys.executable, __file__, "scan"))


def connect(port: int, kind: str, address: str, server_port: int) -> None:
    """A connection that says nothing, or the datagram that keeps NAT open (RFC 3948 2.3)."""
    with socket.socket(type=socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as one:
        one.bind((INSIDE, port))
        one.connect((address, server_port))
        if kind == "udp":
            one.send(b"\xff")
        time.sleep(0.1)


def scan() -> None:
    """255 ports of one machine and port 22 of 105 machines, all closed."""
    targets = [(SCANNED, 20_000 + number) for number in range(255)]
    targets += [(f"10.78.0.{number}", 22) for number in range(1, 106)]
    for number, target in enumerate(targets):
        with socket.socket() as one:
            one.bind((INSIDE, 42_000 + number))
            assert one.connect_ex(target)


def send_icmp(source: str, target: str, kind: int) -> None:
    """One ICMP message; a redirect quotes a datagram of the target."""
    from scapy.layers.inet import ICMP, IP, UDP  # noqa: PLC0415  only this process needs it
    from scapy.sendrecv import send  # noqa: PLC0415

    message = IP(src=source, dst=target) / ICMP(type=kind, id=7)
    if kind == 5:
        message = IP(src=source, dst=target) / ICMP(type=5, code=1, gw=source) / (
            IP(src=target, dst="20.30.40.77") / UDP(sport=5353, dport=9))
    send(message, verbose=False)


class Signed(BaseHTTPRequestHandler):
    """A web server that calls itself IIS, and writes no log."""

    server_version, sys_version = "Microsoft-IIS/10.0", ""

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

    def do_POST(self) -> None:
        """Take the body, say that all is well."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


def certificates() -> None:
    """The listed certificate, whose hash the rule's text must be given, and another one."""
    for name in ("listed", "other"):
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "3650", "-subj", f"/CN={name}.example", "-keyout",
            str(WORK / f"{name}.key"), "-out", str(WORK / f"{name}.pem"))  # fmt: skip
        subprocess.run(["openssl", "x509", "-in", WORK / f"{name}.pem", "-noout", "-fingerprint",
                        "-sha256"], check=True)  # fmt: skip


def servers() -> Iterator[tuple[str, int, list[str]]]:
    """All servers: where, a port that shows that they are there, the command."""
    flow_ports = " ".join(f"listen {port};" for port in FLOW_PORTS)
    for name in (DESK, HOST):
        (WORK / name).mkdir()
        path = WORK / f"{name}.conf"
        path.write_text(NGINX.format(name=name, flow_ports=flow_ports))
        yield name, 80, ["nginx", "-c", str(path)]
        yield name, 8080, [sys.executable, __file__, "iis"]
    yield DESK, 6379, ["redis-server", "--save", "", "--protected-mode", "no", "--dir", "/mnt",
                      "--enable-protected-configs", "yes"]
    for port, name, versions in ((443, "listed", ("-min_protocol", "TLSv1", "-cipher",
                                                  "ALL:COMPLEMENTOFALL:@SECLEVEL=0")),
                                 (8443, "other", ())):
        yield HOST, port, ["openssl", "s_server", "-accept", str(port), "-quiet", "-cert",
                           str(WORK / f"{name}.pem"), "-key", str(WORK / f"{name}.key"), *versions]
    texts = [f"--txt-record=large.example,{str(number) * 250:.250}" for number in range(60)]
    yield HOST, 53, ["dnsmasq", "-k", "-C", "/dev/null", "--no-resolv", "--no-hosts", "--pid-file",
                     "--user=root", "--bind-interfaces", f"--listen-address={NAME_SERVER}",
                     "--address=/small.example/20.30.40.9", *texts]


def record(folder: Path) -> None:
    """Everything, into two files."""
    furnish()
    certificates()
    with ExitStack() as stack:
        for name, port, words in servers():
            stack.enter_context(serving(name, port, *words))
        end = DESK, "desk0"
        stack.enter_context(recording(
            folder / "conversations.pcap", f"ip and not ({FLOWS})", end=end))
        stack.enter_context(recording(
            folder / "flows.pcap", f"ip and ({FLOWS})", end=end, octets=160))
        for talk in (downloads, metadata, panels, posts, tool_panes, redis, tls, names, icmp,
                     plain_flows):
            talk()


def main() -> int:
    """Record inside new namespaces; the processes that are begun there come here too."""
    match sys.argv[1:]:
        case ["icmp", source, target, kind]:
            send_icmp(source, target, int(kind))
        case ["connect", port, kind, address, server_port]:
            connect(int(port), kind, address, int(server_port))
        case ["scan"]:
            scan()
        case ["iis"]:
            HTTPServer(("", 8080), Signed).serve_forever()
        case [folder] if os.environ.get("RECORD_INSIDE"):
            record(Path(folder))
        case [folder]:
            Path(folder).mkdir(parents=True, exist_ok=True)
            return start_inside(__file__, [str(Path(folder).resolve())])
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
