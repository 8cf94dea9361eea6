import errno
import socket

import pytest

from local import ports


def test_a_taken_port_is_named_with_its_setting():
    with ports.free_ports(1) as (taken,), pytest.raises(ports.PortError) as told:
        ports.listen(["127.0.0.1"], taken, "API_PORT")
    assert str(taken) in str(told.value)
    assert "API_PORT" in str(told.value)


def test_a_port_that_cannot_be_had_is_named_with_its_setting():
    told = str(ports.PortError(80, "API_PORT", PermissionError(errno.EACCES, "Permission denied")))
    assert "port 80 cannot be used (Permission denied)" in told
    assert "API_PORT" in told


def test_a_name_is_served_at_every_address_that_it_has_here():
    with ports.free_ports(1) as (number,):
        pass
    opened = ports.listen(["localhost"], number, "API_PORT")
    addresses = {one.getsockname()[0] for one in opened}
    for one in opened:
        one.close()
    assert "127.0.0.1" in addresses
    assert addresses <= {"127.0.0.1", "::1"}


def test_a_port_is_free_again_at_once():
    with ports.free_ports(1) as (number,):
        pass
    ports.check_free(number, "UPSTREAM_PORT")
    ports.check_free(number, "UPSTREAM_PORT")
    socket.create_server(("127.0.0.1", number)).close()
