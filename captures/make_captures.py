"""Write the captures of this folder: `python captures/make_captures.py [OUTDIR]`.

The same octets on every run; a test compares them with the files in the repository.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from formats import ETHERNET, PPP_SERIAL, RADIOTAP, RAW, SLL2, Owner, Pcap, Pcapng
from malformed import malformed
from mixed import background, demo
from scans import busy_server, network_sweep, port_scan
from telnet_captures import STORIES
from traffic import Traffic
from tunnel_captures import TUNNELS

CAPTURES: dict[str, Callable[[Traffic], None]] = {
    **STORIES,
    **TUNNELS,
    "malformed": malformed,
    "background": background,
    "demo": demo,
    "port_scan": port_scan,
    "network_sweep": network_sweep,
    "busy_server": busy_server,
}
PTCPDUMP = (
    Owner(50580, 4711, "telnet", "Args: telnet 185.199.110.153\nParentPID: 4690\n"
          "ParentCmd: /usr/bin/bash\nUserId: 1000\nGroupId: 1000\n"),
    Owner(50582, 4712, "telnet", "Args: telnet 192.168.1.50\nParentPID: 4690\n"
          "ParentCmd: /usr/bin/bash\nUserId: 1000\nGroupId: 1000\nContainerId: 3f1c9a\n"
          "ContainerName: toolbox\nContainerImage: debian:12\nPodName: toolbox-0\n"
          "PodNamespace: ops\nPodUID: 6d5c\n"),
    Owner(50584, 612, "monitord", "Args: monitord --forever\nParentPID: 1\nUserId: 997\n"),
)  # fmt: skip
PKTAP = (Owner(50590, 8123, "Terminal"), Owner(50592, 8140, "telnet"))
LINKS = {"telnet_backscatter": RAW, "telnet_midstream": SLL2,
         "telnet_ppp": PPP_SERIAL, "telnet_wireless": RADIOTAP}
FORMATS: dict[str, Pcap | Pcapng] = {
    "telnet_accepted_v6": Pcap(nano=True),
    "telnet_vlan": Pcap(order=">"),
    "telnet_qinq": Pcap(order=">", nano=True),
    "telnet_half_open_scan": Pcap(nano=True),
    "telnet_internal": Pcapng(("eth0", "eth1"), (6, 9)),
    "telnet_external": Pcapng(("uplink",), (9,)),
    "telnet_ptcpdump": Pcapng(("eth0",), (9,), PTCPDUMP),
    "telnet_pktap": Pcapng(("en0",), (6,), PKTAP, pktap=True),
}
AS_RECORDED = {"telnet_time_backwards"}
"""Captures whose frames are not in order of time, on purpose."""


def write_capture(name: str, folder: Path) -> Path:
    """Write one capture into the folder."""
    traffic = Traffic(name, LINKS.get(name, ETHERNET))
    CAPTURES[name](traffic)
    form = FORMATS.get(name, Pcap())
    path = folder / f"{name}.{'pcapng' if isinstance(form, Pcapng) else 'pcap'}"
    frames = traffic.frames if name in AS_RECORDED else traffic.in_order()
    form.write(path, traffic.link, frames)
    return path


def main() -> None:
    """Write every capture, beside this script unless another folder is named."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    for name in CAPTURES:
        print(write_capture(name, folder))


if __name__ == "__main__":
    main()
