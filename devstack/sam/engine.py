"""What must be known of Docker before anything starts, in words that say what to do."""

import ipaddress
import json
import socket
import subprocess
from collections.abc import Sequence

from devstack.template import Template

_WITHOUT = "`make run` serves the same API without Docker"


def require_image(template: Template, architecture: str) -> None:
    """Raise `RuntimeError` unless an engine answers and has Lambda's image for the functions."""
    docker("version")
    runtime = template["Globals"]["Function"]["Runtime"].removeprefix("python")
    image = f"public.ecr.aws/lambda/python:{runtime}-{architecture}"
    if not docker("image", "ls", "--quiet", image):
        raise RuntimeError(f"Lambda's image is not here yet. Fetch it: docker pull {image}")


def address(aws_hosts: Sequence[str]) -> str:
    """Return where containers find this machine: Docker's bridge, unless AWS_HOST names a place.

    Raise `RuntimeError` when the bridge is not this machine's own: Docker Desktop keeps it in a
    virtual machine, an engine elsewhere or without root has it out of reach.
    """
    named = [host for host in aws_hosts if _names_a_place(host)]
    if named:
        return named[0]
    found = bridge(docker("network", "inspect", "bridge"))
    if not _is_own(found):
        raise RuntimeError(
            f"Docker's bridge ({found}) is not on this machine. Name an address of this machine"
            " that containers reach, say the one in your network: AWS_HOST=127.0.0.1,192.168.…"
            f" ({_WITHOUT})"
        )
    return found


def bridge(inspected: str) -> str:
    """Read the host's address on the default network from `docker network inspect`."""
    for config in json.loads(inspected)[0]["IPAM"]["Config"]:
        network = ipaddress.ip_network(config["Subnet"])
        if network.version == 4:  # noqa: PLR2004 — IPv4
            # Docker leaves out the gateway that it chose by itself: the network's first address.
            return str(config.get("Gateway") or network[1])
    raise RuntimeError("Docker's default network has no IPv4 address")


def _names_a_place(host: str) -> bool:
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return host != "localhost"
    return not (found.is_loopback or found.is_unspecified)


def _is_own(address: str) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def docker(*arguments: str) -> str:
    """Return what a `docker` command prints; raise `RuntimeError` with its error."""
    try:
        done = subprocess.run(
            ["docker", *arguments],  # noqa: S607 — the user's own
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise RuntimeError(f"Docker is not installed ({_WITHOUT})") from None
    if done.returncode:
        raise RuntimeError(f"Docker does not answer ({_WITHOUT}): {done.stderr.strip()}")
    return done.stdout.strip()
