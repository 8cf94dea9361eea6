"""What `make sam-local` finds out and writes before a container starts."""

import json

import pytest

from devstack import template
from devstack.build import BUILT
from devstack.sam import engine
from devstack.sam.environment import environment
from devstack.sam.project import derive, reachable
from devstack.settings import ROOT


@pytest.fixture
def docker(tmp_path, monkeypatch):
    """A `docker` that says `output` and ends with `code`, whatever it is asked."""

    def docker(output="", code=0):
        (tmp_path / "said").write_text(output)
        command = tmp_path / "docker"
        stream = 2 if code else 1
        command.write_text(f"#!/bin/sh\n/bin/cat {tmp_path}/said >&{stream}\nexit {code}\n")
        command.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return docker


@pytest.fixture
def source():
    return template.load(ROOT / "template.yaml")


def network(**config):
    return json.dumps([{"IPAM": {"Config": [{"Subnet": "fd00::/80"}, config]}}]) + "\n"


def test_without_docker_the_other_way_is_told(source, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"not installed .*`make run`"):
        engine.require_image(source, "x86_64")


def test_without_an_engine_its_own_words_are_told(source, docker):
    docker("Is the daemon running?\n", code=1)
    with pytest.raises(RuntimeError, match=r"`make run`.*Is the daemon running"):
        engine.require_image(source, "x86_64")


def test_missing_image_is_named_with_the_command_to_fetch_it(source, docker):
    """Without Lambda's image the command that fetches it is reported."""
    docker()
    with pytest.raises(RuntimeError, match=r"docker pull public.ecr.aws/lambda/python:3.13-arm64"):
        engine.require_image(source, "arm64")


def test_with_the_image_nothing_is_said(source, docker):
    docker("b4d5c88b30ad\n")
    engine.require_image(source, "arm64")


@pytest.mark.parametrize(
    ("config", "address"),
    [
        ({"Subnet": "172.17.0.0/16"}, "172.17.0.1"),
        ({"Subnet": "10.9.0.0/24", "Gateway": "10.9.0.254"}, "10.9.0.254"),
    ],
)
def test_containers_find_this_machine_at_the_bridge(config, address):
    assert engine.bridge(network(**config)) == address


def test_an_address_that_the_user_names_is_taken(docker):
    docker(network(Subnet="198.51.100.0/24"))
    assert engine.address(["127.0.0.1", "192.0.2.7"]) == "192.0.2.7"


def test_a_bridge_of_another_machine_is_refused_with_a_way_out(docker):
    docker(network(Subnet="198.51.100.0/24"))
    with pytest.raises(RuntimeError, match=r"198\.51\.100\.1.*AWS_HOST=127\.0\.0\.1,"):
        engine.address(["127.0.0.1", "0.0.0.0"])


def test_sam_gets_binary_bodies_and_every_variable_set(source):
    derived = derive(source, BUILT)
    body = derived["Resources"]["HttpApi"]["Properties"]["DefinitionBody"]
    assert body["x-amazon-apigateway-binary-media-types"] == ["multipart/form-data"]
    declared = derived["Globals"]["Function"]["Environment"]["Variables"]
    assert {"AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "TABLE_NAME"} <= declared.keys()


def test_sam_is_told_what_this_machine_is(source):
    parameters = derive(source, BUILT)["Parameters"]
    assert parameters["Stage"]["Default"] == "local"
    assert parameters["Architecture"]["Default"] == template.architecture()


def test_what_sam_runs_is_what_was_built(source):
    derived = derive(source, BUILT)
    folders = [template.code_folder(resource) for resource in derived["Resources"].values()]
    assert f"{BUILT}/functions/submit" in folders


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ("http://127.0.0.1:8001", "http://172.17.0.1:8001"),
        ("http://localhost:4566/0/queue", "http://172.17.0.1:4566/0/queue"),
        ("http://127.0.0.1:1,http://127.0.0.1:2", "http://172.17.0.1:1,http://172.17.0.1:2"),
        ("https://relay.example/localhost", "https://relay.example/localhost"),
    ],
)
def test_this_machine_is_another_address_in_a_container(value, seen):
    assert reachable(value, "172.17.0.1") == seen


def test_sam_sees_no_credentials(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/docker.sock")
    environ = environment()
    assert environ["DOCKER_HOST"] == "unix:///run/docker.sock"
    assert environ["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
    assert not environ.keys() & {"AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"}
