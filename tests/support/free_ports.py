"""Ports of this machine that nobody listens at."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def free_ports(count: int) -> Iterator[list[int]]:
    """Free ports, held while the block runs: for several stacks at once."""
    with ExitStack() as stack:
        held = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        yield [one.getsockname()[1] for one in held]
