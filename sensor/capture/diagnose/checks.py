"""The checkup: what each fact about the machine means for a capture, and what mends it.

Every function here judges one thing and gives one Check, or several of one interface. Texts may
hold names from outside: whoever prints them makes them harmless.
"""

from __future__ import annotations

import errno
import os
import shlex
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from sensor.capture.diagnose import facts as machine
from sensor.capture.diagnose.traffic_sample import Decode, TrafficSample, sample_traffic
from sensor.capture.live.privileges import capabilities
from sensor.config import CaptureLimits
from sensor.errors import CaptureError

OK, WARNING, PROBLEM = "ok", "warning", "problem"
MIB = 1 << 20
CONVERSATIONS_NEEDED = 5
"""TCP connections that have to be seen before anything is said about directions."""
COPIES_SHARE = 0.05
"""From this share of copies on the mirror is said to make them."""
VLANS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Remedy:
    """A way to mend it: a word, and the command if there is one."""

    word: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A finding about one thing."""

    state: str
    """`ok`; `warning`: capturing works, but; `problem`: capturing does not work."""
    subject: str
    fact: str
    """One line."""
    remedies: tuple[Remedy, ...] = ()


def check_platform() -> Check:
    if machine.has_af_packet():
        return Check(OK, "system", f"{os.uname().sysname} {os.uname().release}, packet sockets")
    return Check(
        WARNING, "system", "no packet sockets: scapy captures, a few thousand packets a second",
        (Remedy("use Linux where more comes by"),),
    )  # fmt: skip


def check_build(version: str, compiled: bool) -> Check:
    """`version` as `sensor --version` shows it."""
    if compiled:
        return Check(OK, "sensor", version)
    remedy = Remedy(
        "it runs a hundred times slower; in the folder of its sources:",
        "env -u SENSOR_PURE_PYTHON pip install --force-reinstall --no-deps .",
    )
    return Check(WARNING, "sensor", version, (remedy,))


def check_rights(interface: str, program: str, interpreter: str) -> Check:
    """Try to open a packet socket; `program` is how the sensor was called."""
    try:
        machine.open_packet_socket().close()
    except OSError as error:
        if error.errno != errno.EPERM:
            return Check(
                PROBLEM, "rights", f"no packet socket: {error.strerror}",
                (Remedy("the kernel's module for it may be missing:", "sudo modprobe af_packet"),),
            )  # fmt: skip
        name, python = shlex.quote(interface), shlex.quote(interpreter)
        return Check(PROBLEM, "rights", "no CAP_NET_RAW: the kernel refuses a packet socket", (
            Remedy("best as a service, which has this right only: docs/systemd.md"),
            Remedy("or as root; the sensor becomes somebody else once it is open:",
                   f"sudo {program} live -i {name} --user nobody"),
            Remedy("or for everybody who may run this interpreter, and every program in it:",
                   f"sudo setcap cap_net_raw+ep {python}"),
        ))  # fmt: skip
    held = len(capabilities())
    others = f" (of {held} capabilities held)" if held > 1 else ""
    return Check(OK, "rights", f"CAP_NET_RAW{others}")


def check_ring(limits: CaptureLimits, program: str) -> Check:
    """Try to get the ring from the kernel; needs the right to a packet socket."""
    size, available = limits.ring_bytes, machine.memory_available()
    shown = f"{size / MIB:g} MiB"
    if available is not None and size > available // 2:
        fact = f"a ring of {shown} is too much: {available // MIB} MiB of memory are available"
    else:
        try:
            machine.try_ring(size, limits.block_bytes)
        except OSError as error:
            fact = f"no ring of {shown}: {error.strerror}"
        else:
            return Check(OK, "ring", f"{shown} in blocks of {limits.block_bytes >> 10} KiB")
    smaller = min(size // 2, (available or size) // 4) // MIB
    remedy = Remedy("ask for less:", f"{program} live --ring-mib {max(smaller, 1)} ...")
    return Check(PROBLEM, "ring", fact, (remedy,))


def check_cpus() -> Check:
    count = machine.cpus()
    return Check(OK, "CPUs", f"{count}" + (f": up to --workers {count}" if count > 1 else ""))


def check_clock() -> Check | None:
    """None where it is not known."""
    kept = machine.clock_synchronised()
    if kept is None:
        return None
    if kept:
        return Check(OK, "clock", "kept right")
    remedy = Remedy("alerts would bear wrong times if it drifts:", "sudo timedatectl set-ntp true")
    return Check(WARNING, "clock", "nobody keeps it right, as far as the kernel knows", (remedy,))


def check_libpcap() -> Check:
    if machine.has_libpcap():
        return Check(OK, "libpcap", "there, for --bpf")
    remedy = Remedy("only --bpf needs it; on Debian:", "sudo apt install libpcap0.8")
    return Check(WARNING, "libpcap", "not found", (remedy,))


def check_unit() -> Check | None:
    """None where there is no systemd."""
    if not machine.runs_systemd():
        return None
    path = machine.unit_path()
    return Check(OK, "service", path or "no unit installed; how to: docs/systemd.md")


def check_machine(
    limits: CaptureLimits, interface: str, program: str, interpreter: str
) -> Iterator[Check]:
    """Everything that has to do with no interface in particular."""
    yield check_platform()
    if machine.has_af_packet():
        rights = check_rights(interface, program, interpreter)
        yield rights
        if rights.state == OK:
            yield check_ring(limits, program)
    yield check_cpus()
    yield check_libpcap()
    yield from (check for check in (check_clock(), check_unit()) if check is not None)


def check_briefly(name: str) -> Check:
    """One line about an interface that nobody asked about."""
    link = machine.link_of(name)
    return Check(OK, name, "gone" if link is None else _link_words(link))


def check_interface(name: str) -> Iterator[Check]:
    """Everything about one interface but its traffic."""
    link = machine.link_of(name)
    if link is None:
        there = ", ".join(found for _, found in socket.if_nameindex()) or "none"
        yield Check(PROBLEM, "link", f"there is no such interface; there are: {there}",
                    (Remedy("how they are called:", "ip -brief link"),))  # fmt: skip
        return
    yield check_link(link)
    if link.loopback:
        return
    if trouble := _check_promiscuous(name):
        yield trouble
    yield check_offloads(name, machine.offloads(name))
    if (sizes := machine.receive_ring(name)) is not None:
        yield check_card_ring(name, *sizes)
    if (drops := machine.drops(name)) is not None:
        yield check_drops(name, drops)


def _link_words(link: machine.Link) -> str:
    state = "down" if not link.up else "up" if link.running else "up, but without a carrier"
    queues = machine.receive_queues(link.name)
    words = (
        state,
        f"MTU {link.mtu}" if link.mtu is not None else "",
        f"{queues} receive queues" if queues and queues > 1 else "",
    )
    return ", ".join(filter(None, words))


def check_link(link: machine.Link) -> Check:
    words, name = _link_words(link), shlex.quote(link.name)
    if not link.up:
        remedy = Remedy("switch it on:", f"sudo ip link set dev {name} up")
        return Check(PROBLEM, "link", words, (remedy,))
    if not link.running:
        return Check(WARNING, "link", words, (Remedy("is the cable in, the switch's port on?"),))
    return Check(OK, "link", words)


def _check_promiscuous(name: str) -> Check | None:
    try:
        with machine.open_packet_socket() as packet:
            machine.watch_all(packet, name)
    except OSError as error:
        if error.errno == errno.EPERM:
            return None  # the right is missing, which was said
        return Check(WARNING, "promiscuous", f"refused: {error.strerror}; frames that are"
                     " addressed to others may be missing")  # fmt: skip
    return None


def check_offloads(name: str, found: machine.Offloads) -> Check:
    values = (("gro", found.gro), ("lro", found.lro), ("rx-vlan-offload", found.rx_vlan))
    states = ", ".join(f"{what} {'on' if on else 'off'}" for what, on in values if on is not None)
    harmful = " ".join(f"{what} off" for what, on in values[:2] if on)
    if not harmful:
        return Check(OK, "offloads", states or "none")
    remedy = Remedy(
        "several packets arrive as one: verdicts stay right, packet counts do not:",
        f"sudo ethtool -K {shlex.quote(name)} {harmful}",
    )
    return Check(WARNING, "offloads", states, (remedy,))


def check_card_ring(name: str, now: int, most: int) -> Check:
    if now >= most:
        return Check(OK, "card", f"room for {now} frames, all that it has")
    remedy = Remedy("room for longer bursts:", f"sudo ethtool -G {shlex.quote(name)} rx {most}")
    return Check(WARNING, "card", f"room for {now} frames of {most} possible", (remedy,))


def check_drops(name: str, drops: machine.Drops) -> Check:
    if not drops.dropped and not drops.overruns:
        return Check(OK, "losses", "none since the interface exists")
    remedy = Remedy(
        "before any capture; frames that nobody wanted count too. Does it grow?",
        f"ip -s -s link show dev {shlex.quote(name)}",
    )
    fact = f"{drops.dropped:,} frames dropped, {drops.overruns:,} overruns"
    return Check(WARNING, "losses", fact, (remedy,))


def check_traffic(name: str, seconds: float, program: str, decode: Decode) -> Iterator[Check]:
    """Judge what comes by for a moment; nothing without the right to, which has its own check."""
    link = machine.link_of(name)
    if link is None or not link.up:
        return
    try:
        sample = sample_traffic(name, link.mtu or 1500, seconds, decode)
    except CaptureError as error:
        if not isinstance(error.__cause__, PermissionError):
            yield Check(WARNING, "traffic", f"cannot be looked at: {error.reason}")
        return
    yield from judge(sample, name, program)


def judge(sample: TrafficSample, name: str, program: str) -> Iterator[Check]:
    """Judge a sample of the traffic."""
    if not sample.frames:
        longer = max(30, round(sample.seconds * 10))
        yield Check(WARNING, "traffic", f"not one frame in {sample.seconds:.1f} s", (
            Remedy("is the mirror session set up, the cable in the right port? To look longer:",
                   f"{program} doctor -i {shlex.quote(name)} --listen {longer}"),
        ))  # fmt: skip
        return
    traffic = sample.traffic
    rate = sample.frames / sample.seconds
    yield Check(OK, "traffic", f"{rate:,.0f} frames/s" if rate >= 10 else f"{rate:.1f} frames/s")
    yield from _judge_directions(traffic.both_ways, traffic.one_way)
    if traffic.vlans:
        shown = sorted(traffic.vlans)[:VLANS_SHOWN]
        more = len(traffic.vlans) - len(shown)
        yield Check(OK, "VLANs", ", ".join(map(str, shown)) + (f" and {more} more" if more else ""))
    frames = max(traffic.frames, 1)
    if traffic.copies / frames >= COPIES_SHARE:
        yield Check(WARNING, "copies", f"{traffic.copies / frames:.0%} of the frames come twice", (
            Remedy("they count once, but cost work: mirror each port or VLAN once"),
        ))  # fmt: skip
    if traffic.large:
        yield Check(OK, "large frames", f"{traffic.large / frames:.0%} are larger than the MTU:"
                    " put together by an offload, here or at a sender on this machine")  # fmt: skip


def _judge_directions(both_ways: int, one_way: int) -> Iterator[Check]:
    known = both_ways + one_way
    if known < CONVERSATIONS_NEEDED:
        if known:
            yield Check(OK, "directions", f"{known} TCP connections: too few to tell")
    elif one_way > both_ways:
        yield Check(WARNING, "directions", f"of {one_way} in {known} TCP connections one side only"
                    " is heard", (
            Remedy("verdicts need both: mirror what the port sends and what it receives, and both"
                   " ways of a redundant path"),
        ))  # fmt: skip
    else:
        yield Check(OK, "directions", f"both sides of {both_ways} in {known} TCP connections")
