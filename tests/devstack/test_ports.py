import errno
import socket

import pytest

from devstack import ports
from devstack.ports import Port
from tests.support.free_ports import free_ports


def port(number, setting="API_PORT", **changes):
    return Port(**{"setting": setting, "hosts": ["127.0.0.1"], "number": number, **changes})


def test_all_taken_ports_are_named_at_once_with_a_line_to_copy():
    with free_ports(2) as taken:
        wanted = [port(taken[0]), port(taken[1], "UPSTREAM_PORT", bound_here=False)]
        with pytest.raises(ports.PortError) as excinfo:
            ports.take(wanted, "make run")
    *lines, advice = str(excinfo.value).splitlines()
    for number, setting in zip(taken, ("API_PORT", "UPSTREAM_PORT"), strict=True):
        assert any(f"port {number} is taken" in line and setting in line for line in lines)
        assert f"{setting}=" in advice
    assert advice.endswith(" make run")


def test_line_to_copy_names_free_ports_for_taken_ones():
    with free_ports(1) as (free,):
        pass
    with free_ports(1) as (taken,), pytest.raises(ports.PortError) as excinfo:
        ports.take([port(free, "AWS_PORT"), port(taken)], "make run")
    advice = str(excinfo.value).splitlines()[-1].split()
    assert advice[0].startswith("API_PORT=")
    assert advice[1:] == ["make", "run"]
    socket.create_server(("127.0.0.1", int(advice[0].partition("=")[2]))).close()


def test_ports_are_given_back_when_another_is_taken():
    with free_ports(1) as (free,):
        pass
    with free_ports(1) as (taken,), pytest.raises(ports.PortError):
        ports.take([port(free), port(taken, "AWS_PORT")], "make run")
    socket.create_server(("127.0.0.1", free)).close()


def test_a_port_that_cannot_be_had_is_named_with_its_setting():
    refused = (port(80), PermissionError(errno.EACCES, "Permission denied"))
    message = str(ports.PortError([refused], "make run"))
    assert "port 80 cannot be used: Permission denied (API_PORT)" in message
    assert "API_PORT=" in message.splitlines()[-1]


@pytest.mark.parametrize(
    "refusal", [socket.gaierror(-2, "unknown"), OSError(errno.EADDRNOTAVAIL, "not here")]
)
def test_a_host_that_is_not_here_is_named_with_its_setting(refusal):
    message = str(ports.PortError([(port(8000, hosts=["elsewhere"]), refusal)], "make run"))
    assert "API_HOST=elsewhere" in message
    assert "make run" not in message


def test_a_name_is_served_at_every_address_that_it_has_here():
    with free_ports(1) as (number,):
        pass
    opened = ports.listen(["localhost"], number)
    addresses = {one.getsockname()[0] for one in opened}
    for one in opened:
        one.close()
    assert "127.0.0.1" in addresses
    assert addresses <= {"127.0.0.1", "::1"}


def test_a_port_that_was_only_tried_is_free_again_at_once():
    with free_ports(1) as (number,):
        pass
    tried = port(number, bound_here=False)
    assert ports.take([tried], "make run") == ports.take([tried], "make run") == []
    socket.create_server(("127.0.0.1", number)).close()


@pytest.mark.parametrize("hosts", [["0.0.0.0", "localhost"], ["127.0.0.1", "0.0.0.0"]])
def test_all_addresses_and_one_of_them_are_served_together(hosts):
    with free_ports(1) as [number]:
        pass
    opened = ports.listen(hosts, number)
    try:
        assert "0.0.0.0" in {one.getsockname()[0] for one in opened}
        assert len(opened) <= 2  # IPv6's loopback, where there is one
        with socket.create_connection(("127.0.0.1", number), timeout=5):
            pass
    finally:
        for one in opened:
            one.close()


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_localhost_is_served_at_ipv6():
    """Localhost is served at IPv6 whatever the hosts file says."""
    with free_ports(1) as [number]:
        pass
    opened = ports.listen(["localhost"], number)
    served = {one.getsockname()[0] for one in opened}
    for one in opened:
        one.close()
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 loopback here")
    assert served == {"127.0.0.1", "::1"}
