"""Attempts to reach a network, or a service by its socket."""

import contextlib
import fcntl
import socket
import struct

from tests.system.escapes.trying import SECONDS, Attempt, call, number, text


def dial(host: str, port: int, kind: int = socket.SOCK_STREAM) -> object:
    """Connect, and for datagrams send one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as outgoing:
        outgoing.settimeout(SECONDS)
        outgoing.connect((host, port))
        if kind == socket.SOCK_DGRAM:
            outgoing.send(b"escaped")
            return "sent"
        return outgoing.recv(64) or "connected"


def raw_socket(family: int, protocol: int) -> object:
    """Make a raw socket."""
    with socket.socket(family, socket.SOCK_RAW, protocol):
        return "made"


def ping_socket() -> object:
    """Send an echo request by the socket that needs no privilege."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as pings:
        return pings.sendto(struct.pack("!BBHHH", 8, 0, 0, 1, 1), ("1.1.1.1", 0))


def multicast() -> object:
    """Send to everybody on the network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outgoing:
        outgoing.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        return outgoing.sendto(b"escaped", ("255.255.255.255", 9))


def resolve() -> object:
    """Ask a name server."""
    return socket.getaddrinfo("example.com", 443)


def unix_socket(path: str, kind: int = socket.SOCK_STREAM) -> object:
    """Connect to a service of this machine."""
    with socket.socket(socket.AF_UNIX, kind) as outgoing:
        outgoing.settimeout(SECONDS)
        outgoing.connect(path)
        return "connected"


def paired_datagram() -> object:
    """Send to a path by one of two sockets that were made as a pair."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        ours.connect(text("datagrams"))
        return ours.send(b"escaped")


def paired_stream() -> object:
    """Connect one end of a pair of streams to a path."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.close()
        ours.connect(text("service"))
        return "connected"


def family(kind: int) -> object:
    """Make a socket of another family."""
    with socket.socket(kind, socket.SOCK_STREAM):
        return "made"


def any_family() -> object:
    """Make a socket of any family but the Internet's and that of interfaces."""
    made = []
    for kind in {*range(64)} - {socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK}:
        for form in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
            with contextlib.suppress(OSError), socket.socket(kind, form):
                made.append((kind, form))
    return made or None


def other_netlink() -> object:
    """Speak with a part of the kernel that is not about interfaces."""
    made = []
    for protocol in range(1, 32):
        with contextlib.suppress(OSError), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol):
            made.append(protocol)
    return made or None


def new_link() -> object:
    """Make an interface, by the netlink socket that there is."""
    kind = struct.pack("HH", 8 + 4, 18) + struct.pack("HH", 8, 1) + b"veth"  # IFLA_LINKINFO, IFLA_INFO_KIND
    body = struct.pack("BxHiII", 0, 0, 0, 0, 0) + kind
    head = struct.pack("IHHII", 16 + len(body), 16, 0x605, 1, 0)  # RTM_NEWLINK: create, and answer
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as routes:
        routes.settimeout(SECONDS)
        routes.sendto(head + body, (0, 0))
        answer = routes.recv(4096)
    return None if struct.unpack_from("i", answer, 16)[0] < 0 else "made"


def paired_packets() -> object:
    """Connect one end of a pair of packet sockets to a path."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        theirs.close()
        ours.connect(text("service"))
        return "connected"


def garbled_family() -> object:
    """Make a socket of a path, with something in the half of the word that the kernel does not look at."""
    return call("socket", (1 << 32) + socket.AF_UNIX, socket.SOCK_STREAM, 0)


def new_interface() -> object:
    """Take the loopback interface down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        return fcntl.ioctl(control, 0x8914, struct.pack("16sH14x", b"lo", 0))


ATTEMPTS: dict[str, Attempt] = {
    "direct address": lambda: dial("1.1.1.1", 443),
    "direct address of this machine": lambda: dial(text("address"), number("port")),
    "loopback of this machine": lambda: dial("127.0.0.1", number("port")),
    "IPv6": lambda: dial("2606:4700:4700::1111", 443),
    "IPv6 loopback of this machine": lambda: dial("::1", number("port")),
    "mapped IPv4": lambda: dial(f"::ffff:{text('address')}", number("port")),
    "UDP": lambda: dial("1.1.1.1", 53, socket.SOCK_DGRAM),
    "broadcast": multicast,
    "metadata directly": lambda: dial("169.254.169.254", 80),
    "DNS": resolve,
    "raw IPv4": lambda: raw_socket(socket.AF_INET, socket.IPPROTO_RAW),
    "raw IPv6": lambda: raw_socket(socket.AF_INET6, socket.IPPROTO_ICMPV6),
    "packet socket": lambda: raw_socket(socket.AF_PACKET, socket.htons(3)),
    "ICMP": ping_socket,
    "abstract socket": lambda: unix_socket("\0" + text("abstract")),
    "socket of a service": lambda: unix_socket(text("service")),
    "datagram to a service": lambda: unix_socket(text("datagrams"), socket.SOCK_DGRAM),
    "datagram by a pair": paired_datagram,
    "stream by a pair": paired_stream,
    "virtual machine's socket": lambda: family(40),
    "kernel's cryptography": lambda: family(38),
    "garbled family": garbled_family,
    "any family": any_family,
    "netlink of another part of the kernel": other_netlink,
    "new interface": new_link,
    "packets by a pair": paired_packets,
    "system bus": lambda: unix_socket("/run/dbus/system_bus_socket"),
    "systemd": lambda: unix_socket("/run/systemd/private"),
    "docker": lambda: unix_socket("/run/docker.sock"),
    "interface": new_interface,
}
