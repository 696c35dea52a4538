"""The least that a capture reader in Python does: count packets and TCP 5-tuples with dpkt."""

import sys

import dpkt


def main() -> None:
    """Count the TCP flows of the file that is named."""
    flows: dict[tuple[bytes, bytes, int, int], int] = {}
    with open(sys.argv[1], "rb") as file:
        for _, octets in dpkt.pcap.Reader(file):
            ip = dpkt.ethernet.Ethernet(octets).data
            segment = getattr(ip, "data", None)
            if isinstance(segment, dpkt.tcp.TCP):
                key = (ip.src, ip.dst, segment.sport, segment.dport)
                flows[key] = flows.get(key, 0) + 1
    print(len(flows))


if __name__ == "__main__":
    main()
