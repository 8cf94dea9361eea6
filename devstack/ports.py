"""The stack's ports, taken before anything else; one error names all that are in use."""

import errno
import ipaddress
import socket
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

_ANY, _IPV6 = {"0.0.0.0", "::"}, 6  # noqa: S104 — as was asked
_STEPS = range(10, 1000, 10)  # how far from its usual place a free port is looked for


@dataclass(frozen=True, kw_only=True)
class Port:
    """One port of the stack, by its setting; only tried where another process will listen on it."""

    setting: str
    hosts: Sequence[str]
    number: int
    bound_here: bool = True


class PortError(Exception):
    """Nothing can listen there; the message names all such ports and their settings."""

    def __init__(self, troubles: Collection[tuple[Port, OSError]], command: str) -> None:
        lines = dict.fromkeys(f"\n  {_describe(port, exc)}" for port, exc in troubles)
        others = [f"{port.setting}={free_beside(port)}" for port, exc in troubles if _taken(exc)]
        advice = (
            f"\nStop what uses them, or choose others, in .env or like this:\n  {' '.join(others)}"
        )
        super().__init__(
            f"it cannot listen everywhere:{''.join(lines)}{f'{advice} {command}' if others else ''}"
        )


def take(wanted: Iterable[Port], command: str) -> list[socket.socket]:
    """Listen on every port that is `bound_here`; raise `PortError` for all that cannot be had.

    `command` is what the user types, for the line to copy.
    """
    opened: list[socket.socket] = []
    tried: list[socket.socket] = []
    troubles: list[tuple[Port, OSError]] = []
    for port in wanted:
        try:
            (opened if port.bound_here else tried).extend(listen(port.hosts, port.number))
        except OSError as exc:
            troubles.append((port, exc))
    _close(tried)
    if troubles:
        _close(opened)
        raise PortError(troubles, command)
    return opened


def listen(hosts: Iterable[str], port: int) -> list[socket.socket]:
    """Listen at every address that the names have on this machine; raise `OSError`."""
    sockets: list[socket.socket] = []
    try:
        for family, address in _addresses(hosts, port):
            if opened := _open(family, address):
                sockets.append(opened)
    except OSError:
        _close(sockets)
        raise
    if not sockets:
        raise OSError(errno.EADDRNOTAVAIL, "no address of this machine")
    return sockets


def free_beside(port: Port) -> int:
    """Return a port near by that is free now, or the same where none is found."""
    for step in _STEPS:
        number = port.number + step
        if number >= 2**16:
            break
        with suppress(OSError):
            _close(listen(port.hosts, number))
            return number
    return port.number


def _taken(exc: OSError) -> bool:
    return exc.errno in {errno.EADDRINUSE, errno.EACCES} and not isinstance(exc, socket.gaierror)


def _describe(port: Port, exc: OSError) -> str:
    if not _taken(exc):
        host = "API_HOST" if port.setting == "API_PORT" else "AWS_HOST"
        return f"{host}={','.join(port.hosts)}: not a name or address of this machine"
    if exc.errno == errno.EADDRINUSE:
        return f"port {port.number} is taken, perhaps by another `make run` ({port.setting})"
    return f"port {port.number} cannot be used: {exc.strerror} ({port.setting})"


def _close(sockets: Iterable[socket.socket]) -> None:
    for one in sockets:
        one.close()


type _Address = tuple[socket.AddressFamily, tuple[str, int]]


def _addresses(hosts: Iterable[str], port: int) -> list[_Address]:
    # Not every hosts file gives `localhost` its IPv6 address, which many clients try first.
    names = set(hosts)
    names |= {"::1"} if "localhost" in names else set()
    found = {address for name in names for address in _resolved(name, port)}
    everywhere = {family for family, (host, _) in found if host in _ANY}
    return sorted(a for a in found if a[0] not in everywhere or a[1][0] in _ANY)


def _resolved(host: str, port: int) -> list[_Address]:
    """Return the addresses of a name; an address is its own, without a look-up."""
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [(family, (str(address[0]), port)) for family, _, _, _, address in found]
    return [(socket.AF_INET6 if version == _IPV6 else socket.AF_INET, (host, port))]


def _open(family: socket.AddressFamily, address: tuple[str, int]) -> socket.socket | None:
    try:
        opened = socket.socket(family, socket.SOCK_STREAM)
    except OSError:  # a kernel without IPv6
        return None
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind(address)
        opened.listen(128)
    except OSError as exc:
        opened.close()
        if exc.errno == errno.EADDRNOTAVAIL:
            return None  # a name of an address that this machine has not, ::1 in most containers
        raise
    return opened
