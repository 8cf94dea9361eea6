"""The stack's ports, taken before anything else: one in use is said at once, by its setting."""

import errno
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class PortError(Exception):
    """Nothing can listen there; the message names the port and the setting."""

    def __init__(self, port: int, setting: str, exc: OSError) -> None:
        trouble = f"port {port} cannot be used ({exc.strerror})"
        if exc.errno == errno.EADDRINUSE:
            trouble = f"port {port} is taken: stop what uses it (another `make run`?)"
        super().__init__(
            f"{trouble}, or choose another with {setting}=… in .env or the environment"
        )


def listen(hosts: Iterable[str], port: int, setting: str) -> list[socket.socket]:
    """Listen at every address that the names have on this machine; raise `PortError`."""
    sockets = []
    try:
        for family, address in _addresses(hosts, port):
            if opened := _open(family, address):
                sockets.append(opened)
    except OSError as exc:
        for opened in sockets:
            opened.close()
        raise PortError(port, setting, exc) from None
    return sockets


def check_free(port: int, setting: str) -> None:
    """Raise `PortError` unless a process that is started now can listen on `port`."""
    for held in listen(["127.0.0.1"], port, setting):
        held.close()


@contextmanager
def free_ports(count: int) -> Iterator[list[int]]:
    """Ports that nobody uses, held while the block runs: for several stacks at once."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        yield [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def _addresses(
    hosts: Iterable[str], port: int
) -> list[tuple[socket.AddressFamily, tuple[str, int]]]:
    found = {
        (family, (str(address[0]), port))
        for host in hosts
        for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    }
    return sorted(found)


def _open(family: socket.AddressFamily, address: tuple[str, int]) -> socket.socket | None:
    opened = socket.socket(family, socket.SOCK_STREAM)
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
